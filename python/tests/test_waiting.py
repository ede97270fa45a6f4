"""Waiting for several channels, in asyncio, and its end from another thread."""

from __future__ import annotations

import asyncio
import errno
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd


def runners() -> list[Any]:
    try:
        import uvloop
    except ImportError:
        return [asyncio.run, pytest.param(None, marks=pytest.mark.skip(reason="uvloop is not installed"))]
    return [asyncio.run, uvloop.run]


RUNS = pytest.mark.parametrize("run", runners(), ids=["asyncio", "uvloop"])
Run = Callable[[Coroutine[Any, Any, None]], None]


def open_all(names: list[str]) -> tuple[list[nd.Writer], list[nd.Reader]]:
    return [nd.Writer(name) for name in names], [nd.Reader(name) for name in names]


def test_those_that_have_news_are_returned(name: str) -> None:
    writers, readers = open_all([f"{name}-{number}" for number in range(5)])
    assert nd.wait_any(readers, 0) == []
    for number in (3, 1):
        writers[number].write([number])
    found = nd.wait_any(tuple(readers), timeout=60)
    assert found == [readers[1], readers[3]]
    assert found[0] is readers[1]
    # A look does not read.
    assert nd.wait_any(readers, 60) == found
    samples = [reader.read() for reader in found]
    assert [sample.array.tolist() for sample in samples if sample is not None] == [[1], [3]]
    assert nd.wait_any(readers, 0.01) == []
    timer = threading.Timer(0.1, writers[4].write, ([4],))
    timer.start()
    assert nd.wait_any(readers) == [readers[4]]
    timer.join()
    assert readers[4].read() is not None
    # The end of a channel is news, once.
    writers[0].close()
    assert nd.wait_any(readers, 60) == [readers[0]]
    assert readers[0].read() is None
    assert readers[0].is_channel_closed
    assert not readers[1].is_channel_closed
    assert nd.wait_any(readers, 0) == []


def test_what_cannot_be_waited_for(name: str) -> None:
    with nd.Writer(name), nd.Reader(name) as reader, nd.Reader(name) as other:
        with pytest.raises(nd.NothingToWaitFor) as caught:
            nd.wait_any([], 1)
        assert isinstance(caught.value, ValueError)
        with pytest.raises(ValueError, match=f"{name}.* is there twice"):
            nd.wait_any([reader, other, reader], 1)
        with pytest.raises(ValueError, match="NaN"):
            nd.wait_any([reader], float("nan"))
        with pytest.raises(TypeError):
            nd.wait_any([reader, name], 1)  # type: ignore[list-item]
        assert nd.wait_any([reader, other], 0) == []
        other.close()
        with pytest.raises(ValueError, match="closed"):
            nd.wait_any([reader, other], 1)
        assert reader.read() is None


def test_a_flood_hides_no_other_channel(name: str) -> None:
    (busy, slow), readers = open_all([f"{name}-busy", f"{name}-slow"])
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            busy.write([1])

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        slow.write([2])
        deadline = time.monotonic() + 60
        while readers[1] not in (found := nd.wait_any(readers, 60)):
            for reader in found:
                reader.read()
            assert time.monotonic() < deadline
    finally:
        over.set()
        thread.join()


def in_thread(wait: Callable[[], object], readers: list[nd.Reader]) -> tuple[threading.Thread, list[Any]]:
    """Starts a thread that waits, and returns once it does."""
    ended: list[Any] = []

    def run() -> None:
        try:
            ended.append(wait())
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            readers[-1].is_writer_alive  # noqa: B018
        except RuntimeError:
            return thread, ended
    pytest.fail("the thread never waited")


@pytest.mark.parametrize("closed", [0, 1])
def test_closing_one_ends_the_wait_for_all(name: str, closed: int) -> None:
    _writers, readers = open_all([f"{name}-0", f"{name}-1"])
    thread, ended = in_thread(lambda: nd.wait_any(readers), readers)
    with pytest.raises(RuntimeError, match="another thread"):
        nd.wait_any(readers[::-1], 0)
    readers[closed].close()
    thread.join(60)
    assert not thread.is_alive()
    assert "closed" in str(ended[0])
    # The other one is free again, and the closed one's place too.
    assert readers[1 - closed].read() is None
    more = [nd.Reader(f"{name}-{closed}") for _ in range(64)]
    assert len(more) == 64


