"""Samples: their views, and how long they last."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import ndsharray_rs as nd

READ_ONLY_CAPSULES = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

DTYPES = [
    np.dtype(name)
    for name in [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "longdouble",
        "clongdouble",
    ]
] + [np.dtype(ml_dtypes.bfloat16)]


def values(dtype: np.dtype[Any], shape: tuple[int, ...] = (2, 3)) -> np.ndarray[Any, Any]:
    """Makes a few different values of a dtype."""
    numbers = np.arange(np.prod(shape, dtype=int))
    if dtype.kind == "c":
        return (numbers + 1j * numbers[::-1]).astype(dtype).reshape(shape)
    return (numbers % 2 if dtype.kind == "b" else numbers).astype(dtype).reshape(shape)


def one(name: str, array: Any) -> tuple[nd.Writer, nd.Sample]:
    writer = nd.Writer(name)
    writer.write(array)
    with nd.Reader(name) as reader:
        sample = reader.read()
        assert sample is not None
        return writer, sample


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (3, 0, 5), (2, 1, 3, 2)], ids=str)
def test_every_dtype_and_shape(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    array = values(dtype, shape)
    _writer, sample = one(name, array)
    assert sample.array.dtype == dtype
    assert sample.dtype == dtype
    assert sample.shape == sample.array.shape == shape
    assert (sample.ndim, sample.size, sample.nbytes) == (array.ndim, array.size, array.nbytes)
    assert sample.array.tobytes() == array.tobytes()
    assert sample.array.flags.c_contiguous
    assert sample.array.flags.aligned


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_strides_and_either_byte_order(name: str, dtype: np.dtype[Any]) -> None:
    array = values(dtype, (6, 8))
    sources = [array.T, array[::2, ::-1], array[1:, 3:], np.asfortranarray(array), array[:, 0], array[0, 0]]
    if dtype.kind != "V":
        sources.append(array.astype(dtype.newbyteorder()))
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        for source in sources:
            writer.write(source)
            sample = reader.read()
            assert sample is not None
            assert sample.array.dtype.isnative
            np.testing.assert_array_equal(sample.array, source)


class Sub(np.ndarray[Any, Any]):
    """As other packages' arrays are."""


