"""What the page shows, with its scripts and styles."""
