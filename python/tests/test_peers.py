"""Rust and Python on one channel, in processes of their own, in all combinations."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Literal

import numpy as np
import pytest
from channel_peer import NUMBERS, check

import ndsharray_rs as nd

Language = Literal["rust", "python"]
BOTH: tuple[Language, Language] = ("rust", "python")
HERE = Path(__file__).parent
Start = Callable[..., "Peer"]


class Peer:
    """A process that is one end of a channel."""

    def __init__(self, program: list[str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.words: Queue[str] = Queue()
        self.complaints = ""
        self.threads = [threading.Thread(target=self.listen), threading.Thread(target=self.take_complaints)]
        for thread in self.threads:
            thread.start()

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.words.put(line.strip())
        self.words.put("(end)")

    def take_complaints(self) -> None:
        assert self.process.stderr is not None
        self.complaints = self.process.stderr.read()

    def expect(self, word: str) -> str:
        """Waits for a word that starts so."""
        try:
            found = self.words.get(timeout=60)
        except Empty:
            found = "(nothing)"
        if not found.startswith(word):
            self.kill()
            pytest.fail(f"expected {word!r}, heard {found!r}: {self.complaints}")
        return found

    def expect_word(self, word: str) -> None:
        """Waits for a word, and skips reports of being idle."""
        while (found := self.expect("")) != word:
            assert found.startswith("idle"), f"expected {word!r}, heard {found!r}: {self.complaints}"

    def expect_idle(self, seq: int) -> None:
        """Waits until a reader has reached this value."""
        while self.expect("idle") != f"idle {seq}":
            pass

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Ends the process without a warning."""
        self.process.kill()
        self.end()

    def end(self) -> int:
        code = self.process.wait(60)
        for thread in self.threads:
            thread.join(60)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code


@pytest.fixture(scope="session")
def rust_peer() -> str:
    """Builds the Rust end of this checkout; `NDSHARRAY_PEER` names one that is built already."""
    if built := os.environ.get("NDSHARRAY_PEER"):
        return built
    cargo = shutil.which("cargo")
    assert cargo is not None, "the Rust end of these tests is built by cargo"
    command = [cargo, "build", "--quiet", "--locked", "--package", "ndsharray-python-peer", "--message-format", "json"]
    built_now = subprocess.run(command, cwd=HERE.parent.parent, stdout=subprocess.PIPE, check=True, timeout=600)
    messages = [json.loads(line) for line in built_now.stdout.splitlines()]
    return next(str(m["executable"]) for m in reversed(messages) if m.get("executable"))


@pytest.fixture
def start(rust_peer: str) -> Iterator[Start]:
    peers: list[Peer] = []
    programs: dict[Language, list[str]] = {
        "rust": [rust_peer],
        "python": [sys.executable, str(HERE / "channel_peer.py")],
    }

    def start(language: Language, *arguments: str) -> Peer:
        peers.append(Peer(programs[language], *arguments))
        return peers[-1]

    yield start
    for peer in peers:
        if peer.process.poll() is None:
            peer.kill()
        else:
            peer.end()


@pytest.mark.parametrize("language", BOTH)
def test_every_dtype_and_shape(name: str, start: Start, language: Language) -> None:
    """Value by value: every combination arrives at either end."""
    writer = start(language, "write", name, f"--count={NUMBERS}", "--step")
    writer.expect("open")
    readers = [start(reader, "read", name, "--tell") for reader in BOTH]
    for reader in readers:
        reader.expect("open")
    writer.go_on()
    writer.expect("first")
    for number in range(1, NUMBERS + 1):
        for reader in readers:
            reader.expect_word(f"saw {number}")
        writer.go_on()
    writer.expect("done")
    writer.go_on()
    for reader in readers:
        reader.expect_word(f"closed {NUMBERS} {NUMBERS}")
        assert reader.end() == 0, reader.complaints


def publish_all(writer: Peer, readers: list[Peer], count: int) -> None:
    """Has the writer publish all values and close the channel, and each reader see the last one."""
    writer.go_on()
    writer.expect("first")
    writer.expect("done")
    for reader in readers:
        reader.expect_idle(count)
    writer.go_on()