def test_a_wake_that_comes_late_ends_no_later_wait(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        assert reader.wait(0) is None
        reader._wake()
        timer = threading.Timer(0.2, writer.write, ([1],))
        timer.start()
        assert reader.wait() is not None
        timer.join()


@pytest.mark.usefixtures("ctrl_c")
def test_waiting_for_several_answers_signals(name: str) -> None:
    _writers, readers = open_all([f"{name}-0", f"{name}-1"])
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        nd.wait_any(readers)
    timer.join()
    assert nd.wait_any(readers, 0) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_waits_for_inherited_readers(name: str) -> None:
    writers, readers = open_all([f"{name}-0", f"{name}-1"])
    writers[1].write([1])
    child = os.fork()
    if child == 0:
        os._exit(0 if nd.wait_any(readers, 30) == [readers[1]] and readers[1].read() is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert nd.wait_any(readers, 0) == [readers[1]]


@RUNS
def test_cancelling_a_task_ends_its_wait_at_once(name: str, run: Run) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            for number in range(20):
                waiting = asyncio.create_task(reader.wait_async())
                await asyncio.sleep(0.01 if number % 2 else 0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            # The reader is free, and no value is lost.
            writer.write([6])
            sample = reader.read()
            assert sample is not None
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(reader.wait_async(), 0.05)
            # Still waiting at the end of the loop, which cancels it.
            keep.append(asyncio.create_task(reader.wait_async()))
            await asyncio.sleep(0.01)

        keep: list[Any] = []
        run(main())
        assert keep[0].cancelled()
        assert reader.read() is None


@RUNS
def test_a_loop_over_values(name: str, run: Run) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        seen: list[int] = []

        async def consume() -> None:
            async for sample in reader:
                seen.append(int(sample.array[0]))

        async def main() -> None:
            task = asyncio.create_task(consume())
            for number in range(5):
                writer.write([number])
                while len(seen) <= number:
                    await asyncio.sleep(0.001)
            writer.close()
            await asyncio.wait_for(task, 60)

        run(main())
        assert seen == list(range(5))


@RUNS
def test_closing_the_reader_ends_the_loop(name: str, run: Run) -> None:
    with nd.Writer(name), nd.Reader(name) as reader:

        async def consume() -> int:
            return len([sample async for sample in reader])

        async def main() -> None:
            task = asyncio.create_task(consume())
            await asyncio.sleep(0.05)
            reader.close()
            assert await asyncio.wait_for(task, 60) == 0
            with pytest.raises(ValueError, match="closed"):
                await consume()

        run(main())


@RUNS
def test_two_loops_at_once(name: str, run: Run) -> None:
    with nd.Writer(name) as writer:
        sums: list[float] = []

        def work() -> None:
            with nd.Reader(name) as reader:

                async def main() -> None:
                    started.release()
                    sample = await asyncio.wait_for(reader.wait_async(), 60)
                    assert sample is not None
                    sums.append(float(sample.array.sum()))

                run(main())

        started = threading.Semaphore(0)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert started.acquire(timeout=60)
        writer.write(np.ones(7))
        for thread in threads:
            thread.join(60)
        assert sums == [7.0, 7.0]


@RUNS
def test_many_channels_in_one_task(name: str, run: Run) -> None:
    writers, readers = open_all([f"{name}-{number}" for number in range(8)])

    async def main() -> None:
        waiting = [asyncio.create_task(reader.wait_async(60)) for reader in readers]
        await asyncio.sleep(0.05)
        for number, writer in enumerate(writers):
            writer.write([number])
        samples = await asyncio.gather(*waiting)
        assert [sample.array[0] for sample in samples if sample is not None] == list(range(8))

    run(main())


@RUNS
def test_tasks_wait_for_any(name: str, run: Run) -> None:
    writers, readers = open_all([f"{name}-{number}" for number in range(5)])

    async def main() -> None:
        assert await nd.wait_any_async(readers, 0) == []
        waiting = asyncio.create_task(nd.wait_any_async(readers))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        writers[3].write([3])
        found = await asyncio.wait_for(waiting, 60)
        assert found == [readers[3]]
        assert found[0] is readers[3]
        # A look does not read, and what is there already is found.
        writers[1].write([1])
        assert await nd.wait_any_async(tuple(readers), 60) == [readers[1], readers[3]]
        for reader in (readers[1], readers[3]):
            assert reader.read() is not None
        assert await nd.wait_any_async(readers, 0.01) == []
        # The end of a channel is news.
        writers[0].close()
        assert await nd.wait_any_async(readers, 60) == [readers[0]]
        assert readers[0].read() is None
        # A task that is cancelled leaves the readers free, and takes no value along.
        for number in range(20):
            waiting = asyncio.create_task(nd.wait_any_async(readers))
            await asyncio.sleep(0.01 if number % 2 else 0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        writers[4].write([4])
        assert await nd.wait_any_async(readers, 60) == [readers[4]]
        # Another thread closes one.
        assert readers[4].read() is not None
        waiting = asyncio.create_task(nd.wait_any_async(readers))
        await asyncio.sleep(0.01)
        await asyncio.get_running_loop().run_in_executor(None, readers[2].close)
        with pytest.raises(ValueError, match="closed"):
            await asyncio.wait_for(waiting, 60)
        with pytest.raises(nd.NothingToWaitFor):
            await nd.wait_any_async([])

    run(main())


def test_selectors(name: str) -> None:
    writers, readers = open_all([f"{name}-{number}" for number in range(3)])
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ)
            assert reader.fileno() == reader.fileno()
        assert selector.select(0) == []
        writers[1].write([1])
        writers[2].write([2])
        deadline = time.monotonic() + 60
        found: set[Any] = set()
        while len(found) < 2 and time.monotonic() < deadline:
            found |= {key.fileobj for key, _ in selector.select(1)}
        assert found == {readers[1], readers[2]}
        for reader in (readers[1], readers[2]):
            assert reader.read() is not None
        assert selector.select(0) == []
        # The end of a channel is news too.
        writers[0].close()
        assert [key.fileobj for key, _ in selector.select(60)] == [readers[0]]
        assert readers[0].read() is None
        assert readers[0].is_channel_closed
        assert selector.select(0) == []
        before = len(os.listdir("/proc/self/fd"))
        for reader in readers:
            selector.unregister(reader)
            reader.close()
        assert len(os.listdir("/proc/self/fd")) <= before - 3
        with pytest.raises(ValueError, match="closed"):
            readers[0].fileno()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_descriptor_of_its_own(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        number = reader.fileno()
        child = os.fork()
        if child == 0:
            own = reader.fileno()
            with selectors.DefaultSelector() as selector:
                selector.register(own, selectors.EVENT_READ)
                writable = len(selector.select(30)) == 1
            os._exit(0 if writable and reader.read() is not None and own != number else 1)
        writer.write([1])
        assert os.waitpid(child, 0)[1] == 0
        assert reader.read() is not None


@RUNS
def test_one_task_waits_for_a_reader(name: str, run: Run) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            first = asyncio.create_task(reader.wait_async())
            await asyncio.sleep(0.05)
            with pytest.raises(RuntimeError, match="another task"):
                await reader.wait_async()
            writer.write([1])
            assert await asyncio.wait_for(first, 60) is not None
            assert await reader.wait_async(0.01) is None

        run(main())


@RUNS
def test_closing_from_another_thread_ends_the_wait_of_a_task(name: str, run: Run) -> None:
    with nd.Writer(name), nd.Reader(name) as reader:

        async def main() -> None:
            waiting = asyncio.create_task(reader.wait_async())
            await asyncio.sleep(0.05)
            await asyncio.get_running_loop().run_in_executor(None, reader.close)
            with pytest.raises(ValueError, match="closed"):
                await asyncio.wait_for(waiting, 60)

        run(main())


@RUNS
def test_without_descriptors_a_thread_waits(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with nd.Writer(name) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            with monkeypatch.context() as patch:
                patch.setattr(os, "dup", refuse)
                waiting = asyncio.create_task(reader.wait_async())
                await asyncio.sleep(0.05)
                writer.write([1])
                assert await asyncio.wait_for(waiting, 60) is not None
                waiting = asyncio.create_task(reader.wait_async())
                await asyncio.sleep(0.05)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                writer.write([2])
                sample = await reader.wait_async(60)
                assert sample is not None
                assert sample.array.tolist() == [2]

        run(main())


@RUNS
def test_a_flood_leaves_other_tasks_their_turns(name: str, run: Run) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        turns = [0]

        async def other() -> None:
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        async def main() -> None:
            task = asyncio.create_task(other())
            for number in range(100):
                writer.write([number])
                assert await reader.wait_async(60) is not None
            task.cancel()

        run(main())
        assert turns[0] >= 50


@RUNS
def test_many_channels_take_few_threads(name: str, run: Run) -> None:
    writers, readers = open_all([f"{name}-{number}" for number in range(40)])

    async def main() -> None:
        waiting = [asyncio.create_task(reader.wait_async(60)) for reader in readers]
        await asyncio.sleep(0.1)
        assert len(os.listdir("/proc/self/task")) <= 10 + threads
        for number, writer in enumerate(writers):
            writer.write([number])
        samples = await asyncio.gather(*waiting)
        assert [sample.array[0] for sample in samples if sample is not None] == list(range(40))

    threads = len(os.listdir("/proc/self/task"))
    run(main())
    assert len(os.listdir("/proc/self/task")) <= 10 + threads
