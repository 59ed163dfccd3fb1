"""What the ink lies on: the sheet, the table around it, shadows, printed squares, dark windows."""