@pytest.mark.parametrize("language", BOTH)
def test_four_readers_mixed(name: str, start: Start, language: Language) -> None:
    """Every dtype, the shape changing each time, two readers of each language."""
    count = 6 * NUMBERS
    writer = start(language, "write", name, f"--count={count}", "--pause=300")
    writer.expect("open")
    readers = [start(reader, "read", name) for reader in BOTH * 2]
    for reader in readers:
        reader.expect("open")
    publish_all(writer, readers, count)
    for reader in readers:
        _, seen, last = reader.expect("closed").split()
        assert int(last) == count
        assert int(seen) > 0
        assert reader.end() == 0, reader.complaints
    assert writer.end() == 0, writer.complaints


@pytest.mark.parametrize("language", BOTH)
def test_a_flood(name: str, start: Start, language: Language) -> None:
    """A writer that never pauses."""
    count = 100_000 if language == "rust" else 20_000
    writer = start(language, "write", name, f"--count={count}")
    writer.expect("open")
    readers = [start(reader, "read", name) for reader in BOTH]
    for reader in readers:
        reader.expect("open")
    publish_all(writer, readers, count)
    for reader in readers:
        reader.expect("closed")
        assert reader.end() == 0, reader.complaints


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("successor", BOTH)
def test_a_killed_writer_has_a_successor(name: str, start: Start, language: Language, successor: Language) -> None:
    writer = start(language, "write", name, "--count=0")
    writer.expect("open")
    readers = [start(reader, "read", name) for reader in BOTH]
    own = nd.Reader(name)
    for reader in readers:
        reader.expect("open")
    writer.go_on()
    writer.expect("first")
    sample = own.wait(30)
    assert sample is not None
    writer.kill()
    assert not own.is_writer_alive
    # Its last value is still current.
    last = own.latest()
    assert last is not None
    check(last)
    check(sample)
    assert own.writer_epoch == 1
    with nd.Reader(name) as late:
        found = late.read()
        assert found is not None
        assert found.seq == last.seq
    other = start(successor, "write", name, f"--count={NUMBERS}", "--pause=100")
    other.expect("open")
    assert own.writer_epoch == 2
    other.go_on()
    other.expect("first")
    after = own.wait(30)
    assert after is not None
    assert after.seq > last.seq
    check(after)
    other.expect("done")
    for reader in readers:
        reader.expect_idle(last.seq + NUMBERS)
    other.go_on()
    for reader in readers:
        _, _, seen = reader.expect("closed").split()
        assert int(seen) == last.seq + NUMBERS
        assert reader.end() == 0, reader.complaints
    own.close()


@pytest.mark.parametrize("language", BOTH)
def test_a_killed_reader_gives_its_slot_back(name: str, start: Start, language: Language) -> None:
    with nd.Writer(name, max_slots=2) as writer:
        writer.write(np.full((4, 6), 3, np.int32))
        reader = start(language, "read", name, "--hold")
        reader.expect("open")
        reader.expect("holding")
        writer.write(np.zeros(1))
        with pytest.raises(nd.AllSlotsPinned):
            writer.write(np.zeros(1))
        reader.kill()
        assert reader.process.returncode == -signal.SIGKILL
        assert writer.write(np.zeros(1)) == 3


@pytest.mark.parametrize("language", BOTH)
def test_what_a_killed_writer_was_filling_is_not_seen(name: str, start: Start, language: Language) -> None:
    program = f"""
import ndsharray_rs as nd, os, signal
writer = nd.Writer({name!r})
writer.write([1.0, 2.0])
with writer.loan(2) as array:
    array[...] = 9
    os.kill(os.getpid(), signal.SIGKILL)
"""
    child = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert child.returncode == -signal.SIGKILL
    with nd.Reader(name) as reader:
        sample = reader.read()
        assert sample is not None
        assert sample.array.tolist() == [1, 2]
        successor = start(language, "write", name, "--count=1")
        successor.expect("open")
        successor.go_on()
        successor.expect("first")
        sample = reader.wait(30)
        assert sample is not None
        assert sample.seq == 2
        check(sample)
        successor.expect("done")
        successor.go_on()
        assert successor.end() == 0
