"""Channels of programs that end."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import ndsharray_rs as nd


def start(program: str, tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program that prints a line once it has written."""
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(file), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def follow(name: str, process: subprocess.Popen[str]) -> list[int]:
    """Returns all that a consumer sees until the producer's end. The loop must end by itself."""
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        with nd.Reader(name) as reader:
            seen = [reader.latest().seq]  # type: ignore[union-attr]
            process.stdin.close()
            while True:
                try:
                    sample = reader.wait(60)
                except nd.Closed:
                    break
                assert sample is not None, "the channel was not closed"
                seen.append(sample.seq)
        assert process.wait(60) == 0
    return seen


def test_with_daemon_threads(name: str, tmp_path: Path) -> None:
    """Threads that sleep without an end, and that use the writer when the program ends."""
    program = """
        import sys, threading, time
        import numpy as np
        import ndsharray_rs as nd

        writer = nd.Writer(sys.argv[1])
        kept = [writer]

        def write():
            frame = np.zeros(1 << 21, np.uint8)
            try:
                while True:
                    kept[0].write(frame)
            except ValueError:
                # Closed. Nothing else ends this thread.
                time.sleep(1000)

        for act in (lambda: time.sleep(1000), write):
            threading.Thread(target=act, daemon=True).start()
        writer.write([1.0])
        print("written", flush=True)
        sys.stdin.read()
    """
    assert follow(name, start(program, tmp_path, name))


@pytest.mark.parametrize("kind", ["global", "attribute", "thread"])
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_in_a_worker(name: str, tmp_path: Path, method: str, kind: str) -> None:
    program = """
        import multiprocessing, os, sys, threading, time
        import ndsharray_rs as nd

        name, method, kind = sys.argv[1:]
        kept = []

        def write(done):
            writer = nd.Writer(name)
            kept.append(writer)
            writer.write([1.0])
            done.put(None)
            return writer

        def write_in_a_thread(done):
            writer = write(done)

            def write_on():
                # The worker waits for this thread, and so does the channel's end.
                time.sleep(0.5)
                try:
                    writer.write([2.0])
                except ValueError:
                    os._exit(3)

            threading.Thread(target=write_on).start()

        class Worker:
            def run(self, done):
                self.writer = write(done)
                # In a cycle, so that no reference count takes it away.
                self.own = self

        if __name__ == "__main__":
            context = multiprocessing.get_context(method)
            acts = {"global": write, "attribute": Worker().run, "thread": write_in_a_thread}
            if kind == "attribute":
                # As a process keeps its target only until that has returned.
                acts[kind].__self__.kept = kept
            go_on, done = context.Event(), context.Queue()
            process = context.Process(target=run_and_stay, args=(acts[kind], done, go_on))
            process.start()
            done.get(timeout=60)
            print("written", flush=True)
            sys.stdin.read()
            go_on.set()
            process.join(60)
            assert process.exitcode == 0, process.exitcode
    """
    stay = """
        def run_and_stay(act, done, go_on):
            act(done)
            assert go_on.wait(60)

        if __name__"""
    assert follow(name, start(program.replace("\n        if __name__", stay, 1), tmp_path, name, method, kind))


def test_a_forked_child_leaves_its_parents_channel(name: str, tmp_path: Path) -> None:
    program = """
        import os, sys
        import ndsharray_rs as nd

        writer = nd.Writer(sys.argv[1])
        writer.write([1.0])
        child = os.fork()
        if child == 0:
            # Through `atexit`, which the child has inherited.
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert writer.write([2.0]) == 2
        print("written", flush=True)
        sys.stdin.read()
    """
    assert follow(name, start(program, tmp_path, name)) == [2]


@pytest.mark.parametrize("worker", [False, True])
def test_the_documented_way_to_end_at_sigterm(name: str, tmp_path: Path, worker: bool) -> None:
    program = """
        import multiprocessing, os, signal, sys, threading
        import ndsharray_rs as nd

        def main(name):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            global writer
            writer = nd.Writer(name)
            writer.write([1.0])
            print("written", os.getpid(), flush=True)
            threading.Event().wait(60)

        if __name__ == "__main__":
            if sys.argv[2] == "True":
                process = multiprocessing.get_context("fork").Process(target=main, args=(sys.argv[1],))
                process.start()
                process.join(60)
                sys.exit(process.exitcode)
            main(sys.argv[1])
    """
    with start(program, tmp_path, name, str(worker)) as process:
        assert process.stdout is not None
        word, pid = process.stdout.readline().split()
        assert word == "written"
        with nd.Reader(name) as reader:
            assert reader.latest() is not None
            subprocess.run(["kill", f"-{int(signal.SIGTERM)}", pid], check=True)
            with pytest.raises(nd.Closed):
                reader.wait(60)
        assert process.wait(60) == 0


