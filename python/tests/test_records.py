"""Structured arrays: in, out, in place, and what is refused of what a dtype can say."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from values import equal, news

import ndsharray_rs as nd

POINT = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("intensity", "u2"), ("ring", "u2")])

# Packed and aligned, nested, with sub-arrays, with gaps, and fields in another order than they lie.
DTYPES: dict[str, Any] = {
    "point": POINT,
    "packed": np.dtype([("side", "u1"), ("price", "f8")]),
    "aligned": np.dtype([("side", "u1"), ("price", "f8"), ("n", "i2")], align=True),
    "sub-arrays": np.dtype([("m", "f8", (2, 3)), ("v", "i2", 4), ("one", "u1", (1,)), ("none", "f4", (0,))]),
    "nested": np.dtype([("pose", [("at", "f8", (3,)), ("ok", "?")], (2,)), ("when", "M8[us]"), ("id", "U5")]),
    "offsets": np.dtype({"names": ["b", "a"], "formats": ["i4", "S3"], "offsets": [9, 2], "itemsize": 17}),
    "all kinds": np.dtype([("c", "c8"), ("h", "f2"), ("g", "g"), ("t", "m8[25s]"), ("r", "V7"), ("ä'\\", "i8")]),
    "times": np.dtype([("when", "M8[ns]"), ("generic", "m8")]),
}


def some(dtype: Any, count: int = 6) -> Any:
    """An array whose elements differ; its gaps are zeros."""
    array = np.zeros(count, dtype)
    for at in range(count):
        fill(array[at : at + 1], at + 1)
    return array


def fill(array: Any, number: int) -> None:
    names = array.dtype.names
    if names is None:
        kind = array.dtype.kind
        number %= 100
        if kind in "SU":
            array[...] = chr(0x61 + number % 26) * (number % 6)
        elif kind == "V":
            array[...] = np.frombuffer(bytes([number]) * array.dtype.itemsize, array.dtype)[0]
        elif kind in "Mm":
            array[...] = np.array(number, "i8").view(array.dtype)
        elif kind == "b":
            array[...] = number % 2
        else:
            array[...] = number
        return
    for place, name in enumerate(names):
        fill(array[name], number + place)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
def test_what_is_written_is_read(directory: Path, dtype: Any) -> None:
    array = some(dtype).reshape(2, 3)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        assert sample.dtype == dtype
        assert sample.dtype.names == dtype.names
        assert equal(sample.array, array)
        assert not sample.array.flags.writeable
        assert sample.array.flags.aligned
        del sample
        writer.write(array[:, ::2])  # no C order
        assert (news(reader).array == array[:, ::2]).all()
        out = np.zeros((2, 3), dtype)
        writer.write(array)
        reader.read_into(out)
        assert (out == array).all()
        with writer.loan((6,), dtype) as lent:
            assert lent.dtype == dtype
            lent[...] = some(dtype)
        assert (news(reader).array == some(dtype)).all()
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", read_only=True, dir=directory) as reader:
        writer.write(array)
        assert equal(news(reader).array, array)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
def test_shared_arrays(directory: Path, dtype: Any) -> None:
    array = some(dtype)
    with nd.SharedArray.from_array("a", array, dir=directory) as shared:
        assert (shared.dtype, shared.dtype.names) == (dtype, dtype.names)
        with shared.read() as elements:
            assert (elements == array).all()
        with shared.write() as elements:
            elements[2:] = array[:-2]
        name = dtype.names[0]
        assert (shared.unlocked[name][2:] == array[name][:-2]).all()
        other = nd.SharedArray.open("a", dir=directory)
        assert other.dtype == dtype
        with other.read() as elements:
            assert (elements[2:] == array[:-2]).all()
        with pickle.loads(pickle.dumps(shared)) as copy:
            assert copy.dtype == dtype
        assert nd.SharedArray.open_or_create("a", (6,), dtype, dir=directory).dtype == dtype
        for access in (lambda: shared.load(0), lambda: shared.store(0, array[0]), lambda: shared.fetch_add(0, 1)):
            with pytest.raises(TypeError, match="take the lock"):
                access()
    with nd.SharedArray.create("b", (2, 2), dtype, dir=directory) as shared, shared.read() as elements:
        assert equal(elements, np.zeros((2, 2), dtype))


def test_no_copy_is_made(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        with writer.loan(1000, POINT) as lent:
            lent["ring"] = np.arange(1000) % 16
            lent[17]["x"] = 1.5
            place = lent["x"]
        sample = news(reader)
        first, again = sample.array, np.asarray(sample)
        assert first.__array_interface__["data"] == again.__array_interface__["data"]
        assert first["ring"].base is not None
        assert (first["ring"][17], first["x"][17]) == (1, 1.5)
        # What is left of the loan leads to memory of its own.
        place[...] = 7
        assert first["x"].max() == 1.5
        for change in (lambda: first["x"].fill(1), lambda: first[0].__setitem__("x", 1)):
            with pytest.raises(ValueError, match="read-only"):
                change()
        assert first.view(np.recarray).ring[17] == 1


def test_views_outlive_a_loan_and_a_lock(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer:
        with writer.loan(3, POINT) as lent:
            lent["x"] = 1
            scalar, field = lent[1], lent["x"]
        assert (lent.size, lent.dtype.itemsize) == (0, POINT.itemsize)
        with pytest.raises((KeyError, ValueError, IndexError)):
            lent["x"]
        scalar["x"] = 5
        assert field.tolist() == [0, 5, 0]
    with nd.SharedArray.create("a", 3, POINT, dir=directory) as shared:
        with shared.write() as elements:
            scalar = elements[1]
            scalar["ring"] = 9
        scalar["ring"] = 10
        with shared.read() as elements:
            assert elements["ring"].tolist() == [0, 9, 0]


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
def test_the_other_byte_order_is_converted(directory: Path, dtype: Any) -> None:
    foreign = some(dtype).astype(dtype.newbyteorder())
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(foreign)
        array = news(reader).array
        assert array.dtype == dtype
        assert (array == some(dtype)).all()
    with nd.SharedArray.from_array("a", foreign, dir=directory) as shared, shared.read() as array:
        assert (array == some(dtype)).all()


def test_one_field_of_the_other_byte_order(directory: Path) -> None:
    # Neither the dtype as a whole nor one with a sub-array says so by itself.
    for descr in ([("a", ">u2"), ("b", "u1")], [("a", ">u2", (1,)), ("b", "u1")], [("n", [("a", ">u2")]), ("b", "u1")]):
        array = np.zeros(2, descr)
        first = array["n"]["a"] if "n" in (array.dtype.names or ()) else array["a"]
        first[...] = 258
        with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
            writer.write(array)
            assert (news(reader).array == array).all()
            assert news_bytes(writer, reader, array) == np.array([258], "u2").tobytes() + b"\0"


def news_bytes(writer: nd.Writer, reader: nd.Reader, array: Any) -> bytes:
    writer.write(array)
    return bytes(news(reader).array[:1].tobytes())


def test_titles_are_ignored(directory: Path) -> None:
    titled = np.dtype([(("the title", "x"), "f4"), (("another", "n"), "i4")])
    plain = np.dtype([("x", "f4"), ("n", "i4")])
    array = np.ones(3, titled)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        assert sample.dtype == plain
        assert sample.array["x"].tolist() == [1.0] * 3
        del sample
        writer.write(array)
        out = np.zeros(3, titled)
        assert reader.read_into(out) is not None
        assert out["the title"].tolist() == [1.0] * 3


def test_another_record_does_not_fit(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(np.zeros(2, POINT))
        others: list[Any] = [
            [("x", "f4"), ("y", "f4"), ("z", "f4"), ("intensity", "u2"), ("rang", "u2")],
            [("x", "f4"), ("z", "f4"), ("y", "f4"), ("intensity", "u2"), ("ring", "u2")],
            [("x", ">f4"), ("y", "f4"), ("z", "f4"), ("intensity", "u2"), ("ring", "u2")],
            "V16",
            "f4",
        ]
        for other in others:
            with pytest.raises(nd.DTypeMismatch, match="ring: uint16"):
                reader.read_into(np.zeros(2, np.dtype(other)))
        assert reader.read_into(np.zeros(2, POINT)) is not None
    with nd.SharedArray.create("a", 2, POINT, dir=directory):
        with pytest.raises(nd.RecordMismatch, match="rang") as caught:
            nd.SharedArray.open_or_create("a", 2, others[0], dir=directory)
        assert (caught.value.field, caught.value.found) == ("rang", "no such field")
        with pytest.raises(nd.DTypeMismatch):
            nd.SharedArray.open_or_create("a", 2, "f4", dir=directory)


def nested(levels: int) -> Any:
    dtype: Any = np.dtype([("x", "u1")])
    for _ in range(levels - 1):
        dtype = np.dtype([("x", dtype)])
    return dtype


def endless() -> Any:
    dtype = np.dtype([("x", "f4")])
    state: Any = list(dtype.__reduce__()[2])
    state[4] = {"x": (dtype, 0)}
    dtype.__setstate__(tuple(state))  # type: ignore[attr-defined]
    return dtype


def doubled(levels: int) -> Any:
    """A dtype with as many fields as two to the power of its levels, whose description is short."""
    dtype: Any = np.dtype("u1")
    for _ in range(levels):
        dtype = np.dtype([("a", dtype), ("b", dtype)])
    return dtype


def forged(fields: Any, size: int = 8) -> Any:
    """A dtype that NumPy's own ways of making one would refuse, as a pickle can have it."""
    dtype = np.dtype([("x", "f4"), ("y", "f4")])
    state: Any = list(dtype.__reduce__()[2])
    state[3], state[4], state[5] = tuple(fields), fields, size
    dtype.__setstate__(tuple(state))  # type: ignore[attr-defined]
    return dtype


