"""What belongs to a value: attributes, times, its source; and a writer that died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import numpy as np
import pytest

import ndsharray_rs as nd

LONGEST = 4096


def by_loan(writer: nd.Writer, attributes: bytes) -> None:
    with writer.loan(3, attributes=attributes) as array:
        array[:] = 1


def set_later(writer: nd.Writer, attributes: bytes) -> None:
    loan = writer.loan(3, attributes=b"before")
    loan.set_attributes(attributes)
    kept = loan.array[:1]
    kept[:] = 1
    loan.publish()
    kept[:] = 7


WAYS: dict[str, Any] = {
    "write": lambda writer, attributes: writer.write(np.ones(3), attributes=attributes),
    "bytearray": lambda writer, attributes: writer.write(np.ones(3), bytearray(attributes)),
    "large": lambda writer, attributes: writer.write(np.ones(1 << 18), attributes=attributes),
    "converted": lambda writer, attributes: writer.write(np.ones(3)[::-1], attributes=attributes),
    "loan": by_loan,
    "set later": set_later,
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_attributes_arrive(name: str, way: str, read_only: bool) -> None:
    with nd.Writer(name) as writer, nd.Reader(name, read_only=read_only) as reader:
        for attributes in (b"", b'{"frame": 5}', bytes(range(256)) * 16, b"\0"):
            WAYS[way](writer, attributes)
            sample = reader.read()
            assert sample is not None
            assert sample.attributes == attributes
            assert sample.array[0] == 1
            # The next value has none of them.
            writer.write([1.0])
            assert sample.attributes == attributes
            info = reader.read_into()
            assert info is not None
            assert info.attributes == b""
        WAYS[way](writer, b"copied")
        info = reader.read_into()
        assert info is not None
        assert info.attributes == b"copied"


@pytest.mark.parametrize("way", WAYS)
def test_too_many_attributes_write_nothing(name: str, way: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write([5.0], b"first")
        with pytest.raises(nd.AttributesTooLong) as caught:
            WAYS[way](writer, b"x" * (LONGEST + 1))
        assert isinstance(caught.value, ValueError)
        assert (caught.value.found, caught.value.max) == (LONGEST + 1, LONGEST)
        sample = reader.read()
        assert sample is not None
        assert (sample.attributes, sample.array.tolist()) == (b"first", [5.0])
        writer.abandon()
        assert writer.write([1.0]) == 2


def test_what_attributes_are_not(name: str) -> None:
    with nd.Writer(name) as writer:
        for wrong in ("text", 5, [1]):
            with pytest.raises(TypeError):
                writer.write([1.0], attributes=wrong)  # type: ignore[arg-type]
        loan = writer.loan(1)
        loan.abandon()
        with pytest.raises(ValueError, match="over"):
            loan.set_attributes(b"x")


def test_times_and_source(name: str) -> None:
    clock = time.CLOCK_MONOTONIC
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        before, monotonic = time.time_ns(), time.clock_gettime_ns(clock)
        writer.write([1.0])
        after, since = time.time_ns(), time.clock_gettime_ns(clock)
        first = reader.read()
        assert first is not None
        # The writer carries its clock on by itself for a tenth of a millisecond at a time.
        slack = 1_000_000
        assert monotonic - slack <= first.monotonic_ns <= since + slack
        # Its calendar clock is read after the other one, which a busy machine puts a while between.
        assert before - 1000 * slack <= first.time_ns <= after + 1000 * slack
        assert first.time == pytest.approx(first.time_ns / 1e9, abs=1e-3)
        least = time.clock_gettime_ns(clock) - first.monotonic_ns - slack
        age = first.age * 1e9
        assert least <= age <= time.clock_gettime_ns(clock) - first.monotonic_ns + slack
        assert first.epoch == 1
        assert isinstance(first.incarnation, uuid.UUID)
        assert first.incarnation.int != 0
        writer.write([2.0])
        second = reader.read()
        assert second is not None
        assert second.incarnation == first.incarnation
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        writer.write([1.0])
        other = reader.read()
        assert other is not None
        assert other.incarnation != first.incarnation


def test_they_are_shown(name: str) -> None:
    with nd.Writer(name) as writer:
        writer.write([1.0], attributes=b'{"frame": 5}\x1b')
        assert nd.info(name).attributes == b'{"frame": 5}\x1b'
        command = [sys.executable, "-m", "ndsharray_rs", "info", name]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        assert '{"frame": 5}\\x1b' in shown
        shown = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=True).stdout
        assert json.loads(shown)["attributes"] == '{"frame": 5}\x1b'


DIES = """
import os, signal, sys
import ndsharray_rs as nd
writer = nd.Writer(sys.argv[1])
writer.write([1.0])
print("written", flush=True)
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["wait", "for", "pickled"])
def test_a_wait_may_end_with_the_writer(name: str, how: str) -> None:
    command = [sys.executable, "-c", DIES, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        reader = nd.Reader(name, end_with_writer=True)
        if how == "pickled":
            import pickle

            reader = pickle.loads(pickle.dumps(reader))
        assert reader.wait(60) is not None
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        with pytest.raises(nd.WriterGone) as caught:
            if how == "for":
                for _ in reader:
                    raise AssertionError
            else:
                reader.wait(60)
        assert caught.value.name == name
        with nd.Reader(name) as patient:
            assert patient.wait(0.2) is not None
            assert patient.wait(0.2) is None
    reader.close()
    nd.remove(name)
    assert os.listdir(os.environ["NDSHARRAY_DIR"]) == []