def test_whatever_numpy_takes_for_an_array(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        for given in (2.5, [[1, 2], [3, 4]], range(4), memoryview(b"abc"), np.float32(1), np.ones((1, 2)).view(Sub)):
            writer.write(given)
            sample = reader.read()
            assert sample is not None
            np.testing.assert_array_equal(sample.array, np.asarray(given))
        first = reader.latest()
        assert first is not None
        writer.write(first)
        again = reader.read()
        assert again is not None
        assert again.array.shape == (1, 2)


@pytest.mark.parametrize("given", [np.array([object()]), np.zeros(2, "M8[16777216s]"), np.zeros(2, "i4,O")])
def test_what_cannot_be_shared_is_refused(name: str, given: Any) -> None:
    with nd.Writer(name) as writer, pytest.raises(TypeError, match="cannot be shared"):
        writer.write(given)


def test_too_many_dimensions_are_numpys_affair(name: str) -> None:
    most = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
    with nd.Writer(name) as writer:
        assert writer.write(np.zeros((1,) * most)) == 1


def test_bools_that_are_none(name: str) -> None:
    bad = np.array([0, 1, 2], np.uint8).view(bool)
    with nd.Writer(name) as writer:
        for array in (bad, bad[::-1]):
            with pytest.raises(nd.InvalidBool):
                writer.write(array)
        assert writer.write(np.array([True])) == 1


def test_the_array_cannot_be_written_to(name: str) -> None:
    _writer, sample = one(name, np.zeros(3))
    array = sample.array
    assert not array.flags.writeable
    assert not array.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    for victim in (
        array,
        array[1:],
        array.view(np.uint8),
        np.asarray(sample),
        np.frombuffer(memoryview(sample), np.uint8),
    ):
        with pytest.raises(ValueError, match="WRITEABLE"):
            victim.setflags(write=True)
    with pytest.raises(TypeError):
        memoryview(sample).cast("B")[0] = 1


def test_no_copy_is_made(name: str) -> None:
    _writer, sample = one(name, np.zeros(3))
    address = sample.array.ctypes.data
    assert np.asarray(sample).ctypes.data == address
    if READ_ONLY_CAPSULES:
        assert np.from_dlpack(sample).ctypes.data == address
    assert np.frombuffer(memoryview(sample), np.uint8).ctypes.data == address
    assert np.array(sample, copy=False).ctypes.data == address


def test_the_array_outlives_everything(name: str) -> None:
    writer = nd.Writer(name, max_slots=2)
    writer.write(np.arange(1000))
    reader = nd.Reader(name)
    sample = reader.read()
    assert sample is not None
    row = sample.array[10:20]
    # One slot is held, the other is current: none is left to write to.
    writer.write(np.zeros(1000))
    with pytest.raises(nd.AllSlotsPinned) as caught:
        writer.write(np.zeros(1000))
    assert caught.value.slots == 2
    reader.close()
    del reader, sample
    gc.collect()
    with pytest.raises(nd.AllSlotsPinned):
        writer.write(np.zeros(1000))
    assert row.tolist() == list(range(10, 20))
    # The last reference goes, and returns the slot.
    del row
    assert writer.write(np.ones(1000)) == 3
    with nd.Reader(name) as reader:
        kept = reader.read()
        assert kept is not None
        array = kept.array
        del kept
    writer.close()
    del writer
    gc.collect()
    assert array.tolist() == [1] * 1000


@pytest.mark.parametrize(
    "take",
    [
        memoryview,
        np.asarray,
        lambda sample: memoryview(sample.array),
        lambda sample: sample.array.T,
        *([np.from_dlpack] if READ_ONLY_CAPSULES else []),
    ],
)
def test_everything_made_of_it_holds_the_slot(name: str, take: Any) -> None:
    writer, sample = one(name, np.zeros(3))
    weak = weakref.ref(sample.array)
    assert weak() is None
    writer.close()
    writer = nd.Writer(name, max_slots=2)
    writer.write(np.arange(3.0))
    with nd.Reader(name) as reader:
        sample_now = reader.read()
        assert sample_now is not None
        thing = take(sample_now)
        del sample_now
    writer.write(np.ones(3))
    with pytest.raises(nd.AllSlotsPinned):
        writer.write(np.ones(3))
    assert thing.tolist() == [0, 1, 2]
    del thing
    assert writer.write(np.ones(3)) == 3


def test_array_protocol(name: str) -> None:
    _writer, sample = one(name, np.arange(3, dtype=np.int32))
    assert np.asarray(sample, dtype=np.float64).dtype == np.float64
    copy = np.array(sample)
    copy[0] = 9
    assert sample.array[0] == 0
    with pytest.raises(ValueError, match="copy"):
        sample.__array__(np.float32, copy=False)
    assert sample.__array__(copy=True).flags.writeable
    assert id(sample.__array__().base) == id(sample)
    assert float(np.sum(sample)) == 3


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_buffer_protocol(name: str, dtype: np.dtype[Any]) -> None:
    array = values(dtype)
    _writer, sample = one(name, array)
    if dtype.kind == "V":
        with pytest.raises(BufferError, match="bfloat16"):
            memoryview(sample)
        assert np.asarray(sample).tobytes() == array.tobytes()
        return
    view = memoryview(sample)
    assert view.readonly
    assert view.c_contiguous
    assert (view.shape, view.strides, view.itemsize) == (array.shape, array.strides, array.itemsize)
    assert view.format == memoryview(array).format.replace("l", "q").replace("L", "Q")
    assert view.tobytes() == array.tobytes()
    assert np.asarray(view).dtype == dtype


@pytest.mark.skipif(READ_ONLY_CAPSULES, reason="NumPy has read-only capsules")
def test_dlpack_of_an_old_numpy(name: str) -> None:
    _writer, sample = one(name, np.arange(6.0))
    for options in ({}, {"max_version": (1, 0)}, {"copy": False}, {"copy": True, "dl_device": (2, 0)}):
        with pytest.raises(BufferError):
            sample.__dlpack__(**options)
    assert "dltensor" in repr(sample.__dlpack__(copy=True, max_version=(1, 0)))
    with pytest.raises(BufferError, match="read-only"):
        np.from_dlpack(sample)


@pytest.mark.skipif(not READ_ONLY_CAPSULES, reason="NumPy has no read-only capsules")
def test_dlpack(name: str) -> None:
    _writer, sample = one(name, np.arange(6.0).reshape(2, 3))
    assert sample.__dlpack_device__() == (1, 0)
    array = np.from_dlpack(sample)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not array.flags.writeable
    assert "versioned" in repr(sample.__dlpack__(max_version=(1, 0)))
    with pytest.raises(BufferError):
        # Old capsules cannot say that they are read-only.
        sample.__dlpack__()
    copied = np.from_dlpack(sample, copy=True)
    assert not np.shares_memory(copied, sample.array)
    # NumPy 2.1 marks all copies as read-only.
    assert copied.flags.writeable == np.from_dlpack(np.zeros(1), copy=True).flags.writeable


def test_what_it_tells(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write(np.zeros((2, 3), np.float32))
        sample = reader.read()
        assert sample is not None
        assert (sample.seq, sample.missed) == (1, 0)
        assert sample.name == name
        for _ in range(3):
            writer.write(np.zeros((2, 3), np.float32))
        sample = reader.read()
        assert sample is not None
        assert (sample.seq, sample.missed) == (4, 2)
        assert sample.age > 0
        assert repr(sample) == f"Sample(name='{name}', dtype=float32, shape=(2, 3), seq=4)"


def test_bfloat16_without_ml_dtypes(name: str) -> None:
    import subprocess
    import sys

    _writer, sample = one(name, values(np.dtype(ml_dtypes.bfloat16)))
    program = f"""
import sys
sys.modules["ml_dtypes"] = None
import ndsharray_rs as nd
sample = nd.Reader({name!r}).read()
try:
    sample.array
except ModuleNotFoundError as error:
    assert "pip install ml_dtypes" in str(error), error
else:
    raise AssertionError("no error")
assert (sample.shape, sample.nbytes) == ((2, 3), 12)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert sample.array.dtype == ml_dtypes.bfloat16
