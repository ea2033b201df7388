"""Make a data set of uploaded files: IDX files like MNIST's, or one NPZ file like Keras's."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.data import idx
from mnist_core.data.datasets import Dataset
from mnist_core.data.sources import classes_of, ten_names
from mnist_core.errors import DataError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

NAME = "own"
# Limit on each file after decompression, a little more than MNIST's largest.
MAX_BYTES = 64 * 2**20
# The share to hold out if there are no test images, as in MNIST.
_TEST_SHARE = 1 / 7
_SEED = 70_000
_REMEDY = Message(
    "Give MNIST's four IDX files, or two of them (images and labels), or one NPZ with x_train, y_train, x_test, y_test."
)
# Words for arrays of a wrong type, by NumPy's kind.
_KINDS = {
    "f": Message("decimal numbers"),
    "c": Message("complex numbers"),
    "U": "texts",
    "S": "texts",
    "b": Message("only yes and no"),
}
_PARTS = ("x_train", "y_train", "x_test", "y_test", "class_names", "train_groups")


def read(files: Mapping[str, bytes]) -> Dataset:
    """Read a data set from uploaded files.

    IDX files with three dimensions are images, those with one are labels. Files with "t10k" or "test" in their name are
    for testing. Without test files, a seventh of the images is held out, always the same ones. An NPZ file with test
    images may have "train_groups" too, see `Dataset`, and any NPZ file "class_names"; otherwise the classes have the
    numbers from 0 to the highest label as names.

    Args:
        files: the bytes of each file by its name; IDX files with or without gzip, or one NPZ file.

    Returns:
        A `Dataset` named "own".

    Raises:
        DataError: files cannot be read, are too large, do not belong together, or contain something other than 28x28
            uint8 images with labels from 0 to 9, or class names that do not fit them.
    """
    arrays = _from_npz(files) if any(name.lower().endswith(".npz") for name in files) else _from_idx(files)
    if "x_train" not in arrays or "y_train" not in arrays:
        raise DataError("There must be images and labels to train on.", _REMEDY, ", ".join(files))
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DataError("The test images or their labels are missing.", _REMEDY, ", ".join(files))
    images, labels = _checked(arrays["x_train"], arrays["y_train"])
    if "x_test" in arrays:
        test_images, test_labels = _checked(arrays["x_test"], arrays["y_test"])
    else:
        order = np.random.default_rng(_SEED).permutation(len(images))
        held_out, training = np.split(order, [max(1, round(len(images) * _TEST_SHARE))])
        if not len(training):
            raise DataError(
                "There are too few images.", "Give at least two.", Message("{count} images", count=len(images))
            )
        training, held_out = np.sort(training), np.sort(held_out)
        test_images, test_labels = images[held_out], labels[held_out]
        images, labels = images[training], labels[training]
    names = _class_names(arrays, int(max(labels.max(), test_labels.max())))
    provenance = Message("your files {files}", files=", ".join(files))
    groups = arrays.get("train_groups") if "x_test" in arrays else None
    return Dataset(NAME, images, labels, test_images, test_labels, provenance, train_groups=groups, class_names=names)


def pack(dataset: Dataset) -> bytes:
    """Return a data set as an NPZ file, compressed, which `read` reads. Its provenance is not in it."""
    buffer = io.BytesIO()
    arrays: dict[str, npt.NDArray[Any]] = {
        "x_train": dataset.train_images,
        "y_train": dataset.train_labels,
        "x_test": dataset.test_images,
        "y_test": dataset.test_labels,
        "class_names": np.array([dataset.class_names[label] for label in classes_of(dataset.class_names)]),
    }
    if dataset.train_groups is not None:
        arrays["train_groups"] = dataset.train_groups
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _class_names(arrays: Mapping[str, npt.NDArray[Any]], highest: int) -> tuple[str, ...]:
    names = arrays.get("class_names")
    if names is None:
        # At least two: a network that has only one answer learns nothing.
        return ten_names([str(label) for label in range(max(1, highest) + 1)])
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DataError("class_names must be a list of texts.", "Leave it out, or give one name for each class.")
    if len(names) <= highest:
        raise DataError(
            "There are fewer class names than classes.",
            "Give one name for each class.",
            Message("{count} names", count=len(names)),
        )
    return ten_names(names.tolist())


def _from_idx(files: Mapping[str, bytes]) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, data in files.items():
        try:
            array = idx.parse(data, max_bytes=MAX_BYTES)
        except DataError as error:
            raise DataError(f"{name}: {error.problem}", error.remedy, error.received) from error
        kind = "y" if array.ndim == 1 else "x"
        part = f"{kind}_test" if any(word in name.lower() for word in ("t10k", "test")) else f"{kind}_train"
        if part in arrays:
            what = "labels" if kind == "y" else "images"
            raise DataError(
                Message("Two files contain the same kind of data: {what}.", what=what), _REMEDY, ", ".join(files)
            )
        arrays[part] = array
    return arrays


def _from_npz(files: Mapping[str, bytes]) -> dict[str, npt.NDArray[Any]]:
    if len(files) > 1:
        raise DataError("Upload an NPZ file alone, without other files.", _REMEDY, ", ".join(files))
    ((name, data),) = files.items()
    if len(data) > MAX_BYTES:
        raise DataError(
            Message("{name} has more than {most} MB.", name=name, most=MAX_BYTES // 2**20),
            _REMEDY,
            Message("{count:,} bytes", count=len(data)),
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # zipfile never reads more of a file than the size in the archive's directory.
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise DataError(
                Message("{name} unpacks to more than {most} MB.", name=name, most=MAX_BYTES // 2**20),
                _REMEDY,
                Message("{size:,} bytes", size=size),
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {part: np.asarray(arrays[part]) for part in _PARTS if part in arrays.files}
    except DataError:
        raise
    except Exception as error:
        # zipfile and NumPy raise a dozen different exceptions for damaged files.
        raise DataError(
            Message("{name} cannot be read as an NPZ file, it may be damaged.", name=name), _REMEDY
        ) from error


def _checked(images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Check images and labels, and return them as uint8."""
    _check_images(images)
    labels = _as_labels(labels)
    if len(images) != len(labels):
        counts = Message("{images:,} images, {labels:,} labels", images=len(images), labels=len(labels))
        raise DataError("There must be one label for each image.", _REMEDY, counts)
    return images, labels


