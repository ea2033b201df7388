"""Drawings: from a canvas, a photo or pen strokes to an image like those of MNIST."""

from mnist_core.drawing.preprocessing import Drawing, to_mnist

__all__ = ["Drawing", "to_mnist"]
