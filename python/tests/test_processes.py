"""Forks, spawns, pickles, signals, threads."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strict import STRICT

import ndsharray_rs as nd


def read_sum(reader: nd.Reader) -> float:
    sample = reader.wait(30)
    assert sample is not None
    return float(sample.array.sum())


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_reader_goes_to_another_process_by_name(name: str, method: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write(np.full(3, 2.0))
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            assert pool.submit(read_sum, reader).result(60) == 6
        assert read_sum(reader) == 6


@pytest.mark.parametrize("read_only", [False, True])
def test_a_pickled_reader_looks_in_the_same_place(name: str, tmp_path: Path, read_only: bool) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    with nd.Writer(name, dir=place) as writer:
        writer.write(np.arange(3))
        with nd.Reader(name, dir=os.path.relpath(place), read_only=read_only) as reader:
            pickled = pickle.dumps(reader)
        with pickle.loads(pickled) as other:
            assert other.read().array.tolist() == [0, 1, 2]
    # Told at its first use: a pool never gives the result of a task that cannot be unpickled.
    gone = pickle.loads(pickled)
    for _ in range(2):
        with pytest.raises(nd.NotFound):
            gone.read()
    with nd.Writer(name, dir=place) as writer:
        writer.write(np.arange(4))
        assert gone.read().array.tolist() == [0, 1, 2, 3]
    gone.close()
    with pytest.raises(ValueError, match="closed"):
        gone.read()
    with pytest.raises(ValueError, match="closed"):
        pickle.dumps(reader)


def test_a_writer_stays_where_it_is(name: str) -> None:
    with nd.Writer(name) as writer, pytest.raises(TypeError, match=f"Writer\\('{name}'\\)|belongs to this process"):
        pickle.dumps(writer)


FORK = """
import os, sys
import numpy as np
import ndsharray_rs as nd

name = sys.argv[1]
writer = nd.Writer(name)
reader = nd.Reader(name)
shared = nd.SharedArray.create(name, 3)
guard = shared.write()
writer.write([1.0])
sample = reader.read()
loan = writer.loan(1)
array = loan.array
child = os.fork()
if child == 0:
    def refused(act):
        try:
            act()
        except nd.Forked as error:
            assert isinstance(error, RuntimeError), error
            assert "parent process" in str(error), error
        else:
            raise AssertionError(act)

    def guarded(guard):
        with guard:
            pass

    try:
        # Readers and arrays open themselves anew; what the parent has made of them is the parent's.
        assert reader.latest().array.tolist() == [1]
        assert reader.wait(0) is None
        assert shared.load(0) == 0
        refused(lambda: guarded(guard))
        refused(loan.publish)
        refused(lambda: writer.write([2.0]))
        refused(lambda: writer.loan(3))
        assert sample.array.tolist() == [1]
        # What the child opens for itself is its own.
        with nd.Reader(name) as own:
            assert own.read().seq == 1
        try:
            nd.Writer(name)
        except nd.WriterExists as error:
            assert (error.name, error.pid) == (name, os.getppid())
        else:
            raise AssertionError
        for handle in (reader, shared, writer):
            handle.close()
        del loan, array, sample, reader, writer, shared
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
# Nothing of the parent's has been harmed.
array[...] = 7
del array
assert loan.publish() == 2
assert reader.read().array.tolist() == [7]
with shared.write(0) as elements:
    elements[...] = 1
