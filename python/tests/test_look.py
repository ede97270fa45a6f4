"""Looking at what there is, removing what is left, and the commands of `python -m ndsharray_rs`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strict import OPTIMISED_OR_NOT

import ndsharray_rs as nd
from ndsharray_rs.__main__ import printable
from ndsharray_rs.compat import NdShArray

LEAVE = """
import os, signal, sys
import ndsharray_rs as nd
writer = nd.Writer(sys.argv[1])
writer.write([1.0, 2.0])
array = nd.SharedArray.create(sys.argv[1], 3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave(name: str) -> None:
    """Leaves a channel and an array, whose process has been killed."""
    done = subprocess.run([sys.executable, "-c", LEAVE, name], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def command(*arguments: str, code: int = 0, **options: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ndsharray_rs", *arguments],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
        **options,
    )
    assert done.returncode == code, done.stderr
    return str(done.stdout if code == 0 else done.stderr)


def test_the_version_is_that_of_the_package() -> None:
    assert nd.__version__.count(".") == 2
    assert command("--version").strip() == nd.__version__
    try:
        assert importlib.metadata.version("ndsharray-rs") == nd.__version__
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is not installed")


def test_nothing_that_others_call_so_comes_with_a_star() -> None:
    assert not {"list", "info", "gc"} & set(nd.__all__)


def test_what_there_is(name: str) -> None:
    assert nd.list() == []
    with (
        nd.Writer(name) as writer,
        nd.Reader(name) as reader,
        nd.SharedArray.create(name, (2, 3), np.int16) as shared,
        NdShArray(name + "-old", np.zeros(4), r_w="w", wire="ndsharray", persist=False),
    ):
        assert nd.info(name).seq is None
        writer.write(np.zeros((4, 5), np.float32))
        sample = reader.read()
        channel, array, python = sorted(nd.list(), key=lambda report: ["channel", "array", "python"].index(report.kind))
        assert (channel.name, channel.kind, channel.state) == (name, "channel", "open")
        assert (channel.dtype, channel.shape, channel.nbytes, channel.seq) == ("float32", (4, 5), 80, 1)
        assert (channel.writer_alive, channel.writer_pid, channel.in_use) == (True, os.getpid(), True)
        assert channel.age is not None
        assert 0 <= channel.age < 600
        assert channel.readers == ((True, os.getpid(), 1, 1, 0, False),)
        assert (channel.pinned, channel.readers_known, channel.max_readers) == (1, True, 64)
        assert channel.memory >= 80
        assert channel.problems == ()
        assert all(file.exists() for file in channel.files)
        assert (array.name, array.dtype, array.shape, array.poisoned) == (name, "int16", (2, 3), False)
        assert (python.name, python.dtype, python.seq) == (name + "-old", "float64", None)
        del sample
        assert nd.info(name).kind == "channel"
        assert nd.info(name, "array").shape == (2, 3)
        assert nd.info(name + "-old").kind == "python"
        assert [report.name for report in nd.list("*-old")] == [name + "-old"]
        with pytest.raises(ValueError, match="kind is"):
            nd.info(name, "tensor")  # type: ignore[arg-type]
        shared.unlink()
    with pytest.raises(nd.NotFound):
        nd.info(name)
    with pytest.raises(FileNotFoundError):
        nd.list(dir="/nowhere")


def test_history_and_how_far_readers_are_behind(name: str) -> None:
    with nd.Writer(name) as writer:
        writer.write([1])
        assert (nd.info(name).history, nd.info(name).waits) == (1, False)
        assert "history" not in command("info", name)
    with (
        nd.Writer(name, history=4, wait_for_readers=0.0) as writer,
        nd.Reader(name) as reader,
        nd.Reader(name, lossless=True) as recorder,
    ):
        writer.write([1])
        assert reader.read() is not None
        for _ in range(2):
            writer.write([2])
        report = nd.info(name)
        assert (report.history, report.waits) == (4, True)
        assert sorted((party.lossless, party.behind) for party in report.readers) == [(False, 2), (True, 3)]
        shown = command("info", name)
        assert "history  4 values, waits for lossless readers" in shown
        assert ", 2 behind" in shown
        assert "3 behind, lossless" in shown
        assert json.loads(command("info", name, "--json"))["readers"][0]["behind"] in (2, 3)
        while recorder.read_next():
            pass
        assert sorted(party.behind for party in nd.info(name).readers) == [0, 2]


def test_a_debug_build_warns_whatever_imports_it() -> None:
    from ndsharray_rs import _build, _native

    with pytest.warns(RuntimeWarning, match="not optimised"):
        _build.warn_of_debug(True)
    _build.warn_of_debug(False)
    code = "import warnings; warnings.simplefilter('error'); import ndsharray_rs"
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False, capture_output=True, text=True)
    assert ("RuntimeWarning: this build" in done.stderr) == _native._debug, done.stderr


def test_what_the_dead_left_goes_and_the_rest_stays(name: str, directory: Path) -> None:
    leave(name)
    living, kept = nd.Writer(name + "-living"), nd.Writer(name + "-kept", persist=True)
    closed = nd.SharedArray.create(name + "-closed", 1)
    closed.close()
    kept.write([1])
    kept.close()
    damaged = directory / f"{name}-damaged.ndsh"
    damaged.write_bytes(b"x" * 5000)
    short = directory / f"{name}-short.ndsh"
    short.write_bytes(b"x")
    try:
        would = nd.gc(dry_run=True)
        assert not any(one.removed for one in would)
        assert {(one.name, one.kind) for one in would if one.reason is None} == {(name, "channel"), (name, "array")}
        swept = {(one.name.removeprefix(name), one.kind): one for one in nd.gc()}
        assert {key for key, one in swept.items() if one.removed} == {("", "channel"), ("", "array")}
        assert "kept" in (swept["-kept", "channel"].reason or "")
        assert "closed" in (swept["-closed", "array"].reason or "")
        assert swept["-damaged", "channel"].reason
        assert swept["-short", "channel"].reason
        assert ("-living", "channel") not in swept
        assert {one.name for one in nd.gc(all=True) if one.removed} == {name + "-kept", name + "-closed"}
        assert damaged.exists()
        assert short.exists()
        assert [report.name for report in nd.list("*-living")] == [name + "-living"]
    finally:
        living.close()


def test_the_commands(name: str) -> None:
    assert command("ls") == ""
    leave(name)
    with nd.Writer(name + "-live") as writer, nd.SharedArray.from_array(name + "-array", np.arange(3)) as shared:
        writer.write(np.array([[1.5, 2.25], [3.0, 4.0]]))
        lines = command("ls").splitlines()
        assert lines[0].split()[:3] == ["NAME", "KIND", "DTYPE"]
        assert len(lines) == 5
        assert f"alive ({os.getpid()})" in next(line for line in lines if line.startswith(name + "-live"))
        assert command("ls", "-q", "*-live") == name + "-live\n"
        (listed,) = json.loads(command("ls", "--json", "*-live"))
        assert (listed["name"], listed["shape"]) == (name + "-live", [2, 2])
        assert "float64 (2, 2)" in command("info", name + "-live")
        assert json.loads(command("info", "--json", name + "-array"))["kind"] == "array"
        assert command("echo", "--csv", name + "-live") == "1.5,2.25\n3.0,4.0\n"
        assert json.loads(command("echo", "--json", name + "-array"))["data"] == [0, 1, 2]
        assert "2.25" in command("echo", "--follow", "--count", "1", name + "-live")
        assert command("echo", name + "-array") == "[0 1 2]\n"
        assert "would remove channel" in command("gc", "-n")
        assert command("gc").count("removed") == 2
        assert command("gc") == "nothing to remove\n"
        shared.unlink()
    with nd.Writer(name):
        assert "no value" in command("echo", "--timeout", "0", name, code=1)
    assert "nothing of that name" in command("info", name, code=1)
    assert "usage" in command("dance", code=2)


def test_echo_follows_until_the_writer_closes(name: str) -> None:
    with nd.Writer(name) as writer:
        writer.write([1])
        arguments = [sys.executable, "-m", "ndsharray_rs", "echo", "--csv", "--follow", name]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            writer.write([2])
            assert process.stdout.readline() == "2\n"
            writer.close()
            assert process.wait(60) == 0


def test_names_cannot_command_a_terminal(name: str, directory: Path) -> None:
    assert printable("a\x1b[2J\u202e") == "a\\x1b[2J\\u202e"
    assert printable("Kamera é") == "Kamera é"
    (directory / f"{name}\x1b[2J.ndsh").write_bytes(b"x" * 5000)
    for arguments in (["ls"], ["gc"], ["ls", "--json"]):
        assert "\x1b" not in command(*arguments)


def test_a_reader_of_the_output_may_stop(name: str) -> None:
    with nd.Writer(name) as writer:
        writer.write(np.zeros(100_000))
        read, write = os.pipe()
        os.close(read)
        arguments = [sys.executable, *OPTIMISED_OR_NOT, "-m", "ndsharray_rs", "echo", "--csv", name]
        done = subprocess.run(arguments, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        os.close(write)
        assert done.returncode != 0
        assert done.stderr == ""
