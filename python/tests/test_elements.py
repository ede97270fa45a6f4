"""Times, 8-bit floats, texts and voids: in, out, in place, and what each protocol can carry of them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from values import equal, news

import ndsharray_rs as nd

DTYPES = [
    "M8[ns]",
    "M8[25s]",
    "M8[16777215as]",
    "M8",
    "m8[D]",
    "m8",
    "S1",
    "S5",
    "U1",
    "U7",
    "V1",
    "V2",
    "V16",
    "V33",
]


def some(dtype: str, count: int = 6) -> Any:
    """An array whose elements differ, of any bytes that the dtype takes."""
    kind = np.dtype(dtype)
    if kind.kind == "U":
        return np.array([chr(0x1F600 + i) * (i % 3) for i in range(count)], kind)
    if kind.kind == "S":
        return np.array([b"\xff" * (i % 3) for i in range(count)], kind)
    return np.frombuffer(bytes(i * 7 % 251 for i in range(count * kind.itemsize)), kind)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_written_is_read(directory: Path, dtype: str) -> None:
    array = some(dtype).reshape(2, 3)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        assert sample.dtype == array.dtype
        assert equal(sample.array, array)
        assert not sample.array.flags.writeable
        del sample
        writer.write(array.T)  # no C order
        assert equal(news(reader).array, np.ascontiguousarray(array.T))
        out = np.empty((3, 2), dtype)
        writer.write(array.T)
        reader.read_into(out)
        assert equal(out, np.ascontiguousarray(array.T))
        with writer.loan((4,), dtype) as lent:
            lent[...] = some(dtype, 4)
        assert equal(news(reader).array, some(dtype, 4))


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[25s]", "U5"])
def test_the_other_byte_order_is_converted(directory: Path, dtype: str) -> None:
    foreign = some(dtype).astype(np.dtype(dtype).newbyteorder())
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(foreign)
        array = news(reader).array
        assert array.dtype == np.dtype(dtype)
        assert (array == foreign).all() or np.isnat(array).any()


def test_nat_stays(directory: Path) -> None:
    times = np.array(["1969-12-31T23:59:59.999999999", "NaT", "2262-04-11"], "M8[ns]")
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(times)
        array = news(reader).array
        assert np.isnat(array).tolist() == [False, True, False]
        assert equal(array, times)


def test_another_unit_or_width_does_not_fit_out(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(np.zeros(2, "M8[ms]"))
        with pytest.raises(nd.DTypeMismatch, match=r"datetime64\[ms\]"):
            reader.read_into(np.empty(2, "M8[ns]"))
        assert reader.read_into(np.empty(2, "M8[ms]")) is not None
        writer.write(np.zeros(2, "S3"))
        with pytest.raises(nd.DTypeMismatch, match="S3"):
            reader.read_into(np.empty(2, "S4"))


def test_what_no_header_can_say_is_refused(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer:
        for dtype, why in [("M8[16777216s]", "24 bits"), ("O", "cannot be shared")]:
            with pytest.raises(TypeError, match=why):
                writer.write(np.empty(2, dtype))
        for dtype in ["M8[16777216s]", "O", "S0", "U0", "V0"]:
            with pytest.raises(TypeError, match="cannot be shared"):
                writer.loan((2,), dtype)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"])
def test_eight_bit_floats(directory: Path, name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    if not hasattr(ml_dtypes, name):
        pytest.skip("an older ml_dtypes")
    array = np.arange(256, dtype="u1").view(getattr(ml_dtypes, name))
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        assert equal(sample.array, array)
        with pytest.raises(BufferError, match=r"view\('u1'\)"):
            memoryview(sample)
        with writer.loan((2,), name) as lent:
            lent[...] = 1.5
        assert news(reader).array.astype("f4").tolist() == array.dtype.type(1.5).astype("f4").repeat(2).tolist()
    with nd.SharedArray.create("a", (3,), name, dir=directory) as shared:
        shared.store(1, 2.0)
        assert float(shared.load(1)) == 2.0


def test_protocols_say_the_way_round(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(np.array(["2001-01-01"], "M8[s]"))
        sample = news(reader)
        with pytest.raises(BufferError, match=r"view\('i8'\)"):
            memoryview(sample)
        with pytest.raises(BufferError, match=r"view\('i8'\)"):
            np.from_dlpack(sample)
        assert memoryview(sample.array.view("i8"))[0] == sample.array.view("i8")[0]
        assert sample.array.__array_interface__["typestr"][1:] == "M8[s]"
        del sample
        writer.write(np.array([b"ab"], "S3"))
        sample = news(reader)
        with pytest.raises(BufferError, match=r"take numpy.asarray\(sample\)"):
            np.from_dlpack(sample)
        view = memoryview(sample)
        assert (view.format, view.readonly, view.tobytes()) == ("3s", True, b"ab\0")


def test_shared_arrays(directory: Path) -> None:
    with nd.SharedArray.create("a", (3,), "M8[ms]", dir=directory) as times:
        assert times.dtype == np.dtype("M8[ms]")
        times.store(1, np.datetime64("2001-01-01"))
        assert times.load(1) == np.datetime64("2001-01-01", "ms")
        with times.write() as array:
            array[2] = np.datetime64("NaT")
        with times.read() as array:
            assert np.isnat(array).tolist() == [False, False, True]
        with pytest.raises(nd.ElementMismatch, match=r"found datetime64\[ms\]"):
            nd.SharedArray.open_or_create("a", (3,), "M8[ns]", dir=directory)
        copy = pickle.loads(pickle.dumps(times))
        assert copy.dtype == times.dtype
    names = np.array(["left", "right"], "U5")
    with nd.SharedArray.from_array("b", names, dir=directory) as shared:
        with shared.read() as array:
            assert equal(array, names)
        with pytest.raises(TypeError, match="take the lock"):
            shared.load(0)


def test_lent_arrays_of_odd_widths_end(directory: Path) -> None:
    with nd.SharedArray.create("a", (4,), "S5", dir=directory) as shared:
        with shared.write() as array:
            array[...] = b"abc"
        assert array.size == 0
        assert array.dtype.itemsize == 5
        with shared.read() as array:
            assert array.tolist() == [b"abc"] * 4


def test_pandas(directory: Path) -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.date_range("2001-01-01", periods=4, freq="s")
    series = pandas.Series(index) - index[0]
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(index)
        assert pandas.DatetimeIndex(news(reader).array).equals(index)
        writer.write(series)
        assert pandas.Series(news(reader).array).equals(series)
