"""Every value, in order: history, lossless readers, iteration."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd


def numbers(reader: nd.Reader) -> list[int]:
    found = []
    while (sample := reader.read_next()) is not None:
        found.append(int(sample.array[0]))
    return found


def test_the_last_values_are_read_in_order(name: str) -> None:
    with nd.Writer(name, history=4, max_slots=8) as writer, nd.Reader(name) as reader:
        assert reader.read_next() is None
        for number in range(3):
            writer.write([number])
        first = reader.read_next()
        assert first is not None
        assert (first.seq, first.missed, first.array.tolist()) == (1, 0, [0])
        assert numbers(reader) == [1, 2]
        for number in range(20):
            writer.write([number])
        sample = reader.read_next()
        assert sample is not None
        assert sample.seq <= 20
        assert sample.missed == sample.seq - 4
        assert numbers(reader)[-3:] == [17, 18, 19]
        # The latest passes over the others.
        writer.write([20])
        writer.write([21])
        sample = reader.read()
        assert sample is not None
        assert sample.array.tolist() == [21]
        assert reader.read_next() is None


@pytest.mark.parametrize("read_only", [False, True])
def test_where_a_reader_begins(name: str, read_only: bool) -> None:
    with nd.Writer(name, history=4) as writer:
        for number in range(4):
            writer.write([number])
        with nd.Reader(name, read_only=read_only) as reader:
            assert numbers(reader) == [3]
        with nd.Reader(name, read_only=read_only, from_oldest=True) as reader:
            assert numbers(reader) == [0, 1, 2, 3]


def test_a_sleeping_reader_gets_all(name: str) -> None:
    with nd.Writer(name, history=8) as writer, nd.Reader(name) as reader:
        assert reader.wait_next(0.01) is None
        timer = threading.Timer(0.1, lambda: [writer.write([number]) for number in range(5)])
        timer.start()
        found: list[int] = []
        while len(found) < 5:
            sample = reader.wait_next(60)
            assert sample is not None
            found.append(int(sample.array[0]))
        timer.join()
        assert found == list(range(5))
        writer.close()
        with pytest.raises(nd.Closed):
            reader.wait_next(60)


def test_a_task_gets_all(name: str) -> None:
    with nd.Writer(name, history=8) as writer, nd.Reader(name) as reader:

        async def main() -> None:
            assert await reader.wait_next_async(0) is None
            waiting = asyncio.create_task(reader.wait_next_async())
            await asyncio.sleep(0)
            for number in range(5):
                writer.write([number])
            samples = [await waiting, *[await reader.wait_next_async(60) for _ in range(4)]]
            assert [int(sample.array[0]) for sample in samples if sample is not None] == list(range(5))
            writer.close()
            with pytest.raises(nd.Closed):
                await reader.wait_next_async(60)

        asyncio.run(main())


def test_both_ends_say_how_far_they_are(name: str) -> None:
    with nd.Writer(name, history=4) as writer:
        assert (writer.seq, writer.reader_count) == (0, 0)
        with nd.Reader(name) as reader, nd.Reader(name, read_only=True):
            assert (reader.seq, writer.reader_count) == (None, 1)
            for number in range(3):
                writer.write([number])
            assert (writer.seq, reader.seq) == (3, None)
            reader.read_next()
            assert reader.seq == 1
            reader.read()
            assert (writer.seq, reader.seq) == (3, 3)
        assert writer.reader_count == 0
        with pytest.raises(ValueError, match="closed"):
            _ = reader.seq
    with pytest.raises(ValueError, match="closed"):
        _ = writer.seq


@pytest.mark.parametrize("how", ["for", "async for"])
@pytest.mark.parametrize("options", [{"from_oldest": True}, {"lossless": True}], ids=["from_oldest", "lossless"])
def test_iteration_goes_in_order_to_the_end(name: str, how: str, options: Any) -> None:
    with nd.Writer(name, history=8, wait_for_readers=60) as writer:
        reader = nd.Reader(name, **options)
        for number in range(6):
            writer.write([number])
        writer.close()
        seen: list[int] = []
        if how == "for":
            seen += [int(sample.array[0]) for sample in reader]
        else:

            async def main() -> None:
                async for sample in reader:
                    seen.append(int(sample.array[0]))

            asyncio.run(asyncio.wait_for(main(), 60))
        assert seen == list(range(6))


def test_iteration_without_them_takes_the_latest(name: str) -> None:
    with nd.Writer(name, history=8) as writer, nd.Reader(name) as reader:
        for number in range(6):
            writer.write([number])
        writer.close()
        assert [int(sample.array[0]) for sample in reader] == [5]


def test_lossless_takes_consent(name: str) -> None:
    with nd.Writer(name) as writer:
        with pytest.raises(nd.LosslessRefused) as caught:
            nd.Reader(name, lossless=True)
        assert caught.value.name == name
        with pytest.raises(nd.Unsupported):
            nd.Reader(name, lossless=True, read_only=True)
        writer.write([1])
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="wait_for_readers"):
            nd.Writer(name, wait_for_readers=wrong)
    with pytest.raises(nd.InvalidOption) as option:
        nd.Writer(name, max_slots=8, history=7)
    assert option.value.found == 7


WAYS: dict[str, Any] = {
    "write": lambda writer, number: writer.write([number]),
    "converted": lambda writer, number: writer.write(np.array([number, 0])[::-1][1:]),
    "loan": lambda writer, number: by_loan(writer, number),
}


def by_loan(writer: nd.Writer, number: int) -> None:
    with writer.loan(1, int) as array:
        array[0] = number


@pytest.mark.parametrize("way", WAYS)
def test_a_writer_waits_for_lossless_readers(name: str, way: str) -> None:
    write = WAYS[way]
    with (
        nd.Writer(name, max_slots=4, wait_for_readers=0.15) as writer,
        nd.Reader(name, lossless=True) as reader,
    ):
        for number in range(4):
            write(writer, number)
        started = time.monotonic()
        with pytest.raises(nd.ReadersBehind) as caught:
            write(writer, 4)
        assert isinstance(caught.value, TimeoutError)
        assert (caught.value.readers, caught.value.behind) == (1, 4)
        assert 0.15 <= caught.value.waited <= time.monotonic() - started
        # A value that is read while the writer waits makes room.
        timer = threading.Timer(0.02, reader.read_next)
        timer.start()
        deadline = time.monotonic() + 60
        while True:
            try:
                write(writer, 5)
                break
            except nd.ReadersBehind:
                assert time.monotonic() < deadline
        timer.join()
        assert numbers(reader) == [1, 2, 3, 5]


@pytest.mark.usefixtures("ctrl_c")
def test_waiting_for_readers_answers_signals_and_lets_threads_run(name: str) -> None:
    with nd.Writer(name, max_slots=4, wait_for_readers=float("inf")) as writer, nd.Reader(name, lossless=True):
        for number in range(4):
            writer.write([number])
        ran = threading.Event()

        def interrupt() -> None:
            ran.set()
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.2, interrupt)
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            writer.write([4])
        assert ran.is_set()
        timer.join()


STOPPED = """
import sys, time
import ndsharray_rs as nd
reader = nd.Reader(sys.argv[1], lossless=True)
print("ready", flush=True)
time.sleep(1000)
"""


def test_a_killed_reader_is_not_waited_for(name: str) -> None:
    with nd.Writer(name, max_slots=4, wait_for_readers=600) as writer:
        with subprocess.Popen([sys.executable, "-c", STOPPED, name], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.kill()
        started = time.monotonic()
        for number in range(20):
            writer.write([number])
        assert time.monotonic() - started < 300


def test_closing_the_writer_ends_another_threads_wait_for_readers(name: str) -> None:
    with nd.Writer(name, max_slots=4, wait_for_readers=600) as writer, nd.Reader(name, lossless=True):
        for number in range(4):
            writer.write([number])
        ended: list[BaseException] = []

        def write() -> None:
            try:
                writer.write([4])
            except ValueError as error:
                ended.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.05)
        writer.close()
        thread.join(60)
        assert "closed" in str(ended[0])


def recorded(reader: nd.Reader, ready: Any) -> None:
    ready.set()
    values = [int(sample.array[0]) for sample in reader]
    os._exit(0 if values == list(range(200)) else 1)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_recorder_in_another_process_misses_nothing(name: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with nd.Writer(name, max_slots=8, wait_for_readers=60) as writer:
        reader = nd.Reader(name, lossless=True)
        ready = context.Event()
        process = context.Process(target=recorded, args=(reader, ready))
        process.start()
        assert ready.wait(60)
        # The child's own reader may still be about to open; this one goes when that is there.
        deadline = time.monotonic() + 60
        while sum(party.alive is True for party in nd.info(name).readers) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        reader.close()
        for number in range(200):
            writer.write([number])
        writer.close()
        process.join(60)
        assert process.exitcode == 0


def test_a_pickled_reader_keeps_its_terms(name: str) -> None:
    with nd.Writer(name, history=4, wait_for_readers=60) as writer:
        for number in range(3):
            writer.write([number])
        with nd.Reader(name, from_oldest=True) as reader, pickle.loads(pickle.dumps(reader)) as other:
            assert numbers(other) == [0, 1, 2]
        with nd.Reader(name, lossless=True) as reader, pickle.loads(pickle.dumps(reader)) as other:
            assert other._in_order


def test_samples_in_order_keep_their_values(name: str) -> None:
    with nd.Writer(name, history=3, max_slots=6) as writer, nd.Reader(name) as reader:
        writer.write(np.full(1000, 1))
        writer.write(np.full(1000, 2))
        first = reader.read_next()
        assert first is not None
        for number in range(30):
            writer.write(np.full(1000, number))
        assert set(first.array.tolist()) == {1}
        del first
        gc.collect()
