"""Handles: taking over, opening or making, abandoning, weak references, arguments of processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd

METHODS = ["fork", "spawn", "forkserver"]


def test_a_cell_that_runs_twice_takes_its_own_writer_over(name: str) -> None:
    with nd.Writer(name) as first:
        first.write([1.0])
        with pytest.raises(nd.WriterExists, match="takeover"):
            nd.Writer(name)
        with nd.Reader(name) as reader:
            second = nd.Writer(name, exist="takeover")
            assert first.closed
            assert not second.closed
            second.write([2.0])
            sample = reader.wait(60)
            while sample is not None and sample.array[0] != 2:
                sample = reader.wait(60)
        second.close()
    with nd.Writer(name, exist="takeover") as third, pytest.raises(ValueError, match=r'exist is "steal"'):
        nd.Writer(name, exist="steal")  # type: ignore[arg-type]
    assert third.closed


def test_taking_over_ends_an_open_loan(name: str) -> None:
    first = nd.Writer(name)
    loan = first.loan(3)
    with nd.Writer(name, exist="takeover"), pytest.raises(ValueError, match="over"):
        loan.publish()


def test_another_directory_has_another_writer(name: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with nd.Writer(name) as here, nd.Writer(name, dir=tmp_path / "other") as there:
        with nd.Writer(name, dir=tmp_path / "link", exist="takeover"):
            assert there.closed
        assert not here.closed


OTHER = """
import sys
import ndsharray_rs as nd
writer = nd.Writer(sys.argv[1])
writer.write([1.0])
print("ready", flush=True)
sys.stdin.read()
assert writer.write([2.0]) == 2
"""


def test_a_writer_of_another_process_is_never_taken(name: str) -> None:
    command = [sys.executable, "-c", OTHER, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(nd.WriterExists) as caught:
            nd.Writer(name, exist="takeover")
        assert caught.value.pid == other.pid
        other.communicate(timeout=60)
    assert other.returncode == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_take_its_parents_writer(name: str) -> None:
    with nd.Writer(name) as writer:
        child = os.fork()
        if child == 0:
            try:
                nd.Writer(name, exist="takeover")
            except nd.WriterExists:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert writer.write([1.0]) == 1


def test_open_or_create(name: str) -> None:
    with nd.SharedArray.open_or_create(name, (2, 3), np.int32) as made:
        with made.write(0) as elements:
            elements[1] = 7
        with nd.SharedArray.open_or_create(name, 6, np.int32, mode=0o600) as same:
            assert same.shape == (6,)
            with same.read(0) as elements:
                assert elements.tolist() == [0, 0, 0, 7, 7, 7]
        with pytest.raises(nd.DTypeMismatch) as other_dtype:
            nd.SharedArray.open_or_create(name, (2, 3))
        assert (other_dtype.value.expected, other_dtype.value.found) == ("float64", "int32")
        with pytest.raises(nd.ShapeMismatch):
            nd.SharedArray.open_or_create(name, (2, 4), np.int32)
        made.unlink()


def test_open_or_create_meets_something_else(name: str, directory: Path) -> None:
    with nd.SharedArray.create(name, 1) as made:
        (path,) = directory.iterdir()
        made.unlink()
    path.symlink_to(directory / "nothing")
    with pytest.raises(nd.ForeignOwner, match="symbolic link"):
        nd.SharedArray.open_or_create(name, 1)
    path.unlink()


def test_many_open_or_create_at_once(name: str) -> None:
    handles: list[nd.SharedArray] = []
    threads = [
        threading.Thread(target=lambda: handles.append(nd.SharedArray.open_or_create(name, 1, int))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(handles) == 8
    for handle in handles:
        handle.fetch_add(0, 1)
    assert handles[0].load(0) == 8
    handles[0].unlink()


@pytest.mark.parametrize("how", ["break", "continue", "twice", "return"])
def test_an_abandoned_block_publishes_nothing(name: str, how: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        def fill() -> None:
            for _ in range(1):
                with writer.loan(3) as array:
                    array[:] = 7
                    assert writer.abandon()
                    if how == "twice":
                        assert not writer.abandon()
                    elif how == "break":
                        break
                    elif how == "continue":
                        continue
                    else:
                        return

        fill()
        assert reader.read() is None
        assert not writer.abandon()
        with writer.loan(1) as array:
            array[0] = 1
        assert [sample.seq for sample in [reader.read()] if sample is not None] == [1]
        # A loan that was taken after it is still told when the writer is closed.
        with pytest.raises(ValueError, match="not been published"), writer.loan(1):
            writer.close()
        with pytest.raises(ValueError, match="closed"):
            writer.abandon()


def test_an_abandoned_loan_may_be_followed_by_another_inside_the_block(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        with writer.loan(3):
            writer.abandon()
            with writer.loan(2) as array:
                array[:] = 5
        sample = reader.read()
        assert sample is not None
        assert sample.array.tolist() == [5, 5]


def test_weak_references(name: str) -> None:
    writer, reader, shared = nd.Writer(name), nd.Reader(name), nd.SharedArray.create(name, 1)
    writer.write([1.0])
    things: list[Any] = [writer, reader, reader.read(), writer.loan(1), shared, shared.write()]
    # What is lent, too.
    things += [thing.array for thing in things if isinstance(thing, (nd.Sample, nd.Loan))]
    references = [weakref.ref(thing) for thing in things]
    assert all(reference() is not None for reference in references)
    shared.unlink()
    del writer, reader, shared
    things.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 8


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_sample_is_an_array(name: str, protocol: int) -> None:
    with nd.Writer(name, max_slots=2) as writer:
        with nd.Reader(name) as reader:
            for value in (np.arange(6.0).reshape(2, 3), np.array(1.5), np.zeros((0, 3), bool)):
                writer.write(value)
                sample = reader.read()
                array = pickle.loads(pickle.dumps(sample, protocol))
                del sample
                assert type(array) is np.ndarray
                assert (array.dtype, array.shape) == (value.dtype, value.shape)
                assert array.tolist() == value.tolist()
        # It holds no slot.
        writer.write([1.0])
        writer.write([2.0])


def work(reader: nd.Reader, shared: nd.SharedArray, array: Any) -> None:
    sample = reader.wait(60)
    assert sample is not None
    assert np.asarray(array).tolist() == [5.0]
    with shared.write(60) as elements:
        elements[0] += sample.array.sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_handles_are_arguments_of_processes(name: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with nd.Writer(name) as writer, nd.Reader(name) as reader, nd.SharedArray.create(name, 2) as shared:
        writer.write([5.0])
        sample = reader.read()
        workers = [context.Process(target=work, args=(reader, shared, sample)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        with shared.read(0) as elements:
            assert elements.tolist() == [10.0, 0.0]
        shared.unlink()


def use(handle: Any) -> str:
    with handle:
        try:
            handle.latest() if isinstance(handle, nd.Reader) else handle.load(0)
        except nd.NotFound as error:
            return str(error)
    return "found"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pool_is_told_that_a_handles_name_has_gone(name: str, method: str) -> None:
    """A worker that could not unpickle its task would end without a word."""
    context: Any = multiprocessing.get_context(method)
    shared = nd.SharedArray.create(name, 3)
    with nd.Writer(name), nd.Reader(name) as reader, context.Pool(1) as pool:
        handles = [reader, shared]
        assert pool.map_async(use, handles).get(60) == ["found"] * 2
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            assert list(executor.map(use, handles, timeout=60)) == ["found"] * 2
            shared.unlink()
            nd.Writer(name, exist="takeover").close()
            for told in (*pool.map_async(use, handles).get(60), *executor.map(use, handles, timeout=60)):
                assert name in told
    shared.close()


def test_an_array_that_has_gone_still_says_what_it_was(name: str) -> None:
    with nd.SharedArray.create(name, (2, 3), np.int16) as shared:
        shown, pickled = repr(shared), pickle.dumps(shared)
        shared.unlink()
    gone = pickle.loads(pickled)
    assert repr(gone) == shown
    assert (gone.dtype, gone.shape, gone.ndim, gone.size, gone.nbytes) == (np.int16, (2, 3), 2, 6, 12)
    assert not gone.closed
    for act in (gone.read, gone.write, lambda: gone.unlocked, lambda: gone.load((0, 0)), gone.unlink):
        with pytest.raises(nd.NotFound):
            act()
    assert pickle.dumps(gone) == pickled
    with nd.SharedArray.create(name, 6, np.int16) as made:
        made.store(5, 7)
        assert gone.load((1, 2)) == 7
        made.unlink()
    gone.close()
    assert gone.closed
