"""What callers may send, and how much of it."""
