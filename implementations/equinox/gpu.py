"""Equinox on a GPU: it computes with JAX, and so everything is JAX's."""

from implementations.jax.gpu import peak_mb, prepare

__all__ = ["peak_mb", "prepare"]
