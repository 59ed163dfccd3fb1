"""The same answers for less work. The network works without this folder: nn/files.py swaps it in."""
