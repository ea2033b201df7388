"""Convert drawings on a canvas, photos and pen strokes to images like those of MNIST."""

from mnist_core.drawing.preprocessing import Drawing, to_mnist

__all__ = ["Drawing", "to_mnist"]
