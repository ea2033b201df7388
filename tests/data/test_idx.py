"""IDX files written byte by byte in here, and arrays that hypothesis thinks up."""

import gzip
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_core.data import idx
from mnist_core.errors import DataError
from tests.jargon import assert_no_jargon

LABELS = bytes.fromhex("00000801 00000003 05 00 04")
"""Three labels: 5, 0 and 4."""

IMAGES = bytes.fromhex("00000803 00000002 00000002 00000003 000102 030405 0a0b0c 0d0eff")
"""Two images of two rows and three columns."""


def refusal(data: bytes, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        idx.parse(data, **options)
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy.endswith(".")
    assert caught.value.received is not None
    assert_no_jargon(str(caught.value))
    return caught.value


def test_parse_labels() -> None:
    labels = idx.parse(LABELS)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [5, 0, 4]


def test_parse_images_rows_before_columns() -> None:
    images = idx.parse(IMAGES)
    assert images.shape == (2, 2, 3)
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[10, 11, 12], [13, 14, 255]]]


def test_parse_gzip() -> None:
    np.testing.assert_array_equal(idx.parse(gzip.compress(IMAGES)), idx.parse(IMAGES))


@pytest.mark.parametrize(
    ("code", "numbers", "dtype", "expected"),
    [
        ("08", "00 7f ff", np.uint8, [0, 127, 255]),
        ("09", "80 ff 7f", np.int8, [-128, -1, 127]),
        ("0b", "8000 0001 7fff", np.int16, [-32768, 1, 32767]),
        ("0c", "80000000 00000001 7fffffff", np.int32, [-(2**31), 1, 2**31 - 1]),
        ("0d", "3f800000 c0200000 7f800000", np.float32, [1.0, -2.5, float("inf")]),
        ("0e", "3ff0000000000000 c004000000000000 0000000000000000", np.float64, [1.0, -2.5, 0.0]),
    ],
)
def test_every_number_type_round_trip(code: str, numbers: str, dtype: type, expected: list[float]) -> None:
    data = bytes.fromhex(f"0000{code}01 00000003 {numbers}")
    values = idx.parse(data)
    assert values.dtype == dtype
    assert values.dtype.isnative
    assert values.tolist() == expected
    assert idx.pack(np.array(expected, dtype)) == data


def test_pack_by_hand() -> None:
    assert idx.pack(np.array([5, 0, 4], np.uint8)) == LABELS
    assert idx.pack(idx.parse(IMAGES)) == IMAGES


def test_pack_accepts_any_layout_and_byte_order() -> None:
    transposed = np.arange(6, dtype="<i2").reshape(2, 3).T
    assert idx.pack(transposed) == idx.pack(np.ascontiguousarray(transposed).astype(">i2"))


STORED = st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])


