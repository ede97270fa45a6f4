"""Arrays that all processes change in place."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_sample import DTYPES, values

import ndsharray_rs as nd


def test_one_memory(name: str) -> None:
    with nd.SharedArray.create(name, (2, 3), "float32") as one, nd.SharedArray.open(name) as other:
        assert repr(one) == f"SharedArray(name='{name}', dtype=float32, shape=(2, 3))"
        assert (other.shape, other.ndim, other.size, other.nbytes, other.dtype) == (
            (2, 3),
            2,
            6,
            24,
            np.dtype(np.float32),
        )
        with one.write() as array:
            array[1] = 7
        with other.read() as array:
            assert array.tolist() == [[0, 0, 0], [7, 7, 7]]
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
        one.unlink()
        assert other.load((1, 0)) == 7
    with pytest.raises(nd.NotFound):
        nd.SharedArray.open(name)
    with pytest.raises(ValueError, match="closed"):
        one.read()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_a_copy_of_an_array(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    array = values(dtype, shape).T
    with nd.SharedArray.from_array(name, array) as one, nd.SharedArray.open(name) as other, other.read() as found:
        assert one.dtype == found.dtype == dtype
        assert found.tobytes() == array.tobytes()
    with pytest.raises(nd.AlreadyExists) as caught:
        nd.SharedArray.from_array(name, array)
    assert isinstance(caught.value, FileExistsError)


def test_what_survives_a_guard_harms_nobody(name: str) -> None:
    with nd.SharedArray.create(name, (3, 2), int) as shared:
        for _ in range(3):
            with shared.write() as array:
                array[...] = 4
                view, memory = array[1:], memoryview(array)
            with pytest.raises((ValueError, IndexError)):
                array[0, 0] = 1
            assert array.shape == (0, 2)
            view[...] = 9
            memory.cast("B")[:] = b"\xff" * 48
            with shared.read() as array:
                assert array.tolist() == [[4, 4]] * 3
            assert array.size == 0


def test_guards_in_a_row_use_one_mapping(name: str) -> None:
    with nd.SharedArray.create(name, 1 << 20) as shared:
        before = Path("/proc/self/maps").read_text().count(name)
        for number in range(50):
            with shared.write() as array:
                array[:] = number
            with shared.read() as array:
                assert array[-1] == number
        del array
        assert Path("/proc/self/maps").read_text().count(name) <= before + 1


def test_readers_share_and_writers_wait(name: str) -> None:
    with nd.SharedArray.create(name, 3) as shared:
        with shared.read() as one, shared.read() as two:
            assert one.tolist() == two.tolist()
            with pytest.raises(TimeoutError, match="in time"), shared.write(0.02):
                pass
        with shared.write(0), pytest.raises(TimeoutError), shared.read(0):
            pass
        guard = shared.write()
        with guard, pytest.raises(RuntimeError, match="in use"):
            guard.__enter__()
        with shared.write():
            pass


def test_threads_take_turns(name: str) -> None:
    with nd.SharedArray.create(name, 1, int) as shared:

        def add() -> None:
            for _ in range(300):
                with shared.write() as array:
                    array[0] += 1
                shared.fetch_add(0, 1)

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared.load(0) == 2400


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_single_elements(name: str, dtype: np.dtype[Any]) -> None:
    array = values(dtype)
    with nd.SharedArray.from_array(name, array) as shared:
        if dtype.itemsize > 8:
            with pytest.raises(TypeError, match="atomically"):
                shared.load((0, 0))
            return
        assert shared.load((1, 2)) == shared.load((-1, -1)) == array[1, 2]
        assert shared.load((0, 0)).dtype == dtype
        at = (0, 1)
        shared.store(at, 1)
        assert shared.swap(at, 0) == 1
        assert shared.compare_exchange(at, 0, 1) == 0
        assert shared.compare_exchange(at, 0, 0) == 1
        assert shared.load(at) == 1
        if dtype.kind in "iu":
            assert shared.fetch_add(at, 3) == 1
            assert shared.fetch_sub(at, 2) == 4
            assert shared.load(at) == 2
        else:
            with pytest.raises(TypeError, match="added"):
                shared.fetch_add(at, 1)
        for outside in ((2, 0), (0, -4), (0, 0, 0), (), (1,)):
            with pytest.raises(IndexError):
                shared.load(outside)
        if dtype == np.uint8:
            if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
                # Older ones warn, and store 0.
                with pytest.raises(OverflowError):
                    shared.store(at, 256)
            with pytest.raises(TypeError, match="masked"):
                shared.store(at, np.ma.masked)


def test_an_element_has_a_position_on_each_axis(name: str) -> None:
    with nd.SharedArray.from_array(name, np.arange(6).reshape(2, 3)) as shared:
        # In NumPy that would be a row.
        for use in (shared.load, lambda index: shared.store(index, 1), lambda index: shared.fetch_add(index, 1)):
            with pytest.raises(IndexError, match=r"shape \(2, 3\) has 2 axes.*: 1 has 1"):
                use(1)
        for index in (1.5, "a", (0, 1.5), None):
            with pytest.raises(TypeError, match="an element's index is an integer"):
                shared.load(index)  # type: ignore[arg-type]
        shared.reshape(6)
        assert shared.load(1) == shared.load(-5) == shared.load((1,)) == 1
    with nd.SharedArray.from_array(f"{name}-0", 7) as scalar:
        assert scalar.load(()) == 7
        with pytest.raises(IndexError, match="has 0 axes"):
            scalar.load(0)


def test_a_handle_is_no_array(name: str) -> None:
    with nd.SharedArray.create(name, 3) as shared, nd.Writer(name) as writer, nd.Reader(name) as reader:
        for take in (np.asarray, np.array, np.sum, np.mean, lambda it: np.add(it, 1), lambda it: np.ones(3) * it):
            with pytest.raises(TypeError, match=r"a SharedArray is no array.*shared\.read\(\)"):
                take(shared)
            with pytest.raises(TypeError, match=r"guard.*no array.*shared\.read\(\)"):
                take(shared.read())
            with pytest.raises(TypeError, match="a Writer is no array"):
                take(writer)
            with pytest.raises(TypeError, match=r"a Reader is no array.*sample\.array"):
                take(reader)
            with pytest.raises(TypeError, match=r"a Loan is no array.*loan\.array"):
                take(writer.loan(3))
        with pytest.raises(TypeError, match="a SharedArray is no array"):
            writer.write(shared)


def test_shapes(name: str) -> None:
    with nd.SharedArray.from_array(name, np.arange(6)) as shared, nd.SharedArray.open(name) as other:
        shared.reshape((2, 3))
        with shared.read() as array:
            assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
        assert other.shape == (6,)
        with pytest.raises(nd.ShapeMismatch) as caught:
            shared.reshape(7)
        assert (caught.value.expected, caught.value.found) == (6, 7)
        assert pickle.loads(pickle.dumps(shared)).shape == (2, 3)


def test_without_the_lock(name: str) -> None:
    with nd.SharedArray.create(name, (2, 2)) as shared:
        array = shared.unlocked
        array[...] = 3
        with shared.read() as locked:
            assert locked.tolist() == [[3, 3], [3, 3]]
            array[0, 0] = 1
            assert locked[0, 0] == 1
    # The mapping lives as long as the array.
    assert array.sum() == 10


def test_bools_that_are_none(name: str) -> None:
    with pytest.raises(nd.InvalidBool):
        nd.SharedArray.from_array(name, np.array([2], np.uint8).view(bool))
    with nd.SharedArray.create(name, 3, bool) as shared:
        shared.unlocked.view(np.uint8)[1] = 7
        with pytest.raises(nd.InvalidBool) as caught, shared.read():
            pass
        assert (caught.value.index, caught.value.value) == (1, 7)
        shared.store(1, True)
        with shared.read() as array:
            assert array.tolist() == [False, True, False]


FLIP = """
import sys
import numpy as np
import ndsharray_rs as nd
elements = nd.SharedArray.open(sys.argv[1]).unlocked.view(np.uint8)
ones, zeros = np.ones(4, np.uint8), np.zeros(4, np.uint8)
print("ready", flush=True)
while True:
    for _ in range(1000):
        elements[:] = ones
        elements[:] = zeros
