"""Symbolic sizes inside: polynomials, what values a size may take, proofs. :mod:`archdsl.dims` is the face."""
