"""Mutations of inputs: bytes, JSON values, and the contents of archives and pictures."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**40)
_DEEP = "a deep value"
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e308, -1e-300, 10**30, 10**400, float("nan"), float("inf"), "", "0", "dense",
    "\0", "\ud800", "é", "x" * 300, [], {}, [[]], [None], {"": None}, [1, [2, "3"]], "../../etc/passwd", "<script>",
)  # fmt: skip


def damage(random: random.Random, data: bytes) -> bytes:
    """One to four changes of bytes anywhere."""
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _change(random, content)
    return bytes(content)


def _change(random: random.Random, content: bytearray) -> None:
    at = random.randrange(len(content) + 1)
    size = random.choice((1, 1, 2, 4, 8, 32, 512))
    kind = random.randrange(7)
    if kind == 0:
        content[at : at + 1] = bytes([random.randrange(256)])
    elif kind == 1 and content:
        content[at % len(content)] ^= 1 << random.randrange(8)
    elif kind == 2:  # A special number, which matters in headers.
        width = random.choice((1, 2, 4, 8))
        number = random.choice(_NUMBERS) & (1 << 8 * width) - 1
        content[at : at + width] = number.to_bytes(width, random.choice(("little", "big")))
    elif kind == 3:
        del content[at : at + size]
    elif kind == 4:
        content[at:at] = random.randbytes(size)
    elif kind == 5:  # A piece copied from elsewhere in the input.
        start = random.randrange(len(content) + 1)
        content[at : at + size] = content[start : start + size]
    else:
        del content[at:]


def text(random: random.Random, data: bytes) -> bytes:
    """Text with characters changed, added or removed; still text."""
    letters = list(data.decode())
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(letters) + 1)
        new = random.choice(
            ("", "-", ",", "=", "&", "%", "0", "9", "x", "é", "\u0660", "\0", " ", "1e999", "nan", "a" * 500)
        )
        letters[at : at + random.randint(0, 2)] = new
    return "".join(letters).encode()


def tree(random: random.Random, data: bytes) -> bytes:
    """JSON with values replaced, removed, repeated, moved or deeply nested; still JSON."""
    root = [json.loads(data)]
    for _ in range(random.choice((1, 1, 2, 4))):
        holders = list(_holders(root))
        holder, key = random.choice(holders)
        kind = random.randrange(8)
        if kind < 4:
            holder[key] = copy.deepcopy(random.choice(_VALUES))
        elif kind == 4:
            other, place = random.choice(holders)
            holder[key] = json.loads(json.dumps(other[place]))
        elif kind == 5 and holder is not root:
            del holder[key]
        elif kind == 6 and isinstance(holder, list) and holder is not root:
            holder[key:key] = [holder[key]] * random.choice((1, 2, 300))
        elif isinstance(holder, dict):
            holder[random.choice(("", "x" * 300, "__class__", "objects", "path", "layers"))] = holder.pop(key)
        else:
            holder[key] = {"a": holder[key]}
    if random.random() > 0.05:
        return json.dumps(root[0]).encode()
    # json.dumps is limited by Python's recursion depth.
    holder, key = random.choice(list(_holders(root)))
    holder[key] = _DEEP
    depth = random.choice((50, 500, 900, 960, 980, 1000, 5000))
    return json.dumps(root[0]).replace(f'"{_DEEP}"', "[" * depth + "]" * depth).encode()


def _holders(node: Any) -> Any:
    """Yield each list or dictionary with each of its keys."""
    places = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(places):
        yield node, key
        yield from _holders(value)


def hdf5(random: random.Random, data: bytes) -> bytes:
    """An HDF5 file with aligned addresses and lengths replaced by others from the file, or by special numbers."""
    if random.random() < 0.3:
        return damage(random, data)
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        width = random.choice((2, 4, 8, 8))
        at = random.randrange(len(content) // width) * width
        start = random.randrange(len(content) // 8) * 8
        number = random.choice((*_NUMBERS, len(content), start, start)) & (1 << 8 * width) - 1
        content[at : at + width] = random.choice((content[start : start + width], number.to_bytes(width, "little")))
    return bytes(content)


def gzipped(random: random.Random, data: bytes) -> bytes:
    """A valid gzip file with damaged content."""
    return gzip.compress(damage(random, data), 1)


def zipped(inner: Callable[[str], Mutation], sound: float = 0.8) -> Mutation:
    """A ZIP archive with one of its files changed; some archives are damaged as bytes instead.

    Args:
        inner: file name -> the mutation of that file.
        sound: share of the archives with correct checksums and sizes.
    """

    def mutate(random: random.Random, data: bytes) -> bytes:
        if random.random() > sound:
            return damage(random, data)
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
            names = source.namelist()
            chosen = random.choice(names)
            for name in names:
                content = source.read(name)
                target.writestr(zipfile.ZipInfo(name), inner(name)(random, content) if name == chosen else content)
        return buffer.getvalue()

    return mutate


def png(random: random.Random, data: bytes) -> bytes:
    """A PNG file with one of its chunks changed and a correct checksum."""
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = random.randrange(len(chunks))
    kind, content = chunks[place]
    if kind == b"IDAT" and random.random() < 0.5:
        content = zlib.compress(damage(random, zlib.decompress(content)), 1)
    else:
        content = damage(random, content)
    chunks[place] = (kind, content)
    if random.random() < 0.2:
        chunks.insert(random.randrange(len(chunks) + 1), random.choice(chunks))
    packed = (struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return data[:8] + b"".join(packed)


def one_of(*mutations: Mutation) -> Mutation:
    """One of several mutations, with equal probability."""
    return lambda random, data: random.choice(mutations)(random, data)


def mutated_input(seeds: Sequence[bytes], mutation: Mutation, name: str, seed: int, number: int) -> bytes:
    """Return input `number` of a campaign; it depends only on the arguments."""
    dice = random.Random(f"{name} {seed} {number}")
    return mutation(dice, dice.choice(seeds))
