"""Checks an installed `ndsharray-rs`: what was packed, and that it works. Run by the environment's own Python."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import ndsharray_rs as nd
import numpy as np
from ndsharray_rs.compat import NdShArray

# Several times as large with debug information.
MOST_BYTES = 3_000_000

READER = """
import sys
import ndsharray_rs as nd
reader = nd.Reader(sys.argv[1], timeout=60.0, dir=sys.argv[2])
print(int(reader.wait(60).array.sum()))
with nd.SharedArray.open(sys.argv[1], dir=sys.argv[2]).write(60) as elements:
    elements += 1
"""


def check_files() -> None:
    """The wheel has licences, a bill of materials, a stripped library, types, and a description whose links work."""
    package = importlib.metadata.distribution("ndsharray-rs")
    installed = {str(file): Path(str(package.locate_file(file))) for file in package.files or []}
    licences = [path.read_text() for name, path in installed.items() if "/licenses/" in name]
    assert len(licences) == 2, installed
    assert any("Permission is hereby granted" in text for text in licences)
    assert any("Apache License" in text for text in licences)
    assert "ndsharray_rs/py.typed" in installed
    # What it is made of, as CycloneDX.
    assert any("/sboms/" in name and name.endswith(".cyclonedx.json") for name in installed), installed
    (native,) = (path for name, path in installed.items() if re.fullmatch(r"ndsharray_rs/_native\..*so", name))
    assert native.stat().st_size < MOST_BYTES, native.stat().st_size
    assert Path(nd.__file__).parent == native.parent
    assert Path(sys.prefix) in native.parents, native
    description = str(package.metadata.get_payload())
    assert "pip install ndsharray-rs" in description, "it is the text of another package"
    for link in re.findall(r"\]\(([^)]*)\)", description):
        assert link.startswith("https://"), link


def check_use(directory: str) -> None:
    """Two processes share a channel and an array."""
    with nd.Writer("check", dir=directory) as writer, nd.SharedArray.create("check", 3, int, dir=directory) as shared:
        writer.write(np.arange(10))
        child = subprocess.run(
            [sys.executable, "-c", READER, "check", directory],
            check=True,
            timeout=120,
            capture_output=True,
            text=True,
        )
        assert child.stdout == "45\n", child.stdout
        with shared.read(60) as elements:
            assert elements.tolist() == [1, 1, 1]
        shared.unlink()
    with NdShArray("old", r_w="w", dir=directory, persist=False) as sender:
        sender.write(np.ones(2))
        with NdShArray("old", r_w="r", dir=directory) as receiver:
            status, array = receiver.read()
        assert status
        assert array.tolist() == [1, 1]


check_files()
with tempfile.TemporaryDirectory() as place:
    check_use(place)
    left = [str(path) for path in Path(place).iterdir()]
assert left == [], left
