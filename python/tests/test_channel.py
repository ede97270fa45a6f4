"""Writers and readers in one process: options, errors, copies."""

from __future__ import annotations

import inspect
import pickle
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd


def test_a_value_arrives(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        assert reader.read() is None
        assert reader.latest() is None
        assert writer.write(np.zeros(3)) == 1
        sample = reader.wait(1)
        assert sample is not None
        assert sample.seq == 1
        assert reader.read() is None
        assert reader.wait(0.01) is None
        again = reader.latest()
        assert again is not None
        assert again.seq == 1
        assert (reader.name, writer.name) == (name, name)
        assert (repr(reader), repr(writer)) == (f"Reader(name='{name}')", f"Writer(name='{name}')")
        assert reader.is_writer_alive
        assert reader.writer_epoch == 1


def test_closed_handles_say_so(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        assert not writer.closed
        assert not reader.closed
    for use in (lambda: writer.write([1]), lambda: writer.loan(3), reader.read, reader.wait, reader.latest):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert writer.closed
    assert reader.closed
    writer.close()
    reader.close()
    assert repr(writer) == f"Writer(name='{name}', closed)"
    assert repr(reader) == f"Reader(name='{name}', closed)"


def test_copies(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader, nd.Reader(name, read_only=True) as copier:
        assert reader.read_into() is None
        writer.write(np.arange(6, dtype=np.int32).reshape(2, 3))
        out = np.zeros((3, 2), np.int32).T
        for either in (reader, copier):
            info = either.read_into(out)
            assert info is not None
            assert info.array is out
            assert out.tolist() == [[0, 1, 2], [3, 4, 5]]
            assert (info.seq, info.missed) == (1, 0)
            assert info.age > 0
            assert either.read_into(out) is None
        writer.write(np.arange(3.0))
        with pytest.raises(nd.DTypeMismatch) as dtype:
            reader.read_into(out)
        assert (dtype.value.expected, dtype.value.found) == ("int32", "float64")
        with pytest.raises(nd.ShapeMismatch) as shape:
            copier.read_into(np.zeros(4))
        assert (shape.value.expected, shape.value.found) == (4, 3)
        writer.write(np.arange(4.0))
        fresh = copier.read_into()
        assert fresh is not None
        assert fresh.array.flags.writeable
        assert fresh.array.tolist() == [0, 1, 2, 3]
        writer.write(np.arange(4.0))
        out.flags.writeable = False
        frozen = np.zeros(4)
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            reader.read_into(frozen)


def test_a_reader_without_write_permission_gives_copies(name: str) -> None:
    with nd.Writer(name, max_slots=2) as writer, nd.Reader(name, read_only=True) as reader:
        held = []
        for number in range(10):
            writer.write(np.full(100, number))
            sample = reader.read()
            assert sample is not None
            held.append(sample.array)
        assert [array[0] for array in held] == list(range(10))
        assert not held[0].flags.writeable


def test_options(name: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    options: dict[str, Any] = {"dir": place, "max_slots": 3, "max_readers": 1, "mode": 0o640, "readers_mode": 0o660}
    with nd.Writer(name, capacity_bytes=1 << 16, prefault=True, persist=True, owners="own", **options) as writer:
        writer.write([1, 2])
        payload = writer.payload_name
        assert payload is not None
        assert (place / payload).stat().st_size >= 1 << 16
        assert stat.S_IMODE((place / payload).stat().st_mode) == 0o640
        with nd.Reader(name, dir=place), pytest.raises(nd.TooManyReaders) as caught:
            nd.Reader(name, dir=place)
        assert caught.value.max == 1
    # It persists.
    with nd.Reader(name, dir=str(place)) as reader:
        sample = reader.read()
        assert sample is not None
        assert sample.array.tolist() == [1, 2]
        assert not reader.is_writer_alive
    nd.remove(name, dir=place)
    assert list(place.iterdir()) == []


ERRORS = [
    (lambda name: nd.Writer("a/b"), nd.InvalidName, ValueError, {"name": "a/b"}),
    (lambda name: nd.Writer(name, max_slots=1), nd.InvalidOption, ValueError, {"option": "max_slots", "found": 1}),
    (lambda name: nd.Writer(name, max_slots=1), nd.InvalidOption, ValueError, {"min": 2, "max": 64}),
    (lambda name: nd.Writer(name, mode=0o666), nd.Unsupported, nd.NdsharrayError, {}),
    (lambda name: nd.Reader(name), nd.NotFound, FileNotFoundError, {"errno": 2}),
    (lambda name: nd.remove(name), nd.NotFound, OSError, {}),
    (lambda name: nd.Reader(name, dir="/proc/1/map_files"), nd.NotFound, OSError, {}),
    (lambda name: nd.Writer(name, dir="/proc"), nd.NdsharrayError, OSError, {}),
    (lambda name: nd.SharedArray.create(name, (1 << 40, 1 << 40)), nd.TooLarge, ValueError, {"axis": 1}),
    (lambda name: nd.SharedArray.create(name, 1 << 55), nd.OutOfMemory, MemoryError, {"requested": (1 << 58)}),
    (lambda name: nd.SharedArray.create(name, (1,) * 65), nd.TooManyDims, ValueError, {"found": 65, "max": 64}),
]


@pytest.mark.parametrize(("act", "kind", "base", "fields"), ERRORS)
def test_errors(name: str, act: Any, kind: type[Exception], base: type[Exception], fields: dict[str, Any]) -> None:
    with pytest.raises(kind) as caught:
        act(name)
    error = caught.value
    assert isinstance(error, base)
    assert isinstance(error, nd.NdsharrayError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    for field, value in fields.items():
        assert getattr(error, field) == getattr(again, field)
        if field not in ("errno", "requested"):
            assert getattr(error, field) == value


def test_an_error_leaves_no_writer_behind(name: str) -> None:
    with nd.Writer(name) as writer:
        with pytest.raises(nd.WriterExists) as caught:
            nd.Writer(name)
        assert caught.value.name == name
        with pytest.raises(nd.TooLarge):
            writer.loan((1 << 40, 1 << 40))
        with pytest.raises(nd.OutOfMemory):
            writer.loan(1 << 55)
        with pytest.raises(nd.TooManyDims):
            writer.loan((1,) * 65)
        assert writer.write([1]) == 1


def test_damage_is_told(name: str, directory: Path) -> None:
    with nd.Writer(name, persist=True) as writer:
        writer.write([1])
    board = directory / f"{name}.ndsh"
    board.write_bytes(b"something else".ljust(100_000))
    with pytest.raises(nd.Corrupt, match="not a file of this library"):
        nd.Reader(name)


@pytest.mark.parametrize("timeout", [float("nan"), "soon"])
def test_timeouts_are_numbers(name: str, timeout: Any) -> None:
    with nd.Writer(name), nd.Reader(name) as reader, pytest.raises((ValueError, TypeError)):
        reader.wait(timeout)


def test_timeouts_beyond_all_bounds(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write([1])
        assert reader.wait(float("inf")) is not None
        assert reader.wait(-1) is None


def test_the_exceptions_are_those_of_the_crate() -> None:
    source = Path(__file__).parents[2] / "src" / "error.rs"
    text = source.read_text().partition("pub enum Error {")[2].partition("\n}")[0]
    variants = {
        line.strip().partition(" ")[0].partition("(")[0].rstrip(",")
        for line in text.splitlines()
        if line.startswith("    ") and line[4].isupper()
    }
    assert "DTypeMismatch" in variants
    kinds = {
        name for name, kind in inspect.getmembers(nd.errors, inspect.isclass) if kind.__module__ == nd.errors.__name__
    }
    # A view of memory that is no array cannot come about here.
    assert kinds - {"NdsharrayError"} == variants - {"View"}