def test_a_dtype_that_has_been_seen_may_change(name: str) -> None:
    dtype = np.dtype({"names": ["a", "b"], "formats": ["u1", "<u4"], "offsets": [0, 4], "itemsize": 8})
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write(np.zeros(3, dtype))
        state: Any = list(dtype.__reduce__()[2])
        # The same names, and as many bytes.
        state[3], state[4] = dtype.names, {"a": (np.dtype("?"), 3), "b": (np.dtype(">u4"), 4)}
        dtype.__setstate__(tuple(state))  # type: ignore[attr-defined]
        array = np.zeros(3, dtype)
        array["a"], array["b"] = True, 1
        writer.write(array)
        sample = reader.latest()
        assert sample is not None
        assert sample.array.tolist() == [(True, 1)] * 3


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: np.dtype([("x", "f4"), ("o", "O")]), 'field "o": they hold objects'),
    (lambda: np.dtype([("n", [("o", "O")])]), 'field "n.o": they hold objects'),
    (lambda: np.dtype([]), "a record of 0 bytes"),
    (lambda: np.dtype({"names": [], "formats": [], "itemsize": 8}), "a record without fields"),
    (lambda: np.dtype([("none", "f4", (0,))]), "a record of 0 bytes"),
    (lambda: np.dtype([("x", "f4"), ("s", "S0")]), 'field "s": bytes of width 0'),
    (lambda: np.dtype([("x", [])]), 'field "x": a record'),
    (lambda: np.dtype({"names": ["a", "b"], "formats": ["f8", "u4"], "offsets": [0, 4]}), "overlap"),
    (lambda: np.dtype([("x", "u1", (2,) * 3), ("\udcff", "u1")]), "has no UTF-8"),
    (lambda: np.dtype([("x" * 256, "u1")]), "1 to 255 bytes"),
    (lambda: np.dtype([("a\0", "u1")]), "without NUL"),
    (lambda: np.dtype([(f"f{i}", "u1") for i in range(10_000)]), "more than 1024 fields"),
    (lambda: nested(17), "nested more than 16 deep"),
    (lambda: nested(200), "nested more than 16 deep"),
    (lambda: doubled(14), "more than 1024 fields"),
    (lambda: np.dtype([("when", "M8[16777216s]")]), "24 bits"),
    (lambda: forged({"x": (np.dtype("f4"), 6)}), "ends at byte 10"),
    (lambda: forged({"x": (np.dtype("f4"), -4)}), "begins before its record"),
    (lambda: forged({"x": (np.dtype("f4"), 2**31 - 1)}), "ends at byte"),
]


