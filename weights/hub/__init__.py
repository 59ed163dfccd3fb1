"""Weights on the Hugging Face Hub: how they are pulled, checked, published and described there."""
