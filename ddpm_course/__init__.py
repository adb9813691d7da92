"""Denoising diffusion probabilistic models, one module per chapter of the course."""

__version__ = "0.1.0"