@pytest.mark.parametrize(("make", "why"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_shared_is_refused(directory: Path, make: Callable[[], Any], why: str) -> None:
    try:
        dtype = make()
    except (ValueError, TypeError, RecursionError, OverflowError):
        pytest.skip("this NumPy refuses it itself")
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        for attempt in (
            lambda: writer.loan(2, dtype),
            lambda: writer.write(np.zeros(2, dtype)),
            lambda: nd.SharedArray.create("a", 2, dtype, dir=directory),
        ):
            with pytest.raises(TypeError, match="cannot be shared") as caught:
                attempt()
            assert why in str(caught.value)
            assert len(str(caught.value)) < 1000
        # Nothing has happened.
        assert reader.read() is None
        assert writer.write(np.zeros(2, POINT)) == 1
    assert "a" not in [one.name for one in nd.list(dir=directory)]


def test_a_dtype_that_holds_itself_is_refused(directory: Path) -> None:
    # NumPy itself makes no array of it: it would recurse until the stack ends.
    with nd.Writer("c", dir=directory) as writer, pytest.raises(TypeError, match="nested more than 16 deep"):
        writer.loan(2, endless())


def test_a_dtype_with_a_shape_is_no_element(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, pytest.raises(TypeError, match="give that to the array"):
        writer.loan(2, np.dtype(("f4", (3,))))


def test_the_limits_are_taken(directory: Path) -> None:
    wide = np.dtype([(f"f{i}", "u1") for i in range(1024)])
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        for dtype in (nested(16), doubled(9), np.dtype([("x" * 255, "u1")]), wide):
            writer.write(some(dtype, 2))
            assert equal(news(reader).array, some(dtype, 2))


def test_wrong_bools_are_found(directory: Path) -> None:
    dtype = np.dtype([("n", "u1"), ("ok", "?", (2,))])
    wrong = np.array([0, 1, 0, 5, 1, 2], "u1").view(dtype)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        with pytest.raises(nd.InvalidBool, match="byte 2 of record 1") as caught:
            writer.write(wrong)
        assert (caught.value.index, caught.value.value) == (1, 2)
        loan = writer.loan(2, dtype)
        loan.array.view("u1")[...] = 3
        with pytest.raises(nd.InvalidBool):
            loan.publish()
        assert reader.read() is None
        with pytest.raises(nd.InvalidBool):
            nd.SharedArray.from_array("a", wrong, dir=directory)
        writer.write(wrong[:0])
        assert news(reader).array.size == 0
    with nd.SharedArray.create("a", 2, dtype, dir=directory) as shared:
        with shared.write() as elements:
            elements.view("u1")[...] = wrong.view("u1")
        with pytest.raises(nd.InvalidBool), shared.read():
            pass
        with pytest.raises(nd.InvalidBool):
            _ = shared.unlocked


def test_another_process_bytes_are_looked_at(directory: Path) -> None:
    dtype = np.dtype([("n", "u1"), ("ok", "?")])
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(np.zeros(4, dtype))
        sample = news(reader)
        payload = directory / str(writer.payload_name)
        with payload.open("r+b") as file:
            file.seek(3)
            file.write(b"\x07")
        with pytest.raises(nd.InvalidBool):
            _ = sample.array
        with pytest.raises(nd.InvalidBool):
            memoryview(sample)


def test_another_process_description_is_checked(directory: Path) -> None:
    whole = some(POINT)
    with nd.Writer("c", dir=directory) as writer:
        writer.write(whole)
        types = directory / "c.ndsh-types"
        good = types.read_bytes()
        for at in range(len(good)):
            for value in (0, 0x7F, 0xFF):
                bad = bytearray(good)
                bad[at] = value
                types.write_bytes(bad)
                with nd.Reader("c", dir=directory) as reader:
                    try:
                        found = reader.read()
                        # Still a description: of other names, or of bytes that are not looked at.
                        assert found is not None
                        assert found.array.dtype.itemsize == POINT.itemsize
                    except nd.NdsharrayError:
                        pass
        types.write_bytes(good)
        with nd.Reader("c", dir=directory) as reader:
            assert equal(news(reader).array, whole)


def test_a_renamed_field_is_a_new_description(directory: Path) -> None:
    array = np.zeros(2, [("a", "u1"), ("b", "u1")])
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        first = news(reader)
        array.dtype.names = ("c", "d")
        writer.write(array)
        second = news(reader)
        assert (first.dtype.names, second.dtype.names) == (("a", "b"), ("c", "d"))
        # The dtype of a sample is its own.
        second.array.dtype.names = ("e", "f")
        assert second.dtype.names == ("c", "d")


def test_protocols(directory: Path) -> None:
    array = some(POINT)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        view = memoryview(sample)
        assert (view.readonly, view.itemsize, view.shape, view.nbytes) == (True, 16, (6,), 96)
        assert view.format is not None
        assert "intensity" in view.format
        assert np.asarray(view).dtype == POINT
        assert view.tobytes() == array.tobytes()
        sample_array = sample.array
        interface: Any = sample_array.__array_interface__
        assert interface["descr"][0] == ("x", POINT["x"].str)
        with pytest.raises(BufferError, match=r"from_dlpack\(numpy.asarray\(sample\)\['x'\]\)"):
            np.from_dlpack(sample)
        assert pickle.loads(pickle.dumps(sample)).tolist() == array.tolist()
        assert repr(sample).startswith("Sample(name='c', dtype={x: float32, y: float32,")
        # A view holds the value, as the sample does.
        del sample, sample_array, interface
        for _ in range(3):
            writer.write(array[:1])
        assert view.tobytes() == array.tobytes()
        view.release()
        # One field behind another has to come later, and times have no name.
        for other in ("offsets", "times"):
            writer.write(some(DTYPES[other]))
            with pytest.raises(BufferError, match=r"take a field, as numpy.asarray\(sample\)\['x'\]"):
                memoryview(news(reader))


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="has no read-only capsules")
def test_a_field_goes_through_dlpack(directory: Path) -> None:
    array = some(POINT)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        sample = news(reader)
        ring = np.from_dlpack(np.asarray(sample)["ring"])
        assert ring.tolist() == array["ring"].tolist()
        assert ring.ctypes.data - sample.array.ctypes.data == 14


def test_bfloat16_in_a_field(directory: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype([("weight", ml_dtypes.bfloat16, (2,)), ("small", ml_dtypes.float8_e5m2)])
    array = np.zeros(3, dtype)
    array["weight"] = 1.5
    array["small"] = 2
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        found = news(reader)
        assert found.dtype == dtype
        assert equal(found.array, array)


def test_lists_show_the_fields(directory: Path) -> None:
    with nd.Writer("c", dir=directory) as writer, nd.SharedArray.create("a", 2, POINT, dir=directory):
        writer.write(some(POINT))
        shown = "{x: float32, y: float32, z: float32, intensity: uint16, ring: uint16}"
        assert {report.name: report.dtype for report in nd.list(dir=directory)} == {"c": shown, "a": shown}


def test_a_block_of_another_package(directory: Path) -> None:
    (directory / "block").write_bytes(some(POINT).tobytes())
    (directory / "block").chmod(0o600)
    with nd.SharedArray.attach_raw("block", 6, POINT, dir=directory) as shared:
        assert (shared.unlocked == some(POINT)).all()
        shared.unlocked["ring"] = 3
        with pickle.loads(pickle.dumps(shared)) as same:
            assert (same.unlocked["ring"] == 3).all()


def test_pandas(directory: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"t": pandas.date_range("2001-01-01", periods=3), "price": [1.0, 2.0, 3.0]})
    records = frame.to_records(index=False)
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(records)
        found = pandas.DataFrame(news(reader).array)
        assert found.equals(frame)


def test_threads_and_large_clouds(directory: Path) -> None:
    # Large enough to be copied without the interpreter lock.
    array = np.zeros(100_000, POINT)
    array["x"] = np.arange(len(array))
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        writer.write(array)
        assert equal(news(reader).array, array)
        with writer.loan(len(array), POINT) as lent:
            lent[...] = array[::-1]
        assert (news(reader).array["x"][::-1] == array["x"]).all()


KEEPERS: dict[str, Callable[[Any], Any]] = {
    "a scalar": lambda array: array[1],
    "a scalar of a scalar": lambda array: array[1]["n"],
    "a field": lambda array: array["n"]["a"],
    "a record array": lambda array: array.view(np.recarray),
    "an element of a record array": lambda array: array.view(np.recarray)[1],
    "an iterator": lambda array: array.flat,
    "an element in an iteration": lambda array: next(iter(array)),
    "a memoryview": memoryview,
}


def scribble(kept: Any) -> None:
    """Writes wherever something leads to."""
    try:
        if isinstance(kept, memoryview):
            kept.cast("B")[:] = b"\xff" * kept.nbytes
        elif isinstance(kept, np.flatiter):
            kept[1] = ((7,), 7)
        elif isinstance(kept, np.void) and kept.dtype.names and "n" in kept.dtype.names:
            kept["n"]["a"] = 7
            kept["b"] = 7
        elif isinstance(kept, np.void):
            kept["a"] = 7
        elif kept.dtype.names:
            kept["b"] = 7
        else:
            kept[...] = 7
    except (ValueError, IndexError, TypeError, KeyError):
        pass  # read-only or empty by now


@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS.keys())
@pytest.mark.parametrize("with_variable", [True, False])
def test_nothing_that_is_left_writes_to_what_is_published(
    directory: Path, keep: Callable[[Any], Any], with_variable: bool
) -> None:
    dtype = np.dtype([("n", [("a", "u4")]), ("b", "u4")])
    with nd.Writer("c", dir=directory) as writer, nd.Reader("c", dir=directory) as reader:
        loan = writer.loan(3, dtype)
        lent = loan.array
        lent["b"] = 1
        kept = keep(lent)
        if not with_variable:
            del lent
        loan.publish()
        sample = news(reader)
        scribble(kept)
        assert sample.array.tolist() == [((0,), 1)] * 3
        with nd.SharedArray.create("a", 3, dtype, dir=directory) as shared:
            with shared.write() as elements:
                kept = keep(elements)
                if not with_variable:
                    del elements
            scribble(kept)
            with shared.read() as elements:
                assert elements.tolist() == [((0,), 0)] * 3
