"""A run as a plain Keras program to download, read and change.

The program does not need the playground: it trains the same network with the same settings on the same images. A line
that a control of the editor decides ends with the control's name. Settings that are off do not appear.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.config import CLASSES, SETTINGS
from mnist_core.data import idx
from mnist_core.data.sources import SOURCES, DataSource, noun_of
from mnist_core.language import SOURCE, speaking
from mnist_core.network.layers import plan
from mnist_core.network.optimizers import KERAS_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.network.layers import LayerPlan

_GROUPS_FILE = "train-groups-idx1-int"

_LOAD_FOLDER = '''
def load_folder(folder):
    """MNIST's four files, with or without gzip, in the form in which Keras returns them."""

    def read(name):
        path = Path(folder, name)
        data = path.read_bytes() if path.exists() else gzip.decompress(Path(folder, f"{name}.gz").read_bytes())
        shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)

    train = read("train-images-idx3-ubyte"), read("train-labels-idx1-ubyte")
    test = read("t10k-images-idx3-ubyte"), read("t10k-labels-idx1-ubyte")
    return train, test
'''

_HOLD_OUT = '''
def hold_out(images, labels, share, seed):
    """Images and labels to keep, in their order, and a share of them held out: the same ones as in the playground."""
    chosen = np.zeros(len(images), bool)
    order = np.random.RandomState(seed).permutation(len(images))
    chosen[order[: max(1, round(share * len(images)))]] = True
    return images[~chosen], labels[~chosen], images[chosen], labels[chosen]