"""
LOOK = """
import sys, time
import numpy as np
import ndsharray_rs as nd
elements = nd.SharedArray.open(sys.argv[1]).unlocked
seen = set()
end = time.monotonic() + 5
# On a busy machine the other process may be stopped for a while.
while time.monotonic() < end or (len(seen) < 2 and time.monotonic() < end + 100):
    for _ in range(1000):
        seen.add(elements[0])
assert seen == {True, False}, seen
assert np.array([True, False]).tolist() == [True, False]
"""


def test_bools_that_change_while_they_are_read(name: str) -> None:
    # With NumPy below 2.4 that ended the process within some seconds.
    with nd.SharedArray.create(name, 4, bool):
        flip = [sys.executable, "-c", FLIP, name]
        with subprocess.Popen(flip, stdout=subprocess.PIPE, text=True) as writer:
            try:
                assert writer.stdout is not None
                assert writer.stdout.readline() == "ready\n"
                subprocess.run([sys.executable, "-c", LOOK, name], check=True, timeout=300)
            finally:
                writer.kill()


def test_somebody_elses_block(name: str) -> None:
    block = SharedMemory(name.replace("-", "_"), create=True, size=100)
    try:
        with nd.SharedArray.attach_raw(block.name, (4, 3), np.int16, dir="/dev/shm") as shared:
            shared.unlocked[...] = np.arange(12).reshape(4, 3)
            assert shared.fetch_add((3, 2), 1) == 11
            assert block.buf is not None
            assert np.frombuffer(block.buf, np.int16, 12).tolist() == [*range(11), 12]
            with pytest.raises(nd.Unsupported), shared.write():
                pass
            again = pickle.loads(pickle.dumps(shared))
            assert (again.shape, again.dtype, again.load((0, 2))) == ((4, 3), np.int16, 2)
        with pytest.raises(nd.ShapeMismatch):
            nd.SharedArray.attach_raw(block.name, 1000, dir="/dev/shm")
    finally:
        block.close()
        block.unlink()


def add_to(shared: nd.SharedArray, times: int) -> None:
    for _ in range(times):
        with shared.write() as array:
            array += 1
        shared.fetch_add((0, 0), 1)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_processes_take_turns(name: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with nd.SharedArray.create(name, (4, 4), int) as shared:
        # A forked child has its parent's handle. Through a pickle it opens one of its own.
        target, arguments = (add_to, (shared, 200)) if method != "fork" else (unpickled, (pickle.dumps(shared), 200))
        workers = [context.Process(target=target, args=arguments) for _ in range(3)]
        for worker in workers:
            worker.start()
        add_to(shared, 200)
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        with shared.read() as array:
            assert array[1, 1] == 800
            assert array[0, 0] == 1600


def unpickled(pickled: bytes, times: int) -> None:
    add_to(pickle.loads(pickled), times)


def test_a_killed_writer_is_told_of(name: str) -> None:
    with nd.SharedArray.create(name, 3) as shared:
        program = f"""
