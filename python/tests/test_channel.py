"""Writers and readers in one process: options, errors, copies."""

from __future__ import annotations

import gc
import inspect
import os
import pickle
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.managers import SharedMemoryManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd
from ndsharray_rs import compat


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
        assert "expected shape (4,), found (3,)" in str(shape.value)
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


@pytest.mark.parametrize("read_only", [False, True])
def test_a_value_that_does_not_fit_stays_unread(name: str, read_only: bool) -> None:
    with nd.Writer(name) as writer, nd.Reader(name, read_only=read_only) as reader:
        for number in range(1, 4):
            writer.write(np.full(3, float(number)))
        frozen = np.zeros(3)
        frozen.flags.writeable = False
        masked: Any = np.ma.array(np.zeros(3), mask=[False, True, False])
        for out, error in (
            (np.zeros(3, np.float32), nd.DTypeMismatch),
            (np.zeros(3, ">f8"), nd.DTypeMismatch),
            (np.zeros(3, object), nd.DTypeMismatch),
            (np.zeros((3, 1)), nd.ShapeMismatch),
            (frozen, ValueError),
            (masked, TypeError),
        ):
            with pytest.raises(error):
                reader.read_into(out)
        out = np.zeros(3)
        info = reader.read_into(out)
        assert info is not None
        # Two were published before the third, after the reader had been opened.
        assert (info.seq, info.missed, out.tolist()) == (3, 2, [3, 3, 3])
        writer.write(np.zeros(4))
        with pytest.raises(nd.ShapeMismatch):
            reader.read_into(out)
        # A newer one may take its place, as nothing holds a slot meanwhile.
        for _ in range(200):
            writer.write(np.full(3, 8.0))
        info = reader.read_into(out)
        assert info is not None
        assert (info.seq, info.missed, out.tolist()) == (204, 200, [8, 8, 8])


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
    # The channel persists.
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


def test_shapes_are_integers(name: str) -> None:
    shape: Any
    with nd.Writer(name) as writer:
        for shape in (-1, (2, -1), [-1, 3], np.int64(-1)):
            with pytest.raises(ValueError, match="no shape: a length cannot be below zero"):
                writer.loan(shape)
            with pytest.raises(ValueError, match="no shape: a length cannot be below zero"):
                nd.SharedArray.create(name, shape)
        for shape in (2.5, (2, 2.5), "ab", None, {}, np.float64(2)):
            with pytest.raises(TypeError, match="no shape: that is an integer, or several in a tuple"):
                writer.loan(shape)
        with pytest.raises(ValueError, match="does not fit"):
            writer.loan(1 << 70)
        assert writer.loan(np.int64(3)).array.shape == (3,)
        assert writer.loan([2, np.uint8(3)]).array.shape == (2, 3)  # type: ignore[list-item]


def test_permission_bits_are_octal(name: str) -> None:
    with pytest.raises(nd.InvalidOption, match=r"option mode is 0o1777, but 0o0 to 0o755 are possible") as caught:
        nd.Writer(name, mode=0o1777)
    assert caught.value.found == 0o1777
    with pytest.raises(nd.InvalidOption, match=r"option readers_mode is 0o1777, but 0o0 to 0o777"):
        nd.Writer(name, readers_mode=0o1777)


def test_a_second_writer_in_this_process_is_told_so(name: str) -> None:
    with (
        nd.Writer(name),
        pytest.raises(nd.WriterExists, match=rf"in this very process \({os.getpid()}\).*cell") as caught,
    ):
        nd.Writer(name)
    assert caught.value.pid == os.getpid()


HOLD = """
import sys
import ndsharray_rs as nd
reader = nd.Reader(sys.argv[1])
held = []
for line in sys.stdin:
    held.append(reader.read())
    print(held[-1].seq, flush=True)
"""


