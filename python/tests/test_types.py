"""The types say what is true, and the examples do what they show."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd

HERE = Path(__file__).parent


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", *command],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_typed() -> None:
    run("mypy", "--strict", "package/ndsharray_rs", "tests")


def test_the_stubs_are_those_of_the_package() -> None:
    run(
        *("mypy.stubtest", "ndsharray_rs", "--mypy-config-file", "pyproject.toml"),
        *("--allowlist", "tests/stubtest-allowlist.txt", "--ignore-unused-allowlist"),
    )


def documented() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("ndsharray_rs", nd)]
    native = importlib.import_module("ndsharray_rs._native")
    for name in nd.__all__:
        thing = getattr(nd, name)
        found.append((name, thing))
        if inspect.isclass(thing) and thing.__module__ in ("ndsharray_rs", native.__name__):
            members = inspect.getmembers(thing)
            found += [(f"{name}.{member}", value) for member, value in members if not member.startswith("_")]
    return found


@pytest.mark.parametrize(("name", "thing"), documented(), ids=lambda value: value if isinstance(value, str) else "")
def test_docstrings(name: str, thing: Any) -> None:
    assert thing.__doc__, f"{name} has no docstring"
    tests = doctest.DocTestParser().get_doctest(thing.__doc__, {}, name, None, None)
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(tests)
    assert results.failed == 0
    if name in ("ndsharray_rs", "Writer", "Reader", "Sample", "SharedArray", "Writer.loan"):
        assert results.attempted > 0


def test_the_readme() -> None:
    # The examples of the drop-ins have tests of their own.
    own, _, _ = (HERE.parent / "README.md").read_text().partition("import ndsharray_rs.compat")
    blocks = re.findall(r"```python\n(.*?)```", own, re.DOTALL)
    assert blocks
    namespace: dict[str, Any] = {"np": np}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
