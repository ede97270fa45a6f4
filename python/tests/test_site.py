"""The documentation: its code runs, and it builds."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import stubs
from strict import STRICT

PYTHON = Path(__file__).parent.parent
PAGES = sorted(path.name for path in (PYTHON / "docs").glob("*.md"))


def test_there_are_pages() -> None:
    assert {"index.md", "cookbook.md", "coming-from.md"} <= set(PAGES)


# How many pieces of code each page has at least. The others have figures and words.
PIECES = {"index.md": 6, "cookbook.md": 4, "coming-from.md": 70}


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page(page: str, directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, *STRICT, str(PYTHON / "tests" / "pages.py"), str(PYTHON / "docs" / page)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) >= PIECES.get(page, 0)


def test_the_recipes_are_all_in_the_cookbook() -> None:
    cookbook = (PYTHON / "docs" / "cookbook.md").read_text()
    for path in (PYTHON / "tests" / "recipes").glob("*.py"):
        for section in re.findall(r"# --8<-- \[start:(.*)\]", path.read_text()):
            assert f'--8<-- "tests/recipes/{path.name}:{section}"' in cookbook


def test_the_stubs_have_the_docs() -> None:
    tree = ast.parse(stubs.STUBS.read_text())
    documented = 0
    for node, thing in stubs.nodes(tree.body, importlib.import_module("ndsharray_rs._native")):
        expected = inspect.cleandoc(thing.__doc__) if thing.__doc__ else None
        found = ast.get_docstring(node)
        assert found == expected, f"{node.name}: run `python tests/stubs.py` after a change of the docs"
        documented += found is not None
        assert found or node.name.startswith("_"), f"{node.name} has no docs"
    assert documented > 80


def test_the_site(tmp_path: Path) -> None:
    if not os.environ.get("NDSHARRAY_REQUIRE_SITE") and importlib.util.find_spec("mkdocstrings") is None:
        pytest.skip("mkdocs and mkdocstrings are not installed")
    # In a namespace without a network, where that is allowed.
    offline = ["unshare", "--map-root-user", "--net"]
    alone = subprocess.run([*offline, "true"], capture_output=True, check=False).returncode == 0
    done = subprocess.run(
        [*(offline if alone else []), sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=PYTHON,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    channels = (tmp_path / "api" / "channels.html").read_text()
    for name in ("Writer", "Loan", "Reader", "Sample", "Writer.write", "Reader.wait_next", "Sample.array"):
        assert f'id="ndsharray_rs.{name}"' in channels, name
    arrays = (tmp_path / "api" / "arrays.html").read_text()
    assert 'id="ndsharray_rs.SharedArray.compare_exchange"' in arrays
    assert "ReadersBehind" in (tmp_path / "api" / "errors.html").read_text()
    assert (tmp_path / "speed.png").read_bytes() == (PYTHON / "bench" / "speed.png").read_bytes()
    # Nothing is loaded from elsewhere.
    loads = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="(?:https?:)?//|<link[^>]*rel="stylesheet"[^>]*href="https?:')
    for page in tmp_path.rglob("*.html"):
        assert not loads.search(page.read_text()), page


def test_the_addresses() -> None:
    manifest = (PYTHON.parent / "Cargo.toml").read_text()
    home = re.search(r'^repository = "(.*)"$', manifest, re.MULTILINE)
    assert home
    _, _, rest = (PYTHON / "pyproject.toml").read_text().partition("[project.urls]\n")
    urls = dict(re.findall(r'^(\w+) = "(.*)"$', rest.partition("\n\n")[0], re.MULTILINE))
    assert urls["Source"] == home[1]
    for name, url in urls.items():
        assert url.startswith(home[1]), name
        _, _, path = url.partition("/blob/main/")
        assert not path or (PYTHON.parent / path).is_file(), name
