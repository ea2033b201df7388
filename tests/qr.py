"""Decode QR codes (ISO/IEC 18004) from perfect images, without error correction. Versions 1 to 10, level M."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Modules = npt.NDArray[np.bool_]

# For each version: the centres of its alignment patterns, and the data bytes of each block.
ALIGNMENT = [[], [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]]
BLOCKS = [[], [16], [28], [44], [32] * 2, [43] * 2, [27] * 4, [31] * 4, [38] * 2 + [39] * 2, [36] * 3 + [37] * 2]
BLOCKS += [[43] * 4 + [44]]
MASKS: list[Callable[[int, int], bool]] = [
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
]


def modules(svg: str) -> Modules:
    """Return the image as dark (True) and light modules, with its margin. The SVG draws dark ones as strokes."""
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    path = re.search(r'stroke="#000" d="([^"]+)"', svg)
    assert found is not None
    assert path is not None
    assert found[1] == found[2]
    picture = np.zeros((int(found[1]), int(found[1])), bool)
    x, y = 0.0, -0.5
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path[1]):
        if command == "h":
            picture[int(y), int(x) : int(x + float(first))] = True
            x += float(first)
        else:
            x, y = (float(first), float(second)) if command == "M" else (x + float(first), y + float(second))
    return picture


def decode(code: Modules) -> str:
    """Return the text of a code, given without its margin."""
    side = len(code)
    version = (side - 17) // 4
    # Five format bits beside the first finder pattern: the level, 00 for M, and the mask.
    bits = code[8, :5] ^ np.array([1, 0, 1, 0, 1], bool)
    assert not bits[:2].any()
    mask = MASKS[int("".join("01"[int(bit)] for bit in bits[2:]), 2)]
    stream = "".join("01"[bool(code[i, j]) ^ mask(i, j)] for i, j in _bit_positions(version))
    read = [int(stream[at : at + 8], 2) for at in range(0, len(stream) - 7, 8)]
    # The bytes of the blocks are interleaved; shorter blocks end earlier.
    blocks: list[list[int]] = [[] for _ in BLOCKS[version]]
    turns = [(n, at) for at in range(max(BLOCKS[version])) for n, size in enumerate(BLOCKS[version]) if at < size]
    for (n, _), byte in zip(turns, read, strict=False):
        blocks[n].append(byte)
    data = "".join(f"{byte:08b}" for block in blocks for byte in block)
    assert data[:4] == "0100"  # Byte mode.
    start = 12 if version < 10 else 20
    count = int(data[4:start], 2)
    return bytes(int(data[at : at + 8], 2) for at in range(start, start + 8 * count, 8)).decode()


def _bit_positions(version: int) -> list[tuple[int, int]]:
    """Return the positions of the bits in order: up and down in columns of two, around the function patterns."""
    side = 17 + 4 * version
    taken = np.zeros((side, side), bool)
    taken[6] = taken[:, 6] = True
    taken[:9, :9] = taken[:9, -8:] = taken[-8:, :9] = True
    centres = ALIGNMENT[version]
    corners = [(6, 6), (6, side - 7), (side - 7, 6)]  # Finder patterns are there.
    for i, j in ((i, j) for i in centres for j in centres if (i, j) not in corners):
        taken[i - 2 : i + 3, j - 2 : j + 3] = True
    if version >= 7:
        taken[:6, -11:-8] = taken[-11:-8, :6] = True
    way = []
    columns = [*range(side - 1, 6, -2), *range(5, 0, -2)]
    for turn, column in enumerate(columns):
        rows = range(side) if turn % 2 else range(side - 1, -1, -1)
        way += [(i, j) for i in rows for j in (column, column - 1) if not taken[i, j]]
    return way
