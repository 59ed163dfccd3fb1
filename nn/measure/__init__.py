"""How well a network answers, in figures and in plots."""
