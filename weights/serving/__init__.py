"""How the weights answer callers: one way from a picture to readings, and every transport that uses it."""
