"""Connected pieces of ink: rows of them, signs, and what was drawn around and beside digits."""