def read_one(reader: nd.Reader, began: Any, ended: Any) -> None:
    sample = reader.wait(60)
    assert sample is not None
    began.set()
    assert ended.wait(60)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_worker_that_has_not_read_to_the_end_leaves_nothing(name: str, directory: Path, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    began, ended = context.Event(), context.Event()
    writer, reader = nd.Writer(name), nd.Reader(name, dir=directory)
    writer.write([1])
    worker = context.Process(target=read_one, args=(reader, began, ended))
    worker.start()
    reader.close()
    assert began.wait(60)
    writer.write([2])
    writer.close()
    assert any(file.name.startswith(name) for file in directory.iterdir()), "the worker may still read it"
    ended.set()
    worker.join(60)
    assert worker.exitcode == 0
    assert list(directory.iterdir()) == []


def test_a_reader_that_has_not_read_to_the_end_leaves_nothing(name: str, directory: Path, tmp_path: Path) -> None:
    """A daemon thread that is alive keeps the interpreter from freeing objects."""
    program = """
        import sys, threading, time
        import ndsharray_rs as nd

        writer, reader = nd.Writer(sys.argv[1]), nd.Reader(sys.argv[1])
        kept = [reader]
        threading.Thread(target=lambda: [time.sleep(1000), kept], daemon=True).start()
        writer.write([1])
        writer.close()
        print("written", flush=True)
    """
    with start(program, tmp_path, name) as process:
        assert process.wait(60) == 0
    assert [file.name for file in directory.iterdir() if file.name.startswith(name)] == []


WAITING = """
    import asyncio, concurrent.futures, os, signal, sys, threading
    import ndsharray_rs as nd

    name, kind, end = sys.argv[1:]
    writer = nd.Writer(name)
    readers = [nd.Reader(name) for _ in range(4)]
    began = threading.Semaphore(0)

    def waits(wait):
        began.release()
        while True:
            wait()

    def ends():
        for _ in readers:
            began.acquire()
        writer.write([1.0])
        print("written", flush=True)
        sys.stdin.read()
        if end == "raise":
            # Not shown, as a test's output is for what went wrong.
            sys.excepthook = lambda *_: None
            raise RuntimeError
        if end == "exit":
            sys.exit(7)
        if end == "_exit":
            os._exit(7)
        if end == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait()

    async def loops(reader):
        began.release()
        async for sample in reader:
            pass

    async def main():
        tasks = [asyncio.ensure_future(loops(reader)) for reader in readers]
        await asyncio.sleep(0)
        ends()

    if kind == "asyncio":
        asyncio.run(main())
    elif kind == "unfinished loop":
        # Neither cancelled nor closed: the tasks are pending until the interpreter is gone.
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)
        loop.run_until_complete(main())
    else:
        waiting = [readers[0].wait, readers[1].wait_next, lambda: nd.wait_any([readers[2]]), lambda: next(readers[3])]
        for wait in waiting:
            threading.Thread(target=waits, args=(wait,), daemon=True).start()
        # A thread that is idle, and no daemon.
        executor = concurrent.futures.ThreadPoolExecutor()
        executor.submit(writer.write, [0.0]).result()
        ends()
"""


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        *(("threads", end) for end in ("return", "raise", "exit", "_exit", "SIGTERM")),
        *(("asyncio", end) for end in ("return", "exit", "SIGTERM")),
        *(("unfinished loop", end) for end in ("return", "raise")),
    ],
)
def test_whatever_waits_at_the_end(name: str, directory: Path, tmp_path: Path, kind: str, end: str) -> None:
    """In order it closes the channel. Otherwise the system does, and the next writer takes over."""
    expected = {"return": 0, "raise": 1, "exit": 7, "_exit": 7, "SIGTERM": -signal.SIGTERM}[end]
    with start(WAITING, tmp_path, name, kind, end) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        with nd.Reader(name, end_with_writer=True) as reader, nd.Reader(name) as patient:
            last = reader.latest()
            assert last is not None
            process.stdin.close()
            with pytest.raises(nd.Closed if expected in (0, 1) or end == "exit" else nd.WriterGone):
                reader.wait(60)
            assert process.wait(60) == expected
            assert not patient.is_writer_alive
            with nd.Writer(name) as successor:
                successor.write([2.0])
                sample = patient.wait(60)
                while sample is not None and sample.array[0] != 2:
                    sample = patient.wait(60)
                assert sample is not None
            del last, sample
    assert [file.name for file in directory.iterdir() if file.name.startswith(name)] == []


def test_an_executor_that_waits_keeps_the_program_alive(name: str, tmp_path: Path) -> None:
    """As every thread that is no daemon. Once it has ended, the program's own channel is closed."""
    program = """
        import concurrent.futures, sys
        import ndsharray_rs as nd

        writer, reader = nd.Writer(sys.argv[1]), nd.Reader(sys.argv[1] + "-in")

        def forward():
            print("written", flush=True)
            for sample in reader:
                writer.write(sample.array)

        writer.write([0.0])
        concurrent.futures.ThreadPoolExecutor().submit(forward)
    """
    with nd.Writer(name + "-in") as source, start(program, tmp_path, name) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        with nd.Reader(name) as reader:
            assert reader.latest() is not None
            for number in (1.0, 2.0):
                source.write([number])
                sample = reader.wait(60)
                assert sample is not None
                assert sample.array[0] == number
            source.close()
            with pytest.raises(nd.Closed):
                reader.wait(60)
        assert process.wait(60) == 0
