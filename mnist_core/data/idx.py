"""Read and write IDX, the file format of MNIST.

A file is a four-byte magic number (two zero bytes, a code for the type of number, the number of dimensions),
then each dimension as a big-endian unsigned 32-bit integer, then the numbers, big-endian, with the last dimension
varying fastest. It is usually compressed with gzip. The format is described at the end of
http://yann.lecun.com/exdb/mnist/.

Files are untrusted input: everything is checked before it is used.
"""

import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_core.errors import DataError
from mnist_core.language import Message

MAX_BYTES: Final = 64 * 2**20
"""Default limit on a file's size, before and after decompression. MNIST's largest file has 47 MB."""

MAX_DIMENSIONS: Final = 4

TYPES: Final[dict[int, np.dtype[Any]]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
"""The stored type for each type code."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # makes zlib read a gzip header and verify the checksum
_FETCH_AGAIN: Final = Message("Download the file again, or choose another one.")


@dataclass(frozen=True)
class Field:
    """A field of a file's header.

    Args:
        start: its first byte, counted from 0.
        stop: the first byte of the next field.
        name: the name to show.
        value: its value as text.
    """

    start: int
    stop: int
    name: str
    value: str


def header_fields(content: bytes) -> tuple[Field, ...]:
    """Return the fields of the header of an uncompressed IDX file.

    Raises:
        DataError: this is not the header of an IDX file.
    """
    stored, shape = _read_header(content)
    names = [Message("dimension {number}", number=k + 1) for k in range(len(shape))]
    if len(shape) == 1:
        names = [Message("how many labels")]
    elif len(shape) == 3:
        names = [Message("how many images"), Message("rows of an image"), Message("columns of an image")]
    return (
        Field(0, 2, Message("always zero"), "0"),
        Field(2, 3, Message("type of number"), stored.newbyteorder("=").name),
        Field(3, 4, Message("number of dimensions"), str(len(shape))),
        *(
            Field(4 + 4 * k, 8 + 4 * k, name, f"{size:,}")
            for k, (name, size) in enumerate(zip(names, shape, strict=True))
        ),
    )


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, sha256: str | None = None) -> NDArray[Any]:
    """Return the array in an IDX file.

    Args:
        data: the whole file, with or without gzip.
        max_bytes: the largest size to accept, both of `data` and of the decompressed content.
        sha256: the expected SHA-256 of the decompressed content, in hexadecimal; None to accept any content.

    Returns:
        An array of 1 to 4 dimensions in native byte order, of type uint8, int8, int16, int32, float32 or
        float64. It may share memory with `data`; then it is read-only.

    Raises:
        DataError: the file is empty, too large, damaged, not an IDX file, longer or shorter than its header
            says, or has another SHA-256.

    Example:
        >>> parse(pack(np.uint8([1, 2, 3])))
        array([1, 2, 3], dtype=uint8)
    """
    content = _decompress(data, max_bytes)
    if sha256 is not None and (digest := hashlib.sha256(content).hexdigest()) != sha256:
        raise DataError("The file's content is not what was published.", _FETCH_AGAIN, f"SHA-256 {digest}")
    stored, shape = _read_header(content)
    offset = 4 + 4 * len(shape)

    # Python's integers do not overflow. Zeros count as one here: a shape such as (0, 2**32 - 1, 2**32 - 1) has no
    # elements, but NumPy cannot represent it.
    if stored.itemsize * math.prod(max(size, 1) for size in shape) > max_bytes:
        raise DataError(
            Message(
                "The file's header announces an array larger than the limit of {most:,} bytes.",
                most=max_bytes,
            ),
            _FETCH_AGAIN,
            received=f"dimensions {_times(shape)}",
        )
    expected = offset + stored.itemsize * math.prod(shape)
    if len(content) != expected:
        raise DataError(
            f"The file is too {'short' if len(content) < expected else 'long'}: "
            f"its dimensions {_times(shape)} need {expected:,} bytes.",
            _FETCH_AGAIN,
            received=Message("{count:,} bytes", count=len(content)),
        )
    values: NDArray[Any] = np.frombuffer(content, stored, offset=offset).reshape(shape)
    return values.astype(stored.newbyteorder("="), copy=False)


def read(path: str | Path, *, max_bytes: int = MAX_BYTES, sha256: str | None = None) -> NDArray[Any]:
    """Return the array in the file at `path`, as `parse` does. Never reads more than the limit.

    Raises:
        DataError: as in `parse`, with the file's name, or the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise DataError(
            Message("{path} cannot be read.", path=path), "Check that the file exists and is readable.", error.strerror
        ) from error
    try:
        return parse(data, max_bytes=max_bytes, sha256=sha256)
    except DataError as error:
        raise DataError(f"{path}: {error.problem}", error.remedy, error.received) from error


