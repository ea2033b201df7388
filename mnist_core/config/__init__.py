"""What a run is: one frozen `RunConfig` with its hidden layers, and the tables of their settings.

A setting is one field of `RunConfig` or `LayerConfig`: its label, help, choices or range, default and words are
written there once, and editor, links, files, reports, comparisons, the exported program and the checks read them.
"""

from mnist_core.config.layer import (
    ACTIVATIONS,
    FILTERS,
    IMAGE_SIZE,
    LAYER_KINDS,
    LAYER_SETTINGS,
    LayerConfig,
    picture_sides,
)
from mnist_core.config.run import (
    CLASSES,
    EPOCHS,
    LEARNING_RATE,
    LOSSES,
    MAX_LAYERS,
    OPTIMIZERS,
    ORDERS,
    PIXELS,
    SEED,
    SETTINGS,
    SPLITS,
    TRAINING_IMAGES,
    VALIDATION_FRACTION,
    RunConfig,
)
from mnist_core.config.settings import Range, Setting, check_choice, to_text

__all__ = [
    "ACTIVATIONS",
    "CLASSES",
    "EPOCHS",
    "FILTERS",
    "IMAGE_SIZE",
    "LAYER_KINDS",
    "LAYER_SETTINGS",
    "LEARNING_RATE",
    "LOSSES",
    "MAX_LAYERS",
    "OPTIMIZERS",
    "ORDERS",
    "PIXELS",
    "SEED",
    "SETTINGS",
    "SPLITS",
    "TRAINING_IMAGES",
    "VALIDATION_FRACTION",
    "LayerConfig",
    "Range",
    "RunConfig",
    "Setting",
    "check_choice",
    "picture_sides",
    "to_text",
]
