"""Read float32 arrays from an untrusted HDF5 file.

HDF5's own library trusts the file. It follows a circular list of free space until the memory is full, in a thread that
cannot be stopped and that holds the global lock. So this module reads only the few structures in Keras's files, as the
HDF5 File Format Specification 2.0 describes them: a superblock of version 0, groups as symbol tables or as links in
their header, and contiguous arrays. Each read stays within the file, and the number of reads is limited.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

MOST_WORK: Final = 50_000
"""The most reads of one file; larger ones count once per 64 bytes. A network with six layers needs about 500."""

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_FLOAT32: Final = bytes.fromhex("11201f00 04000000 00002000 17080017 7f000000")  # little-endian, as IEEE 754 has it
_MOST_DEPTH: Final = 8
_MOST_NAME: Final = 64
# Kinds of messages in an object's header.
_DATASPACE, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS, _CONTINUED, _SYMBOL_TABLE = 1, 3, 6, 7, 8, 11, 16, 17
_SOFT_LINK: Final = 2


class UnfitError(Exception):
    """What is wrong with a file, as text that follows a colon."""


class File:
    """The content of an HDF5 file.

    Raises:
        UnfitError: from here and from the methods, when it is not an HDF5 file, is damaged or has another structure.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._work_left = MOST_WORK
        self._groups: dict[int, dict[bytes, int]] = {}
        if self._bytes(0, 8) != _SIGNATURE:
            raise UnfitError("its weights are not an HDF5 file")
        version, size_of_offsets, size_of_lengths, base = self._numbers("<B4xBB9xQ", 8)
        if (version, size_of_offsets, size_of_lengths, base) != (0, 8, 8, 0):
            raise UnfitError("its weights are an HDF5 file of another version")
        (self._root,) = self._numbers("<Q", 64)

    def array(self, path: Sequence[str], shape: tuple[int, ...], what: str) -> npt.NDArray[np.float32]:
        """The array at a path.

        Args:
            path: the names of its groups and its own name.
            shape: the shape that it must have.
            what: its name in messages.
        """
        address = self._root
        for part in path:
            links = self._links(address)
            if part.encode() not in links:
                raise UnfitError(Message("it lacks {what}", what=what))
            address = links[part.encode()]
        found = dict(self._messages(address))
        if _LAYOUT not in found:
            raise UnfitError(Message("it lacks {what}", what=what))
        if found.get(_DATATYPE, b"")[:20] != _FLOAT32 or _shape(found.get(_DATASPACE, b"")) != shape:
            raise UnfitError(Message("{what} do not fit its settings", what=what))
        layout, size = found[_LAYOUT], 4 * math.prod(shape)
        # Version 3, contiguous in this file: not compressed, not in another file, not filled in by HDF5.
        is_plain = len(layout) >= 18 and layout[:2] == b"\3\1" and not {_EXTERNAL, _FILTERS} & set(found)
        start, stored = struct.unpack_from("<QQ", layout, 2) if is_plain else (0, 0)
        if stored != size or start + size > len(self._content):
            raise UnfitError(Message("{what} are stored in an unusual way", what=what))
        return np.frombuffer(self._content, "<f4", math.prod(shape), start).reshape(shape).astype(np.float32)

    def _links(self, address: int) -> dict[bytes, int]:
        """The objects of a group by name, with their addresses; without soft and external links."""
        if address not in self._groups:
            links: dict[bytes, int] = {}
            for kind, data in self._messages(address):
                if kind == _SYMBOL_TABLE and len(data) >= 16:
                    tree, heap = struct.unpack_from("<QQ", data)
                    links.update(self._table(tree, heap))
                elif kind == _LINK:
                    links.update(_hard_link(data))
            self._groups[address] = links
        return self._groups[address]

    def _messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        """The kind and content of each message in an object's header, which must have version 1."""
        version, count, size = self._numbers("<BxHxxxxI", address)
        if version != 1:
            raise _damaged()
        blocks = [(address + 16, size)]
        while blocks and count:
            start, size = blocks.pop(0)
            end = start + size
            while start + 8 <= end and count:
                kind, length = self._numbers("<HH", start)
                data = self._bytes(start + 8, length)
                start, count = start + 8 + length, count - 1
                if kind == _CONTINUED and length >= 16:
                    blocks.append(struct.unpack_from("<QQ", data))
                else:
                    yield kind, data

    def _table(self, address: int, heap: int) -> Iterator[tuple[bytes, int]]:
        """The names in a symbol table and the addresses of their objects, from the B-tree at `address`."""
        signature, names_size, names = self._numbers("<4s4xQ8xQ", heap)
        if signature != b"HEAP":
            raise _damaged()
        nodes = [(address, 0)]
        while nodes:
            node, depth = nodes.pop()
            signature = self._bytes(node, 4)
            if signature == b"TREE" and depth < _MOST_DEPTH:
                (count,) = self._numbers("<H", node + 6)
                nodes += [(self._numbers("<Q", node + 32 + 16 * place)[0], depth + 1) for place in range(count)]
            elif signature == b"SNOD":
                (count,) = self._numbers("<H", node + 6)
                for place in range(count):
                    name, target, cached = self._numbers("<QQI", node + 8 + 40 * place)
                    if name >= names_size:
                        raise _damaged()
                    if cached != _SOFT_LINK:
                        yield self._name(names + name), target
            else:
                raise _damaged()

    def _name(self, address: int) -> bytes:
        return self._bytes(address, min(_MOST_NAME, len(self._content) - address)).split(b"\0")[0]

    def _numbers(self, form: str, address: int) -> tuple[Any, ...]:
        return struct.unpack(form, self._bytes(address, struct.calcsize(form)))

    def _bytes(self, start: int, size: int) -> bytes:
        self._work_left -= 1 + size // 64
        if self._work_left < 0 or size < 0 or start + size > len(self._content):
            raise _damaged()
        return self._content[start : start + size]


def _shape(dataspace: bytes) -> tuple[int, ...] | None:
    """The shape in a dataspace message; None if it has another structure."""
    starts = {1: 8, 2: 4}
    if len(dataspace) < 4 or dataspace[0] not in starts:
        return None
    start, rank = starts[dataspace[0]], dataspace[1]
    if len(dataspace) < start + 8 * rank:
        return None
    return struct.unpack_from(f"<{rank}Q", dataspace, start)


def _hard_link(data: bytes) -> list[tuple[bytes, int]]:
    """The name and target of a link message; empty for a soft or external link."""
    if len(data) < 2 or data[0] != 1:
        raise _damaged()
    flags, at = data[1], 2
    kind = data[at : at + 1] if flags & 8 else b"\0"
    at += bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[at : at + width], "little")
    name, target = data[at + width :][:length], data[at + width + length :][:8]
    return [(name, int.from_bytes(target, "little"))] if kind == b"\0" and len(target) == 8 else []


def _damaged() -> UnfitError:
    return UnfitError("its weights may be damaged")
