"""What makes the same answers cheaper, and what no learner needs. The rest of `nn` works without it."""
