"""A package, so that its conftest.py stands beside tests/conftest.py and does not take its place."""