'''

_HOLD_OUT_TOGETHER = '''
def hold_out(images, labels, groups, share, seed):
    """As the playground does: what to keep, and a share held out; images made from one original stay together."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.RandomState(seed).permutation(len(sizes))
    distance = np.abs(sizes[order].cumsum() - share * len(images))
    chosen = np.isin(group, order[: distance.argmin() + 1])
    return images[~chosen], labels[~chosen], groups[~chosen], images[chosen], labels[chosen]
'''


@dataclass(frozen=True)
class Section:
    """A part of the program.

    Args:
        name: a word for it.
        title: what it does, in a sentence.
        code: its lines.
    """

    name: str
    title: str
    code: str


@speaking(SOURCE)
def keras_script(config: RunConfig, file: str = "train.py") -> str:
    """The run as one file of Python that needs Keras 3 and NumPy; the same config gives the same text.

    It loads the data set from Keras, or from IDX files in a folder that is named on the command line. A data set that
    Keras does not have is always read from a folder, with the files of `data_files`. At the end it prints loss and
    accuracy on the test images. What Keras cannot do is left out and named in the program's docstring.

    Args:
        config: the run's.
        file: the file's name, of letters, digits, ``.`` and ``-``; its docstring says how to run it.
    """
    imports, functions, *parts = _sections(config, is_notebook=False)
    title = f"A network that {_task(config)}, and the recipe that trained it."
    head = "\n".join([title, "", *_advice(config, file)])
    body = "\n\n".join(f"# {part.title}\n{part.code}" for part in parts)
    return f'"""{head}\n"""\n\n{imports.code}\n\n\n{functions.code}\n\n\n{body}\n'


@speaking(SOURCE)
def notebook(config: RunConfig) -> str:
    """The program of `keras_script` as a Jupyter notebook (nbformat 4.5), one cell for each part."""
    title = [f"# A network that {_task(config)}", "", *_differences(config)]
    cells: list[dict[str, Any]] = [_cell("markdown", "about", "\n".join(title).strip())]
    for part in _sections(config, is_notebook=True):
        cells.append(_cell("markdown", f"{part.name}-words", part.title))
        code = _cell("code", part.name, part.code)
        cells.append(code | {"execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def needs_data_files(config: RunConfig) -> bool:
    """Whether the program needs the files of `data_files`: Keras does not have the data set."""
    return _source(config).keras_name is None


def data_files(dataset: Dataset) -> bytes:
    """A ZIP archive with a data set as four IDX files, named as those of MNIST. Unpack it for the program.

    If several images were made from one original, a fifth file has the number of the original, as int32.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "train-images-idx3-ubyte": dataset.train_images,
        "train-labels-idx1-ubyte": dataset.train_labels,
        "t10k-images-idx3-ubyte": dataset.test_images,
        "t10k-labels-idx1-ubyte": dataset.test_labels,
    }
    if dataset.train_groups is not None:
        arrays[_GROUPS_FILE] = dataset.train_groups
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(name), idx.pack(array), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _cell(kind: str, name: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _controls(*settings: str) -> str:
    """The comment that names the controls."""
    return "  # " + ", ".join(SETTINGS[name].label for name in settings)


def _argument(config: RunConfig, name: str) -> str:
    """The line with an argument of Keras that is a setting's value."""
    value = getattr(config, name)
    text = f'"{value}"' if isinstance(value, str) else value
    return f"    {SETTINGS[name].keras}={text},{_controls(name)}"


def _advice(config: RunConfig, file: str) -> list[str]:
    """How to run the script, and what to expect of it."""
    if needs_data_files(config):
        how = [f"    python {file} FOLDER    reads the data set's IDX files from a folder"]
    else:
        title = _source(config).title
        how = [
            f"    python {file}           downloads {title} on its first run",
            f"    python {file} FOLDER    reads {title}'s four IDX files from a folder",
        ]
    return ["It needs Keras 3 and its TensorFlow: pip install tensorflow", "", *how, "", *_differences(config)]


def _differences(config: RunConfig) -> list[str]:
    """What to know before comparing figures."""
    lines = [
        "A comment at the end of a line names the control of the playground that decides it. Keras draws other random",
        "numbers from the same seed, so the figures come near the playground's without being the same.",
    ]
    if needs_data_files(config):
        title = _source(config).title
        lines += [
            "",
            f"Keras does not have this run's data set, {title}: the playground offers its files next to the script.",
        ]
    if config.augmentation:
        label = SETTINGS["augmentation"].label
        lines += [
            "",
            f"Left out: {label} {config.augmentation:g}. No layer of Keras bends strokes or changes the pen, so",
            "this program learns from the images as they are, and reads other people's handwriting worse.",
        ]
    return lines


def _sections(config: RunConfig, is_notebook: bool) -> list[Section]:
    """The program's parts: imports, functions, then what is done. A notebook has no command line to look at."""
    return [
        Section("imports", "What it needs.", _imports(config, is_notebook)),
        Section("functions", "Reading and dividing the images.", _functions(config)),
        Section("images", f"The images and their {_noun(config)}.", "\n".join(_images(config, is_notebook))),
        Section("network", "The network.", "\n".join(_network(config))),
        Section("recipe", "How it learns.", "\n".join(_recipe(config))),
        Section("training", "The training.", "\n".join(_training(config))),
        Section("test", "The test, on images that it has not learned from.", "\n".join(_test(config))),
    ]


def _imports(config: RunConfig, is_notebook: bool) -> str:
    lines = ["import gzip", *([] if is_notebook else ["import sys"]), "from pathlib import Path", ""]
    lines += ["import keras", "import numpy as np", "from keras import layers", ""]
    return "\n".join([*lines, f"keras.utils.set_random_seed({config.seed}){_controls('seed')}"])


def _divides(config: RunConfig) -> bool:
    return config.split == "kite" or config.validation_fraction > 0


def _source(config: RunConfig) -> DataSource:
    """What is known about the data set of the run; of uploaded images only the name."""
    return SOURCES.get(config.dataset) or DataSource(config.dataset, config.dataset)


def _noun(config: RunConfig) -> str:
    return "digits" if noun_of(_source(config).class_names) == "digit" else "classes"


def _task(config: RunConfig) -> str:
    return "reads handwritten digits" if _noun(config) == "digits" else "recognizes ten classes of images"


def _functions(config: RunConfig) -> str:
    hold_out = _HOLD_OUT_TOGETHER if _source(config).has_groups else _HOLD_OUT
    return "\n\n\n".join(text.strip() for text in ([_LOAD_FOLDER, hold_out] if _divides(config) else [_LOAD_FOLDER]))


def _images(config: RunConfig, is_notebook: bool) -> Iterator[str]:
    loaded = "load_folder(folder)"
    source = _source(config)
    if source.keras_name is not None:
        loaded += f" if folder else keras.datasets.{source.keras_name}.load_data()"
        if is_notebook:
            yield f"folder = None  # or the name of one that holds {source.title}'s four IDX files"
        else:
            yield "folder = sys.argv[1] if len(sys.argv) > 1 else None"
    elif is_notebook:
        yield f'folder = "{config.dataset}"  # the folder that holds the IDX files of the data set'
    else:
        yield "if len(sys.argv) != 2:"
        yield f'    sys.exit("Name the folder that holds the IDX files of the data set {config.dataset}.")'
        yield "folder = sys.argv[1]"
    yield f"data = {loaded}{_controls('dataset')}"
    yield from _division(config)
    yield ""
    parts = ["train", *(["valid"] if config.validation_fraction else []), "test"]
    scale = " / 255" if config.pixels == "scaled" else ""
    pixels = SETTINGS["pixels"].in_words(config.pixels).lower()
    for part in parts:
        yield f'x_{part} = x_{part}.astype("float32"){scale}{_controls("pixels")}: {pixels}'
    for part in parts:
        yield f"y_{part} = keras.utils.to_categorical(y_{part}, {CLASSES})"


def _division(config: RunConfig) -> Iterator[str]:
    if config.split == "official":
        yield f"(x_train, y_train), (x_test, y_test) = data{_controls('split')}"
    else:
        yield "(x_train, y_train), _ = data"
    has_groups = _source(config).has_groups
    if has_groups and _divides(config):
        yield f'groups = np.frombuffer(Path(folder, "{_GROUPS_FILE}").read_bytes(), ">i4", offset=8)'
    given = "x_train, y_train, groups" if has_groups else "x_train, y_train"
    if config.split == "kite":
        rest = given if config.validation_fraction else given.replace("groups", "_")
        yield f"{rest}, x_test, y_test = hold_out({given}, 0.25, seed=45_000){_controls('split')}"
    if config.validation_fraction:
        rest = given.replace("groups", "_")
        share = config.validation_fraction
        yield f"{rest}, x_valid, y_valid = hold_out({given}, {share}, seed=784){_controls('validation_fraction')}"
    if config.training_images:
        count = config.training_images
        yield f"x_train, y_train = x_train[:{count}], y_train[:{count}]{_controls('training_images')}"


def _network(config: RunConfig) -> Iterator[str]:
    penalty = ""
    if config.l2:
        penalty = ", kernel_regularizer=l2"
        yield f"l2 = keras.regularizers.L2({config.l2}){_controls('l2')}"
    yield f"model = keras.Sequential({_controls('layers')}"
    yield "    ["
    for layer in plan(config.layers):
        yield f"        {_layer(layer, config, penalty)}"
    yield "    ]"
    yield ")"
    yield "model.summary()"


def _layer(layer: LayerPlan, config: RunConfig, penalty: str) -> str:
    """The line that makes a layer; for a hidden layer it ends with the names of its controls."""
    arguments = {
        "Input": f"{layer.output_shape}",
        "Reshape": f"{layer.output_shape}",
        "Conv2D": f'{layer.output_shape[-1]}, 3, activation="{layer.activation}"{penalty}',
        "Dense": f'{layer.output_shape[-1]}, activation="{layer.activation}"{penalty}',
        "Dropout": f"{layer.dropout}",
    }
    module = "keras" if layer.kind == "Input" else "layers"
    line = f"{module}.{layer.kind}({arguments.get(layer.kind, '')}),"
    if layer.hidden is None:
        return line
    decided_by = {"MaxPooling2D": ["kind"], "Dropout": ["dropout"]}.get(layer.kind, ["kind", "units", "activation"])
    settings = config.layers[layer.hidden - 1].settings
    return f"{line}  # Layer {layer.hidden}: {', '.join(settings[name].label for name in decided_by)}"


def _recipe(config: RunConfig) -> Iterator[str]:
    name, more = KERAS_CLASSES[config.optimizer]
    # With an L2 penalty, the loss of Keras includes it; the same function as a metric does not.
    also = f', "{config.loss}"' if config.l2 else ""
    given = {SETTINGS["learning_rate"].keras: config.learning_rate, **more}
    rate = ", ".join(f"{key}={value}" for key, value in given.items())
    yield "model.compile("
    yield f"    optimizer=keras.optimizers.{name}({rate}),{_controls('optimizer', 'learning_rate')}"
    yield _argument(config, "loss")
    yield f'    metrics=["accuracy"{also}],'
    yield ")"


def _training(config: RunConfig) -> Iterator[str]:
    if config.early_stopping:
        watched = f"val_{config.loss}" if config.l2 else "val_loss"
        yield "stop = keras.callbacks.EarlyStopping("
        yield f'    monitor="{watched}",'
        yield '    mode="min",'
        yield _argument(config, "early_stopping")
        yield "    restore_best_weights=True,"
        yield ")"
    yield "model.fit("
    yield "    x_train,"
    yield "    y_train,"
    yield _argument(config, "batch_size")
    yield _argument(config, "epochs")
    if config.validation_fraction:
        yield f"    validation_data=(x_valid, y_valid),{_controls('validation_fraction')}"
    yield f"    shuffle={config.order == 'shuffled'},{_controls('order')}"
    if config.early_stopping:
        yield f"    callbacks=[stop],{_controls('early_stopping')}"
    yield "    verbose=2,"
    yield ")"


def _test(config: RunConfig) -> Iterator[str]:
    loss = config.loss if config.l2 else "loss"
    yield "scores = model.evaluate(x_test, y_test, verbose=0, return_dict=True)"
    yield f"""print(f"test loss {{scores['{loss}']:.4f}}, test accuracy {{scores['accuracy']:.4f}}")"""
