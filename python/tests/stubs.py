"""Copies the native module's docs into its stubs: `python tests/stubs.py`.

The docs stand in the Rust source, beside what they describe. Editors and the site read the stubs,
which need no compiled module. A test fails while the two differ.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Union

STUBS = Path(__file__).parent.parent / "package" / "ndsharray_rs" / "_native.pyi"

Documented = Union[ast.ClassDef, ast.FunctionDef]


def nodes(body: list[ast.stmt], owner: Any) -> Iterator[tuple[Documented, Any]]:
    """Yields the stubs' classes and functions, each with what it describes."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            thing = getattr(owner, node.name)
            yield node, thing
            yield from nodes(node.body, thing)
        # Python itself describes the methods that operators and built-in functions call.
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
            yield node, getattr(owner, node.name)


def docstring(text: str, indent: str) -> str:
    """Writes a docstring as source."""
    lines = inspect.cleandoc(text).splitlines()
    if len(lines) > 1:
        lines += [""]
    quote = 'r"""' if "\\" in text else '"""'
    return "\n".join([indent + quote + lines[0], *(indent + line if line else "" for line in lines[1:-1])]) + (
        f"\n{indent}" * (len(lines) > 1) + '"""'
    )


def without_docs(source: str) -> str:
    """Takes all docstrings out of stubs."""
    lines = source.splitlines(keepends=True)
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    for node in sorted(found, key=lambda node: -node.lineno):
        if ast.get_docstring(node) is None:
            continue
        first = node.body[0]
        assert first.end_lineno is not None
        del lines[first.lineno - 1 : first.end_lineno]
        if len(node.body) == 1:
            lines[first.lineno - 2] = lines[first.lineno - 2].rstrip() + " ...\n"
    return "".join(lines)


def with_docs(source: str, module: ModuleType) -> str:
    """Gives stubs the docs that the module has."""
    lines = without_docs(source).splitlines()
    tree = ast.parse("\n".join(lines))
    for node, thing in sorted(nodes(tree.body, module), key=lambda pair: -pair[0].lineno):
        text = thing.__doc__
        if not text:
            continue
        indent = " " * (node.col_offset + 4)
        first = node.body[0]
        if isinstance(node, ast.FunctionDef):
            at = first.lineno - 1
            assert lines[at].endswith(": ..."), lines[at]
            lines[at] = lines[at][: -len(" ...")]
            lines.insert(at + 1, docstring(text, indent))
        else:
            # Decorators stand above the first line of a method.
            above = first.decorator_list[0].lineno if isinstance(first, ast.FunctionDef) and first.decorator_list else 0
            lines.insert((above or first.lineno) - 1, docstring(text, indent))
    return "\n".join(lines) + "\n"


def renewed() -> str:
    """Returns what the stubs should say."""
    return with_docs(STUBS.read_text(), importlib.import_module("ndsharray_rs._native"))


if __name__ == "__main__":
    STUBS.write_text(renewed())
