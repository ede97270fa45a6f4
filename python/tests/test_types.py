"""The types are true, and the examples do what they show."""

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
        [sys.executable, "-m", *command],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_typed() -> None:
    pytest.importorskip("mypy")
    run("mypy", "--strict", "package/ndsharray_rs", "tests")


def test_the_stubs_are_those_of_the_package() -> None:
    pytest.importorskip("mypy")
    run(
        *("mypy.stubtest", "ndsharray_rs", "--mypy-config-file", "pyproject.toml"),
        *("--allowlist", "tests/stubtest-allowlist.txt", "--ignore-unused-allowlist"),
    )


def documented() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("ndsharray_rs", nd)]
    native = importlib.import_module("ndsharray_rs._native")
    for name in [*nd.__all__, "list", "info", "gc"]:
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


@pytest.mark.parametrize("file", ["README.md", "PYPI.md"])
def test_the_readmes(file: str) -> None:
    # The examples of the drop-ins have tests of their own.
    own, _, _ = (HERE.parent / file).read_text().partition("import ndsharray_rs.compat")
    blocks = re.findall(r"```python\n(.*?)```", own, re.DOTALL)
    assert blocks
    namespace: dict[str, Any] = {"np": np}
    for block in blocks:
        exec(compile(block, file, "exec"), namespace)


def test_the_links_of_the_readmes() -> None:
    link = re.compile(r"\]\(([^)]*)\)")
    for target in link.findall((HERE.parent / "README.md").read_text()):
        path, _, heading = target.partition("#")
        text = (HERE.parent / path if path else HERE.parent / "README.md").resolve()
        assert text.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", text.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, target
    # On PyPI no other file lies beside it.
    assert [target for target in link.findall((HERE.parent / "PYPI.md").read_text()) if "://" not in target] == []


def test_the_sources_are_not_imported_by_accident() -> None:
    for place in (HERE.parent, HERE):
        found = subprocess.run(
            [sys.executable, "-c", "import ndsharray_rs; print(ndsharray_rs.Writer)"],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert found.returncode == 0, found.stderr
    assert not (HERE.parent / "ndsharray_rs").exists()
