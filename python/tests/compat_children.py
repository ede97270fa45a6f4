"""Child processes of the compat tests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PEER = Path(__file__).with_name("compat_peer.py")


class Peer:
    """The process of `compat_peer.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the peer has ended"
        return line.strip()

    def ask(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._line()

    def write(self, dtype: str, shape: tuple[int, ...], seed: int) -> None:
        axes = "x".join(map(str, shape)) + "x"
        assert self.ask(f"write {dtype} {axes} {seed}") == "written"

    def read(self) -> tuple[bool, str]:
        status, digest = self.ask("read").split()
        return status == "True", digest

    def read_new(self, seconds: float = 10.0) -> str:
        """Reads until there is a new array, as programs with ndsharray do."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status, digest = self.read()
            if status:
                return digest
            time.sleep(0.001)
        raise AssertionError("nothing new arrived")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def peer(module: str, access: str, name: str, **keywords: str) -> Iterator[Peer]:
    """An `NdShArray` of `module` in a process of its own."""
    command = [sys.executable, str(PEER), module, access, name, *(f"{key}={value}" for key, value in keywords.items())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield Peer(process)
        finally:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                # The process ends with its input.
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def until(what: object, seconds: float = 10.0) -> None:
    """Waits until `what()` holds."""
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)