def _check_images(images: npt.NDArray[Any]) -> None:
    if images.ndim < 2:
        raise DataError("The images are missing in this file.", _REMEDY)
    if images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        size = f"{IMAGE_SIZE} x {IMAGE_SIZE}"
        these = " x ".join(f"{side:,}" for side in images.shape[1:])
        if images.ndim == 2:
            these = Message("rows of {these} numbers", these=these)
        problem = Message("The images must be {size} pixels, in grey. These are {these}.", size=size, these=these)
        raise DataError(problem, Message("Resize them to {size} and choose the file again.", size=size))
    if images.dtype != np.uint8:
        kind = (
            Message("larger whole numbers")
            if images.dtype.kind in "iu"
            else _KINDS.get(images.dtype.kind, Message("no numbers"))
        )
        problem = Message("The pixels must be whole numbers from 0 to 255, one byte each. These are {kind}.", kind=kind)
        raise DataError(problem, "Save them as bytes, as MNIST's files have them, and choose the file again.")
    if not len(images):
        raise DataError("There are no images in the file.", _REMEDY)


def _as_labels(labels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Convert labels of any integer type to uint8. Keras's own files have uint8, others often int64."""
    if labels.ndim != 1:
        sides = " x ".join(f"{size:,}" for size in labels.shape)
        these = Message("{sides} values", sides=sides) if labels.ndim else Message("a single value")
        raise DataError("The labels must be one number for each image.", _REMEDY, these)
    if labels.dtype.kind not in "iu":
        kind = _KINDS.get(labels.dtype.kind, Message("no numbers"))
        raise DataError("The labels must be whole numbers, one for each image.", _REMEDY, kind)
    if len(labels) and (labels.min() < 0 or labels.max() > 9):
        raise DataError("A label is not from 0 to 9.", "Use at most ten classes, numbered from 0.", _extreme(labels))
    return labels.astype(np.uint8)


def _extreme(labels: npt.NDArray[Any]) -> int:
    return int(labels.min() if labels.min() < 0 else labels.max())
