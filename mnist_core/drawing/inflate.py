"""Decompression with a limit: a few bytes from a stranger may hold gigabytes."""

import zlib


def inflate(data: bytes, most: int) -> bytes:
    """The bytes that `zlib.compress` was given, at most so many.

    Raises:
        ValueError: the data are damaged, not whole, or hold more.
    """
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError from error
    if not unpacker.eof or len(found) > most:
        raise ValueError
    return found
