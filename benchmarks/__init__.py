"""What is fast, and how fast: every figure is a ratio of two sides measured in one run."""
