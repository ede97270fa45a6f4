"""Runs the code of a page of the documentation: `python pages.py PAGE`.

Blocks run one after the other, as one program. Where a page puts calls side by side, each cell of
its tables runs too, row by row: the left column in a program of its own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from multiprocessing.managers import SharedMemoryManager
from pathlib import Path
from typing import Any

# The page whose tables have old calls on the left, and new ones on the right.
SIDE_BY_SIDE = "coming-from.md"


def pieces(page: str) -> Iterator[tuple[str, str]]:
    """Yields the code of a page, in order: `"block"`, or `"old"` and `"new"` of a row."""
    block: list[str] | None = None
    rows = 0
    for line in page.splitlines():
        if line.startswith("```"):
            if block is not None and block[0] == "```python":
                yield "block", "\n".join(block[1:])
            block = [line] if block is None else None
        elif block is not None:
            block.append(line)
        elif line.startswith("|"):
            rows += 1
            # A head and a rule come first.
            if rows > 2:
                for kind, cell in zip(("old", "new"), line[1:-1].split("|")):
                    yield from ((kind, code) for code in re.findall(r"`([^`]*)`", cell))
        else:
            rows = 0


def run(path: Path) -> int:
    """Runs a page; returns how many pieces there were."""
    count = 0
    page: dict[str, Any] = {"__name__": "page", "name": "page"}
    # Blocks of shared memory lie in one directory for all programs.
    block = f"page-{os.getpid()}"
    with SharedMemoryManager() as manager:
        old: dict[str, Any] = {"__name__": "old", "manager": manager, "name": f"shm://{block}"}
        for kind, code in pieces(path.read_text()):
            if kind != "block" and path.name != SIDE_BY_SIDE:
                continue
            try:
                exec(compile(code, path.name, "exec"), old if kind == "old" else page)
            except BaseException:
                print(f"{path.name}, {kind}:\n{code}", file=sys.stderr)
                Path("/dev/shm", block).unlink(missing_ok=True)
                raise
            if kind == "block":
                for name, value in page.items():
                    old.setdefault(name, value)
            count += 1
    return count


if __name__ == "__main__":
    print(run(Path(sys.argv[1])))