def test_who_holds_all_slots_is_told(name: str) -> None:
    command = [sys.executable, "-c", HOLD, name]
    with (
        nd.Writer(name, max_slots=4) as writer,
        nd.Reader(name) as reader,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        for number in range(1, 3):
            writer.write([number])
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == f"{number}\n"
        writer.write([3])
        held = reader.read()
        assert held is not None
        writer.write([4])
        for write in (lambda: writer.write([5]), lambda: writer.write([[5, 6], [7, 8]]), lambda: writer.loan(1)):
            with pytest.raises(nd.AllSlotsPinned) as caught:
                write()
            assert caught.value.slots == 4
            assert caught.value.holders == {child.pid: 2, os.getpid(): 1}
            assert f"process {child.pid} 2, process {os.getpid()} (this one) 1" in str(caught.value)
            assert "Out[]" in str(caught.value)
        again = pickle.loads(pickle.dumps(caught.value))
        assert again.holders == caught.value.holders
        del held
        assert writer.write([5]) == 5


@pytest.mark.parametrize("way", ["write", "converted", "loan"])
def test_slots_that_garbage_holds_are_freed(name: str, way: str) -> None:
    class Cell:
        def __init__(self, held: nd.Sample | None) -> None:
            self.held, self.me = held, self

    with nd.Writer(name, max_slots=3) as writer, nd.Reader(name) as reader:
        gc.collect()
        gc.disable()
        try:
            for number in range(2):
                writer.write([number])
                Cell(reader.read())
            writer.write([2])
            if way == "write":
                assert writer.write([3]) == 4
            elif way == "converted":
                assert writer.write(np.arange(4)[::-1]) == 4
            else:
                assert writer.loan(3).publish() == 4
        finally:
            gc.enable()


MASKED = np.ma.array([1.0, -999.0], mask=[False, True])


@pytest.mark.parametrize("given", [MASKED, [MASKED, MASKED], [1.0, np.ma.masked], MASKED.reshape(2, 1)])
def test_masked_elements_are_refused(name: str, given: Any) -> None:
    message = r"masked.*\.filled"
    with nd.Writer(name) as writer:
        with pytest.raises(TypeError, match=message):
            writer.write(given)
        with pytest.raises(TypeError, match=message):
            nd.SharedArray.from_array(name, given)
        assert writer.write(MASKED.filled(0)) == 1
        assert writer.write(np.ma.array([1.0, 2.0])) == 2
        assert writer.write(np.ma.array([1.0, 2.0], mask=[False, False])) == 3


@pytest.mark.parametrize("wire", ["native", "ndsharray"])
def test_masked_elements_are_refused_by_the_drop_ins(name: str, wire: Any) -> None:
    with compat.NdShArray(name, r_w="w", wire=wire) as writer, pytest.raises(TypeError, match=r"\.filled"):
        writer.write(MASKED)
    with pytest.raises(TypeError, match=r"\.filled"):
        compat.NdShArray(f"{name}-2", MASKED, r_w="w", wire=wire)
    with SharedMemoryManager() as manager:
        with pytest.raises(TypeError, match=r"\.filled"):
            compat.SharedNDArray.from_array(manager, MASKED)
        shared = compat.SharedNDArray.from_shape(manager, (2,), np.float64)
        with pytest.raises(TypeError, match=r"\.filled"):
            shared[...] = MASKED
        assert shared.get().sum() == 0
    with pytest.raises(TypeError, match="no array"):
        np.asarray(writer)


def nulls(package: str) -> Iterator[Any]:
    """Returns an object of another package with a missing element, and the same without."""
    module = pytest.importorskip(package)
    for values in ([1.5, None], [1.5, 2.5]):
        if package == "pyarrow":
            yield [module.array(values), module.chunked_array([values]), module.table({"a": values})]
        elif package == "polars":
            yield [module.Series(values), module.DataFrame({"a": values})]
        else:
            series = module.Series(values, dtype="Float64")
            yield [series, series.array, module.DataFrame({"a": series})]


@pytest.mark.parametrize("package", ["pandas", "polars", "pyarrow"])
def test_nulls_are_refused(name: str, package: str) -> None:
    missing, whole = nulls(package)
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        for given in missing:
            with pytest.raises(TypeError, match=r"1 elements of the .* are null.*fill"):
                writer.write(given)
            with pytest.raises(TypeError, match=r"1 elements of the .* are null"):
                nd.SharedArray.from_array(name, given)
        for given in whole:
            writer.write(given)
            sample = reader.read()
            assert sample is not None
            assert sample.array.reshape(-1).tolist() == [1.5, 2.5]


def test_no_time_out_is_for_ever(name: str) -> None:
    with pytest.raises(nd.NotFound):
        nd.Reader(name)
    found: list[nd.Reader] = []
    thread = threading.Thread(target=lambda: found.append(nd.Reader(name, None)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    with nd.Writer(name):
        thread.join(60)
        assert len(found) == 1
        found[0].close()
    for default in (0.0, 0, -1):
        with pytest.raises(nd.NotFound):
            nd.Reader(name, default)


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
    # No view of other memory can be made here.
    assert kinds - {"NdsharrayError"} == variants - {"View"}
