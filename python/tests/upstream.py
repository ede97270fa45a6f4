"""The packages that the drop-ins replace, as published: source distributions from PyPI."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

REQUIRED = "NDSHARRAY_REQUIRE_UPSTREAM"
"""Set where a test that cannot run counts as failed, as in CI."""


class Package(NamedTuple):
    """A source distribution."""

    name: str
    version: str
    sha256: str


NDSHARRAY = Package("ndsharray", "1.1.4", "9ce24a3e593dd1f9914ea8d9f44744cefae2e65da7e564dd93ec0f1a2d17d078")
SHARED_NDARRAY2 = Package(
    "shared-ndarray2", "2.0.3", "044b4481a2eacdd09186b1d9b1e986ca692606e02d53a357e6fb5eae7a33fd5a"
)

SHARED_ARRAY = Package("SharedArray", "3.2.4", "b8b8d189110c023b9de502f9396ff2591f660fb2c9637eb13fcaf233127e50be")


def fetch(package: Package, cache: Path) -> Path:
    """Returns the unpacked distribution, from `cache` if that has it.

    Without a network, skips the test with a reason, or fails where the test is required.
    """
    stem = f"{package.name.replace('-', '_')}-{package.version}"
    archive = cache / f"{stem}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", package.name, "--dest", str(cache), f"{package.name}=={package.version}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0 or not archive.exists():
            reason = f"{package.name} {package.version} could not be fetched from PyPI: {done.stderr.strip()[-500:]}"
            if os.environ.get(REQUIRED):
                pytest.fail(reason)
            pytest.skip(reason)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == package.sha256, f"{archive} is not what was published"
    with tarfile.open(archive) as tar:
        tar.extractall(cache, filter="data")
    return cache / stem


def examples(text: str) -> list[str]:
    """Returns the Python examples in a Markdown text."""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def stand_in(directory: Path, module: str, source: str) -> dict[str, str]:
    """Makes an environment in which `import module` gets `source`, in child processes too."""
    directory.mkdir(exist_ok=True)
    (directory / f"{module}.py").write_text(source)
    return {**os.environ, "PYTHONPATH": str(directory)}


def run(code: str | list[str], environment: dict[str, str], seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a script, or Python with arguments, to its end."""
    arguments = ["-c", code] if isinstance(code, str) else code
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=seconds)
