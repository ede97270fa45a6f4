from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ndsharray_rs as nd

_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """Returns a name of the test's own."""
    return f"pytest-{os.getpid()}-{next(_numbers)}"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts channels into a directory of the test's own, also those of its child processes."""
    monkeypatch.setenv("NDSHARRAY_DIR", str(tmp_path))
    # Child processes import the installed package, from Python 3.11 on whatever folder they run in.
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    return tmp_path


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Has SIGINT raise KeyboardInterrupt: processes started in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def writer(name: str) -> Iterator[nd.Writer]:
    with nd.Writer(name) as writer:
        yield writer


@pytest.fixture
def reader(writer: nd.Writer) -> Iterator[nd.Reader]:
    with nd.Reader(writer.name) as reader:
        yield reader


@pytest.fixture
def in_this_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has child processes find the functions of the recipes."""
    folder = str(Path(__file__).parent / "recipes")
    monkeypatch.syspath_prepend(folder)
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    assert folder in sys.path