assert shared.load(2) == 1
shared.unlink()
writer.close()
"""


def test_a_forked_child_is_told(name: str, directory: Path) -> None:
    subprocess.run([sys.executable, *STRICT, "-c", FORK, name], check=True, timeout=60)
    assert list(directory.iterdir()) == []


def fork_writer(name: str, ready: Any) -> None:
    with nd.Writer(name) as writer:
        writer.write(np.arange(5))
        ready.wait(60)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_child_that_writes(name: str, method: Any) -> None:
    context: Any = multiprocessing.get_context(method)
    done = context.Event()
    child = context.Process(target=fork_writer, args=(name, done))
    child.start()
    with nd.Reader(name, timeout=60) as reader:
        sample = reader.wait(60)
        assert sample is not None
        assert sample.array.tolist() == [0, 1, 2, 3, 4]
        done.set()
        child.join(60)
        assert child.exitcode == 0
        with pytest.raises(nd.Closed) as caught:
            reader.wait(60)
        assert caught.value.name == name


@pytest.mark.usefixtures("ctrl_c")
def test_waiting_answers_signals(name: str) -> None:
    with nd.Writer(name), nd.Reader(name) as reader:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            reader.wait(60)
        timer.join()
        assert reader.wait(0) is None
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        nd.Reader(name, timeout=60)
    timer.join()


def test_waiting_lets_other_threads_run(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        found: list[int] = []

        def wait() -> None:
            sample = reader.wait(60)
            assert sample is not None
            found.append(sample.seq)

        thread = threading.Thread(target=wait)
        thread.start()
        # As soon as the other thread waits, its reader is in use.
        wait_until_in_use(reader)
        writer.write([1])
        thread.join(60)
        assert found == [1]


def check_while_alive(threads: list[threading.Thread], reader: nd.Reader) -> None:
    """Reads until all threads have ended: values are in order, and each is of one number."""
    last = 0
    while any(thread.is_alive() for thread in threads):
        sample = reader.wait(0.05)
        if sample is not None:
            assert sample.seq > last
            last = sample.seq
            assert sample.array.min() == sample.array.max()


def test_threads_take_turns_at_a_writer(name: str) -> None:
    arrays = [np.full(1 << 21, number, np.uint8) for number in range(4)]
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        def write(array: np.ndarray[Any, Any]) -> None:
            for _ in range(20):
                writer.write(array)

        threads = [threading.Thread(target=write, args=(array,)) for array in arrays]
        for thread in threads:
            thread.start()
        check_while_alive(threads, reader)
        assert writer.write([0]) == 81


def by_loan(writer: nd.Writer, array: np.ndarray[Any, Any]) -> None:
    with writer.loan(array.shape, array.dtype) as target:
        target[...] = array


WAYS: dict[str, Callable[[nd.Writer, np.ndarray[Any, Any]], object]] = {
    "backwards": lambda writer, array: writer.write(array[..., ::-1]),
    "Fortran": lambda writer, array: writer.write(np.asfortranarray(array)),
    "big-endian": lambda writer, array: writer.write(array.astype(array.dtype.newbyteorder(">"))),
    "loan": by_loan,
}


@pytest.mark.parametrize("way", WAYS)
def test_threads_take_turns_whatever_the_layout(name: str, way: str) -> None:
    failed: list[BaseException] = []
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        def write(number: int) -> None:
            array = np.full((300, 200), number, np.int32)
            try:
                for _ in range(50):
                    WAYS[way](writer, array)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        check_while_alive(threads, reader)
        assert failed == []
        assert writer.write([0]) == 201


@pytest.mark.parametrize("way", WAYS)
def test_a_thread_that_writes_in_a_loop_lets_others_write_and_close(name: str, way: str) -> None:
    array = np.zeros((1000, 2000))
    end = time.monotonic() + 120
    written: list[int] = []
    ended: list[str] = []
    with nd.Writer(name) as writer:

        def write(number: int) -> None:
            try:
                while time.monotonic() < end:
                    WAYS[way](writer, array)
                    written.append(number)
                ended.append("nobody closed it")
            except ValueError as error:
                ended.append(str(error))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            before = len(written)
            WAYS[way](writer, np.zeros((2, 2)))
            # When this thread runs, and so how many go first, is up to the interpreter.
            # But it is next in line.
            assert len(written) - before < 30
        writer.close()
        for thread in threads:
            thread.join(60)
        assert len(ended) == 2
        assert "nobody closed it" not in ended


def test_a_thread_waits_for_another_threads_loan(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        lent, done = threading.Event(), threading.Event()

        def lend() -> None:
            with writer.loan(3) as array:
                lent.set()
                assert done.wait(60)
                array[...] = 7

        thread = threading.Thread(target=lend)
        thread.start()
        assert lent.wait(60)
        written: list[int] = []
        other = threading.Thread(target=lambda: written.append(writer.write([1.0])))
        other.start()
        # The thread waits, and nothing arrives.
        assert reader.wait(0.2) is None
        assert other.is_alive()
        done.set()
        thread.join(60)
        other.join(60)
        assert written == [2]
        with writer.loan(1), pytest.raises(RuntimeError, match="this very thread"):
            writer.write([1.0])


def test_nothing_waits_for_a_thread_that_has_ended(name: str) -> None:
    with nd.Writer(name) as writer:
        loans: list[nd.Loan] = []
        thread = threading.Thread(target=lambda: loans.append(writer.loan(3)))
        thread.start()
        thread.join(60)
        for use in (lambda: writer.write([1.0]), lambda: writer.loan(3), lambda: writer.payload_name):
            with pytest.raises(RuntimeError, match="a thread that has ended"):
                use()
        assert loans[0].publish() == 1


@pytest.mark.usefixtures("ctrl_c")
def test_waiting_for_another_threads_loan_answers_signals(name: str) -> None:
    with nd.Writer(name) as writer:
        lent, done = threading.Event(), threading.Event()

        def lend() -> None:
            with writer.loan(3):
                lent.set()
                assert done.wait(60)

        thread = threading.Thread(target=lend)
        thread.start()
        assert lent.wait(60)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            writer.write([1.0])
        timer.join()
        done.set()
        thread.join(60)
        assert writer.write([1.0]) == 2


def test_iteration_ends_when_the_writer_closes(name: str) -> None:
    with nd.Writer(name) as writer:
        reader = nd.Reader(name)

        def write() -> None:
            for number in range(5):
                writer.write([number])
            writer.close()

        thread = threading.Thread(target=write)
        thread.start()
        seen = [sample.array[0] for sample in reader]
        thread.join()
    assert seen
    assert seen == sorted(set(seen))
    assert seen[-1] == 4


def test_nothing_is_left(name: str, directory: Path) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        for size in range(1, 100_000, 5_000):
            writer.write(np.zeros(size))
            assert reader.read() is not None
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("how", ["wait", "iterate"])
def test_closing_ends_the_wait_of_another_thread(name: str, how: str) -> None:
    with nd.Writer(name) as writer:
        writer.write([1])
        reader = nd.Reader(name)
        assert reader.read() is not None
        ended: list[Any] = []

        def wait() -> None:
            try:
                ended.append(list(reader) if how == "iterate" else reader.wait())
            except ValueError as error:
                ended.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_until_in_use(reader)
        reader.close()
        assert reader.closed
        thread.join(30)
        assert not thread.is_alive()
        if how == "iterate":
            assert ended == [[]]
        else:
            assert str(ended[0]) == "this Reader has been closed"
        with pytest.raises(ValueError, match="closed"):
            reader.read()
        # Its entry in the channel is free.
        others = [nd.Reader(name) for _ in range(64)]
        for other in others:
            other.close()


def wait_until_in_use(reader: nd.Reader) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            reader.is_writer_alive  # noqa: B018
        except RuntimeError as error:
            assert "another thread" in str(error)
            return
    pytest.fail("the reader never waited")


def test_a_signal_handler_may_close_the_reader_that_waits(name: str) -> None:
    with nd.Writer(name), nd.Reader(name) as reader:
        before = signal.signal(signal.SIGUSR1, lambda *_: reader.close())
        try:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            with pytest.raises(ValueError, match="closed"):
                reader.wait(60)
            timer.join()
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_asyncio_waits(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            assert await reader.wait_async(0.1) is None
            waiting = asyncio.create_task(reader.wait_async())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            writer.write([5])
            sample = await asyncio.wait_for(waiting, 60)
            assert sample is not None
            assert sample.array.tolist() == [5]
            # The wait of a cancelled task is over at once. The reader is free, and no value lost.
            waiting = asyncio.create_task(reader.wait_async())
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert reader.read() is None
            writer.write([6])
            sample = await asyncio.wait_for(reader.wait_async(), 60)
            assert sample is not None
            assert sample.array.tolist() == [6]
            # A thread does not learn of a cancellation. Closing its reader ends it, and with it
            # `asyncio.run`.
            task = asyncio.create_task(asyncio.to_thread(reader.wait))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            reader.close()

        started = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - started < 60
        writer.close()


def test_asyncio_is_told_of_the_end(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            waiting = asyncio.create_task(reader.wait_async())
            await asyncio.sleep(0.1)
            writer.close()
            with pytest.raises(nd.Closed):
                await waiting

        asyncio.run(main())


RESHAPE = """
import sys, threading, time
import numpy as np
import ndsharray_rs as nd

