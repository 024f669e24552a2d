"""The zoo: its figures, and its numbers against independent implementations."""