def pack(array: ArrayLike) -> bytes:
    """Return an array as an uncompressed IDX file. The inverse of `parse`.

    Args:
        array: 1 to 4 dimensions; uint8, int8, int16, int32, float32 or float64, in any byte order and layout.

    Raises:
        DataError: the format does not support the array's type or number of dimensions.
    """
    values = np.asarray(array)
    code = next((code for code, stored in TYPES.items() if stored == values.dtype.newbyteorder(">")), None)
    if code is None:
        raise DataError(
            "IDX cannot hold numbers of this type.",
            Message("Convert the array to one of {type_names} first.", type_names=_type_names()),
            received=str(values.dtype),
        )
    if not 1 <= values.ndim <= MAX_DIMENSIONS:
        raise DataError(
            Message("An array for an IDX file has 1 to {most} dimensions.", most=MAX_DIMENSIONS),
            "Reshape the array first.",
            received=Message("{ndim} dimensions", ndim=values.ndim),
        )
    return _header(code, values.shape) + values.astype(TYPES[code], copy=False).tobytes()


def first_bytes(array: NDArray[np.uint8], count: int) -> bytes:
    """Return the header and the next `count` bytes of the file that `pack` would make of an array of bytes."""
    return _header(0x08, array.shape) + array.reshape(-1)[:count].tobytes()


def _header(code: int, shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


def _decompress(data: bytes, max_bytes: int) -> bytes:
    """Return the content of a file, decompressed if necessary, never more than `max_bytes`.

    Raises:
        DataError: `data` is empty or too large, or its gzip is truncated, damaged, followed by other bytes,
            or holds more than `max_bytes`.
    """
    if not data:
        raise DataError("The file is empty.", _FETCH_AGAIN, received="0 bytes")
    if len(data) > max_bytes:
        raise DataError(
            Message("The file is larger than the limit of {most:,} bytes.", most=max_bytes),
            "Choose a smaller file.",
            received=Message("{count:,} bytes", count=len(data)),
        )
    if not data.startswith(_GZIP_MAGIC):
        return data

    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # Stop one byte above the limit, so that a decompression bomb does no harm.
        content = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise DataError(
            "The file's gzip compression is damaged.", _FETCH_AGAIN, Message("{count:,} bytes", count=len(data))
        ) from error
    if len(content) > max_bytes:
        raise DataError(
            Message("Decompressed, the file is larger than the limit of {most:,} bytes.", most=max_bytes),
            "Choose a smaller file.",
            received=Message("{count:,} bytes of gzip", count=len(data)),
        )
    if not stream.eof:
        raise DataError(
            "The file's gzip compression ends too early.",
            _FETCH_AGAIN,
            received=Message("{count:,} bytes", count=len(data)),
        )
    if stream.unused_data:
        raise DataError(
            "Something follows the end of the file's gzip compression.",
            "Compress the IDX file again with gzip, without other files.",
            received=Message("{count:,} more bytes", count=len(stream.unused_data)),
        )
    if not content:
        raise DataError("Decompressed, the file is empty.", _FETCH_AGAIN, received="0 bytes")
    return content


def _read_header(content: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type of number as stored, and the shape."""
    magic = content[:4]
    if len(magic) < 4:
        raise DataError("The file is too short for IDX's four-byte magic number.", _FETCH_AGAIN, received=_hex(magic))
    if magic[:2] != b"\x00\x00":
        raise DataError(
            "This is not an IDX file: the first two bytes of one are zero.",
            "Choose a file such as train-images-idx3-ubyte, with or without .gz.",
            received=_hex(magic),
        )
    code, dimensions = magic[2], magic[3]
    if code not in TYPES:
        raise DataError(
            "The file's third byte is not one of IDX's codes for a type of number.",
            "Choose one of MNIST's four files, or a file in the same form.",
            received=code,
        )
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise DataError(
            Message(
                "The file's fourth byte, the number of dimensions, is not between 1 and {most}.",
                most=MAX_DIMENSIONS,
            ),
            "Choose a file of images (3 dimensions) or labels (1 dimension).",
            received=dimensions,
        )
    if len(content) < 4 + 4 * dimensions:
        raise DataError(
            Message(
                "The file ends inside its header: {dimensions} dimensions take {needed} bytes.",
                dimensions=dimensions,
                needed=4 + 4 * dimensions,
            ),
            _FETCH_AGAIN,
            received=Message("{count} bytes", count=len(content)),
        )
    return TYPES[code], struct.unpack_from(f">{dimensions}I", content, 4)


def _type_names() -> str:
    names = [stored.newbyteorder("=").name for stored in TYPES.values()]
    return Message("{first} or {last}", first=", ".join(names[:-1]), last=names[-1])


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape)


def _hex(data: bytes) -> str:
    return Message("bytes {hex}", hex=data.hex(" "))
