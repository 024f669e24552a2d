"""archdsl: a small language for neural networks. The public face; torch is imported only when asked for."""

__version__ = "0.1.0"