import ndsharray_rs as nd, os, signal
with nd.SharedArray.open({name!r}).write() as array:
    array[0] = 1
    os.kill(os.getpid(), signal.SIGKILL)
"""
        child = subprocess.run([sys.executable, "-c", program], timeout=60)
        assert child.returncode == -signal.SIGKILL
        with pytest.raises(nd.Poisoned), shared.read():
            pass
        with pytest.raises(nd.Poisoned), shared.write():
            pass
        assert shared.is_poisoned
        with shared.write(accept_poison=True) as array:
            assert array.tolist() == [1, 0, 0]
            array[...] = 0
            shared.clear_poison()
        with shared.read() as array:
            assert not shared.is_poisoned
            assert array.tolist() == [0, 0, 0]


def test_an_exception_gives_the_lock_back(name: str) -> None:
    with nd.SharedArray.create(name, 3) as shared:
        with pytest.raises(KeyError), shared.write() as array:
            array[0] = 1
            raise KeyError
        with shared.write(0) as array:
            assert array[0] == 1


@pytest.mark.usefixtures("ctrl_c")
def test_waiting_for_a_lock_answers_signals(name: str) -> None:
    with nd.SharedArray.create(name, 3) as shared, shared.write():
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        # It may come before the wait.
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            with shared.read(60):
                pass
        timer.join()


def test_remove(name: str) -> None:
    nd.SharedArray.create(name, 3).close()
    nd.remove_array(name)
    with pytest.raises(nd.NotFound):
        nd.remove_array(name)


TWO_ENTER = """
import sys, threading, time
import numpy as np
import ndsharray_rs as nd

shared = nd.SharedArray.create(sys.argv[1], 1 << 16, np.int64)
for kind in ("read", "write"):
    guard = getattr(shared, kind)(30)
    entered, refused = [], []

    def enter():
        try:
            with guard as elements:
                entered.append(int(elements.sum()))
                view = elements[5:]
            view.sum()
        except RuntimeError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=enter) for _ in range(8)]
    with shared.write() as elements:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        # One waits for the lock, and the others are told.
        while len(refused) < 7:
            assert time.monotonic() < deadline, refused
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert entered == [0], entered
    assert refused == ["this guard is in use; ask the array for another"] * 7, refused
    with guard:
        pass
shared.unlink()
"""


def test_two_threads_enter_one_guard(name: str) -> None:
    subprocess.run([sys.executable, "-c", TWO_ENTER, name], check=True, timeout=100)


def test_a_guard_that_was_not_entered_can_be_entered(name: str) -> None:
    shared = nd.SharedArray.create(name, 3)
    guard = shared.read(0.05)
    with shared.write(), pytest.raises(TimeoutError), guard:
        pass
    with guard as elements, pytest.raises(RuntimeError, match="in use"), guard:
        assert elements.size == 3
    shared.unlink()