@given(hnp.arrays(STORED, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_pack_and_parse_round_trip(array: np.ndarray) -> None:
    back = idx.parse(idx.pack(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()  # bits, so that every NaN counts


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        idx.parse(data)
    except DataError:
        return
    assert data[:2] == b"\x00\x00"


@given(st.data())
def test_changed_gzip_byte_is_harmless_or_refused(data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(IMAGES, mtime=0))
    place = data.draw(st.integers(2, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        images = idx.parse(bytes(packed))
    except DataError:
        return
    assert images.tobytes() == IMAGES[16:]  # such as another modification time in gzip's header


def test_empty() -> None:
    assert "empty" in refusal(b"").problem
    assert "empty" in refusal(gzip.compress(b"")).problem


@pytest.mark.parametrize("length", [1, 3])
def test_shorter_than_the_magic(length: int) -> None:
    assert "magic" in refusal(LABELS[:length]).problem


def test_magic_without_the_two_zeros() -> None:
    assert "not an IDX file" in refusal(b"\x89PNG\r\n\x1a\n" + bytes(20)).problem
    assert "not an IDX file" in refusal(b"\x00\x01" + LABELS[2:]).problem


@pytest.mark.parametrize("code", [0x00, 0x07, 0x0A, 0x0F, 0xFF])
def test_unknown_type_code(code: int) -> None:
    error = refusal(LABELS[:2] + bytes([code]) + LABELS[3:])
    assert error.received == code
    assert "MNIST's four files" in error.remedy


@pytest.mark.parametrize("dimensions", [0, 5, 255])
def test_number_of_dimensions(dimensions: int) -> None:
    data = LABELS[:3] + bytes([dimensions]) + struct.pack(">I", 1) * dimensions + b"\x00"
    assert refusal(data).received == dimensions


def test_truncated_header() -> None:
    assert "header" in refusal(IMAGES[:15]).problem


def test_one_byte_missing_or_extra() -> None:
    assert "too short" in refusal(LABELS[:-1]).problem
    assert "too long" in refusal(LABELS + b"\x00").problem


@pytest.mark.parametrize(
    "shape",
    [
        (2**32 - 1,),
        (2**32 - 1,) * 4,
        (2**16, 2**16, 2**16, 2**16),  # 2**64 elements: zero to a 64-bit product
        (0, 2**32 - 1, 2**32 - 1, 2**32 - 1),
    ],
)
def test_absurd_dimensions(shape: tuple[int, ...]) -> None:
    for code in (0x08, 0x0E):
        header = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        assert "larger than the limit" in refusal(header).problem


@pytest.mark.parametrize("kept", [2, 10, 20, -8, -1])
def test_truncated_gzip(kept: int) -> None:
    assert "ends too early" in refusal(gzip.compress(IMAGES)[:kept]).problem


def test_gzip_with_a_wrong_checksum() -> None:
    packed = bytearray(gzip.compress(IMAGES))
    packed[-8] ^= 1
    assert "damaged" in refusal(bytes(packed)).problem


def test_gzip_with_trailing_data() -> None:
    packed = gzip.compress(IMAGES)
    assert refusal(packed + b"\x00").received == "1 more bytes"
    assert "follows" in refusal(packed + packed).problem


def test_limit_before_decompression() -> None:
    assert idx.parse(LABELS, max_bytes=len(LABELS)).size == 3
    assert "limit of 10 bytes" in refusal(LABELS, max_bytes=10).problem


def test_limit_after_decompression() -> None:
    zeros = idx.pack(np.zeros(10_000, np.uint8))
    packed = gzip.compress(zeros)
    assert len(packed) < 100
    assert idx.parse(packed, max_bytes=len(zeros)).size == 10_000
    assert "Decompressed" in refusal(packed, max_bytes=len(zeros) - 1).problem


def test_gzip_bomb_is_not_decompressed() -> None:
    bomb = gzip.compress(bytes(50 * 2**20), 1)
    tracemalloc.start()
    try:
        assert "Decompressed" in refusal(bomb, max_bytes=2**20).problem
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


def test_content_is_checked_against_sha256() -> None:
    # `printf '\x00\x00\x08\x01\x00\x00\x00\x03\x05\x00\x04' | sha256sum`
    digest = "d229e0bc81fa2cb9dfab445bf40dd0a1b6516dd17c6b48c15a016dfd84e4c526"
    for data in (LABELS, gzip.compress(LABELS)):
        assert idx.parse(data, sha256=digest).tolist() == [5, 0, 4]
    assert "not what was published" in refusal(LABELS[:-1] + b"\x05", sha256=digest).problem


def test_read_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(LABELS)
    assert idx.read(path).tolist() == [5, 0, 4]
    path.write_bytes(LABELS + bytes(1000))
    for limit, problem in ((2000, "too long"), (100, "limit of 100 bytes")):
        with pytest.raises(DataError, match=problem) as caught:
            idx.read(path, max_bytes=limit)
        assert str(path) in caught.value.problem


def test_read_of_a_missing_file_or_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            idx.read(path)


@pytest.mark.parametrize("dtype", [np.bool_, np.int64, np.uint16, np.complex64, object])
def test_pack_refuses_other_types(dtype: type) -> None:
    with pytest.raises(DataError, match="cannot hold"):
        idx.pack(np.zeros(3, dtype))


def test_pack_refuses_other_numbers_of_dimensions() -> None:
    with pytest.raises(DataError, match="0 dimensions"):
        idx.pack(np.uint8(3))
    with pytest.raises(DataError, match="5 dimensions"):
        idx.pack(np.zeros((1, 1, 1, 1, 1), np.uint8))


def test_header_fields_byte_by_byte() -> None:
    # As MNIST's training images begin: magic number 2051, 60,000 images of 28 x 28.
    content = bytes.fromhex("00000803 0000ea60 0000001c 0000001c") + bytes(10)
    found = [(one.start, one.stop, one.name, one.value) for one in idx.header_fields(content)]
    assert found == [
        (0, 2, "always zero", "0"),
        (2, 3, "type of number", "uint8"),
        (3, 4, "number of dimensions", "3"),
        (4, 8, "how many images", "60,000"),
        (8, 12, "rows of an image", "28"),
        (12, 16, "columns of an image", "28"),
    ]
    assert [one.name for one in idx.header_fields(bytes.fromhex("00000801 00000005"))][-1] == "how many labels"
    with pytest.raises(DataError):
        idx.header_fields(b"\x01\x02\x03\x04")


@pytest.mark.parametrize("shape", [(3, 28, 28), (7,)])
def test_header_fields_of_a_file_prefix(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    whole = idx.pack(array)
    assert idx.first_bytes(array, 5) == whole[: len(whole) - array.size + 5]
    assert idx.first_bytes(array, 10**6) == whole
