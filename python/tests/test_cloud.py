"""The example `cloud` and its twin in Rust: structs and structured arrays, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_peers import rust_peer

__all__ = ["rust_peer"]

CLOUD = Path(__file__).parent.parent / "examples" / "cloud.py"
PYTHON = [sys.executable, str(CLOUD)]


@contextmanager
def running(*command: str) -> Iterator[None]:
    """A program without an end of its own."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def checked(*command: str) -> str:
    """The last line of a reader that has found nothing wrong."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def test_from_rust_through_python_to_rust(rust_peer: str) -> None:
    rust = [rust_peer, "cloud"]
    with running(*rust, "write", "cloud", "2"), running(*PYTHON, "relay", "cloud", "relayed"):
        assert checked(*rust, "read", "relayed", "5").startswith("5 clouds, ")
        assert checked(*PYTHON, "read", "relayed", "2").startswith("2 clouds of 6000 points")
        assert checked(*PYTHON, "read", "cloud", "2").startswith("2 clouds of 6000 points")


def test_from_python_to_rust(rust_peer: str) -> None:
    with running(*PYTHON, "write", "cloud", "1"):
        assert checked(rust_peer, "cloud", "read", "cloud", "3").startswith("3 clouds, ")


@pytest.mark.parametrize("arguments", [(), ("look",), ("relay", "cloud")])
def test_its_usage(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([*PYTHON, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "python cloud.py write" in done.stderr
