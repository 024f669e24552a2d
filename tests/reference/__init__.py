"""Independent implementations that the zoo is compared with: libraries, and plain PyTorch written from the papers."""
