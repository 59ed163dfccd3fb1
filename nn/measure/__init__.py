"""How well a network answers: figures and plots."""
