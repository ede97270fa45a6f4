"""The packages' own tests and documented examples, unchanged, against the drop-ins."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from upstream import NDSHARRAY, SHARED_NDARRAY2, Package, examples, fetch, run, stand_in

SAME_MODULE = "import sys\nimport ndsharray_rs.compat\nsys.modules[__name__] = ndsharray_rs.compat\n"
"""A module of the drop-ins under another name."""

OTHER_WIRE = """
from ndsharray_rs import compat
from ndsharray_rs.compat import supported_types

class NdShArray(compat.NdShArray):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, wire="ndsharray", **keywords)
"""

ASSUMED = """
import numpy as np, numpy.typing as npt
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import SharedMemory
from shared_ndarray2 import SharedNDArray
"""
"""Imports that the shorter examples of shared-ndarray2 leave out."""


@pytest.fixture
def cache(request: pytest.FixtureRequest) -> Path:
    assert request.config.cache is not None
    return request.config.cache.mkdir("upstream")


def readme(package: Package, cache: Path) -> list[str]:
    found = examples((fetch(package, cache) / "README.md").read_text())
    assert len(found) >= 2
    return found


@pytest.mark.parametrize("source", [SAME_MODULE, OTHER_WIRE], ids=["native", "ndsharray"])
def test_the_unit_test_of_ndsharray(cache: Path, tmp_path: Path, source: str) -> None:
    environment = stand_in(tmp_path / "stand-in", "ndsharray", source)
    [test] = (fetch(NDSHARRAY, cache) / "tests").glob("test_*.py")
    done = run([str(test), "-v"], environment)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Ran [1-9]\d* tests? in .*\n\nOK$", done.stderr, re.MULTILINE), done.stderr
    # The test's second process only logs its failures.
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Testing size") == 4 * 14


@pytest.mark.parametrize("source", [SAME_MODULE, OTHER_WIRE], ids=["native", "ndsharray"])
@pytest.mark.parametrize("stays", [True, False], ids=["two consoles", "one after the other"])
def test_the_examples_of_ndsharray(cache: Path, tmp_path: Path, source: str, stays: bool) -> None:
    environment = stand_in(tmp_path / "stand-in", "ndsharray", source)
    writing, reading = readme(NDSHARRAY, cache)
    command = [sys.executable, *(["-i"] if stays else []), "-c", writing]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        written = ""
        while "]]" not in written:
            line = writer.stdout.readline()
            assert line, "the writing example has ended too soon"
            written += line
        if not stays:
            assert writer.wait(20) == 0
        read = run(reading, environment)
        writer.stdin.close()
        assert writer.wait(20) == 0
    assert read.returncode == 0, read.stderr
    assert read.stdout == written


@pytest.mark.parametrize("number", range(5))
def test_the_examples_of_shared_ndarray2(cache: Path, tmp_path: Path, number: int) -> None:
    """Each ends as with the package itself: two are no complete programs, and fail with both."""
    found = readme(SHARED_NDARRAY2, cache)
    assert len(found) == 5
    code = found[0] if number == 0 else ASSUMED + found[number]
    environment = stand_in(tmp_path / "stand-in", "shared_ndarray2", SAME_MODULE)
    ours = run(code, environment)
    theirs = run(code, {key: value for key, value in environment.items() if key != "PYTHONPATH"})
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), ours.stderr
    if theirs.returncode != 0:
        assert ours.stderr.splitlines()[-1] == theirs.stderr.splitlines()[-1]


DOCTEST = """
import doctest, sys, numpy, shared_ndarray2
if numpy.lib.NumpyVersion(numpy.__version__) >= "2.0.0":
    numpy.set_printoptions(legacy="1.25")  # which it was written for: scalars are shown as numbers
text = open(sys.argv[1]).read()
globs = {}
test = doctest.DocTestParser().get_doctest(text, globs, "SharedNDArray", None, 0)
assert len(test.examples) > 15
runner = doctest.DocTestRunner()
print(shared_ndarray2.SharedNDArray.__module__)
sys.exit(runner.run(test).failed)
"""


def test_the_documented_session_of_shared_ndarray2(cache: Path, tmp_path: Path) -> None:
    source = fetch(SHARED_NDARRAY2, cache) / "src" / "shared_ndarray2" / "shared_ndarray.py"
    match = re.search(r'^class SharedNDArray.*?"""(.*?)"""', source.read_text(), re.DOTALL | re.MULTILINE)
    assert match is not None
    session = tmp_path / "session.txt"
    session.write_text(match.group(1))
    done = run(["-c", DOCTEST, str(session)], stand_in(tmp_path / "stand-in", "shared_ndarray2", SAME_MODULE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ndsharray_rs.compat")
