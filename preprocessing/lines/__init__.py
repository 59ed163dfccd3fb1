"""Printed lines and boxes: how they are found, told from strokes, and taken out."""
