"""Arrays of float32 from an HDF5 file that could come from anybody.

HDF5's own library believes what a file says of itself: a list of free space that leads back to itself is followed until
the memory is full, by a thread that nothing can stop and that holds the lock of all others. So this reads the few
structures that Keras's files consist of, as the HDF5 File Format Specification 2.0 describes them: a superblock of
version 0, groups as symbol tables or links in their header, and arrays in one piece. Each read is within the file, and
there are at most so many.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

MOST_WORK: Final = 50_000
"""Reads of one file, those of more than 64 bytes counted several times; a network of six layers takes some 500."""

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_FLOAT32: Final = bytes.fromhex("11201f00 04000000 00002000 17080017 7f000000")  # little-endian, as IEEE 754 has it
_MOST_DEPTH: Final = 8
_MOST_NAME: Final = 64
# Kinds of messages in an object's header.
_DATASPACE, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS, _CONTINUED, _SYMBOL_TABLE = 1, 3, 6, 7, 8, 11, 16, 17
_SOFT_LINK: Final = 2


class UnfitError(Exception):
    """What is wrong with a file, to follow a colon."""


class File:
    """An HDF5 file's content.

    Raises:
        UnfitError: also from the methods: it is no HDF5 file, or damaged, or of another form.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._work_left = MOST_WORK
        self._groups: dict[int, dict[bytes, int]] = {}
        if self._bytes(0, 8) != _SIGNATURE:
            raise UnfitError("its weights are no HDF5 file")
        version, size_of_offsets, size_of_lengths, base = self._numbers("<B4xBB9xQ", 8)
        if (version, size_of_offsets, size_of_lengths, base) != (0, 8, 8, 0):
            raise UnfitError("its weights are an HDF5 file of another version")
        (self._root,) = self._numbers("<Q", 64)

    def array(self, path: Sequence[str], shape: tuple[int, ...], what: str) -> npt.NDArray[np.float32]:
        """The array at a path, if it has this shape.

        Args:
            path: the names of the groups that lead to it, and its own.
            shape: what it must have.
            what: what to call it in a message.
        """
        address = self._root
        for part in path:
            links = self._links(address)
            if part.encode() not in links:
                raise UnfitError(f"it lacks {what}")
            address = links[part.encode()]
        found = dict(self._messages(address))
        if _LAYOUT not in found:
            raise UnfitError(f"it lacks {what}")
        if found.get(_DATATYPE, b"")[:20] != _FLOAT32 or _shape(found.get(_DATASPACE, b"")) != shape:
            raise UnfitError(f"{what} do not fit its settings")
        layout, size = found[_LAYOUT], 4 * math.prod(shape)
        # Version 3, in one piece within the file: neither packed, nor elsewhere, nor made up by HDF5.
        is_plain = len(layout) >= 18 and layout[:2] == b"\3\1" and not {_EXTERNAL, _FILTERS} & set(found)
        start, stored = struct.unpack_from("<QQ", layout, 2) if is_plain else (0, 0)
        if stored != size or start + size > len(self._content):
            raise UnfitError(f"{what} are stored in an unusual way")
        return np.frombuffer(self._content, "<f4", math.prod(shape), start).reshape(shape).astype(np.float32)

    def _links(self, address: int) -> dict[bytes, int]:
        """Where the objects are that a group names; without links that lead elsewhere than to one of this file's."""
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
        """The messages of an object's header, of version 1: kind and content."""
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
        """The names in a symbol table, from the B-tree at `address`, and where their objects are."""
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
    """The shape that a dataspace message holds; None for one of another form."""
    starts = {1: 8, 2: 4}
    if len(dataspace) < 4 or dataspace[0] not in starts:
        return None
    start, rank = starts[dataspace[0]], dataspace[1]
    if len(dataspace) < start + 8 * rank:
        return None
    return struct.unpack_from(f"<{rank}Q", dataspace, start)


def _hard_link(data: bytes) -> list[tuple[bytes, int]]:
    """The name and target of a link message; nothing for a link that leads elsewhere."""
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
