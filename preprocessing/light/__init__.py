"""Colours and light: one channel in which ink is dark, and the light that falls on the paper."""
