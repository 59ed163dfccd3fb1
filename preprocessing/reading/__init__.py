"""Several digits: which pieces are a digit together, and which row of digits they are."""
