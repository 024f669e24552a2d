"""The formulas of the notes, each a test."""