frame = np.zeros((1 << 22,), np.uint8)
shapes = [(1 << 22,), (2, 1 << 21), (1 << 10, 1 << 12), (4,) * 11, (1,) * 20 + (1 << 22,)]
over = threading.Event()


def reshape():
    while not over.is_set():
        for shape in shapes:
            frame.shape = shape
            # The freed lengths are overwritten by those of others.
            [np.zeros((7,) * 11, np.int8) for _ in range(4)]


thread = threading.Thread(target=reshape)
with nd.Writer(sys.argv[1]) as writer, nd.Reader(sys.argv[1]) as reader:
    thread.start()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        writer.write(frame)
        assert reader.read().shape in shapes
    over.set()
    thread.join()
"""


def test_the_shape_that_is_published_is_one_that_the_array_had(name: str) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", RESHAPE, name], check=True, timeout=300)


@pytest.mark.parametrize("act", ["create", "loan", "write"])
def test_finding_memory_lets_other_threads_run(name: str, act: str) -> None:
    size, over, rounds = 1 << 28, threading.Event(), [0]

    def go_round() -> None:
        while not over.is_set():
            rounds[0] += 1
            time.sleep(0)

    before = sys.getswitchinterval()
    # Then a thread keeps the interpreter lock until it releases the lock by itself.
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=go_round)

    def others_run(size: int) -> bool:
        with nd.Writer(name, capacity_bytes=size if act == "write" else None) as writer:
            made: Any = None
            small = np.zeros(3)
            started = rounds[0]
            if act == "create":
                made = nd.SharedArray.create(name, size, np.uint8)
            elif act == "loan":
                made = writer.loan(size, np.uint8)
            else:
                writer.write(small)
            ended = rounds[0]
            if act == "create":
                made.unlink()
        return ended > started

    try:
        thread.start()
        # Does the work of the first use.
        others_run(1)
        # The memory may be found before the system wakes the other thread. So it gets more chances.
        deadline = time.monotonic() + 120
        while not others_run(size):
            assert time.monotonic() < deadline, "no other thread ran"
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(before)
