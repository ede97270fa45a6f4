"""The other end: Python's ndsharray from PyPI, told what to do line by line.

Each command is answered with one line. The package is used as its users do, and not changed.
"""
import sys
import time
import zlib

import numpy as np
from ndsharray import NdShArray

writer = None
reader = None
written = 0
frames = {}


def axes(text):
    return tuple(int(axis) for axis in text.split("x")) if text != "-" else ()


def numbers(dtype, shape, seed):
    """What the Rust end writes and expects for a seed."""
    count = int(np.prod(shape, dtype=np.int64))
    return ((np.arange(count, dtype=np.int64) * 7 + seed) % 100).astype(dtype).reshape(shape)


def digest(array):
    shape = "x".join(map(str, array.shape)) or "-"
    return "%s %s %08x" % (array.dtype.name, shape, zlib.crc32(array.tobytes()))


def flood_write(length, until):
    """Writes arrays whose elements are all one number, without a pause; the next time it goes on counting."""
    global written
    data = np.zeros(length, dtype=np.uint64)
    before = written
    start = time.monotonic()
    while time.monotonic() - start < until:
        written += 1
        data.fill(written)
        writer.write(data)
    return written - before


def flood_read(wanted, limit):
    """Reads until `wanted` values were accepted, and checks every element of each."""
    accepted = torn = older = invalid = empty = errors = 0
    last = 0
    start = time.monotonic()
    while accepted < wanted and time.monotonic() - start < limit:
        try:
            valid, array = reader.read()
        except OSError:
            errors += 1
            if errors > 1000:
                break
            continue
        if not valid:
            invalid += 1
            continue
        if array.size == 0 or array.dtype != np.uint64:
            empty += 1
            continue
        accepted += 1
        low, high = int(array.min()), int(array.max())
        if low != high:
            torn += 1
        elif low < last:
            older += 1
        last = max(last, high)
    elapsed = time.monotonic() - start
    return "%d %d %d %d %d %.3f" % (accepted, torn, older, invalid, errors, elapsed)


def paced_write(shape, rate, limit):
    """Writes frames, `rate` a second (0: without a pause) for `limit` seconds, one at least.

    A frame begins with its number in eight bytes, and all others are the number's remainder.
    """
    data = np.zeros(shape, dtype=np.uint8)
    count = 0
    start = time.monotonic()
    while count == 0 or time.monotonic() - start < limit:
        count += 1
        data.fill(count % 251)
        data.reshape(-1)[:8] = np.frombuffer(count.to_bytes(8, "little"), dtype=np.uint8)
        writer.write(data)
        if rate:
            time.sleep(max(0.0, start + count / rate - time.monotonic()))
    return count


def count_reads(limit):
    """Reads for `limit` seconds without a pause: how many values were valid, and of these torn, or older than the last."""
    valid = torn = older = errors = 0
    last = 0
    start = time.monotonic()
    while time.monotonic() - start < limit:
        try:
            ok, array = reader.read()
        except OSError:
            errors += 1
            if errors > 1000:
                break
            continue
        if not ok or array.size == 0:
            continue
        valid += 1
        elements = array.reshape(-1)
        number = int.from_bytes(elements[:8].tobytes(), "little")
        if not int(elements[8:].min()) == int(elements[8:].max()) == number % 251:
            torn += 1
        elif number < last:
            older += 1
        last = max(last, number)
    return "%d %d %d %d" % (valid, torn, older, errors)


def timed(operation, count):
    """Nanoseconds of this thread's processor time."""
    start = time.thread_time_ns()
    for _ in range(count):
        operation()
    return time.thread_time_ns() - start


def frame(shape):
    """One array of each shape, so that making it is not timed."""
    if shape not in frames:
        frames[shape] = np.arange(np.prod(shape), dtype=np.uint32).astype(np.uint8).reshape(shape)
    return frames[shape]


def write_and_read(array):
    writer.write(array)
    valid, _ = reader.read()
    assert valid


def read():
    valid, _ = reader.read()
    assert valid


def obey(words):
    global writer, reader
    command, arguments = words[0], words[1:]
    if command == "writer":
        writer = NdShArray(arguments[0], r_w="w")
    elif command == "reader":
        reader = NdShArray(arguments[0], r_w="r")
    elif command == "write":
        writer.write(numbers(arguments[0], axes(arguments[1]), int(arguments[2])))
        return writer.ndarray_mmap_name
    elif command == "read":
        valid, array = reader.read()
        return "%s %s %s" % (valid, digest(array), reader.ndarray_mmap_name) if valid else "False"
    elif command == "read-time":
        return "%f" % reader.read_time_ms
    elif command == "is-valid":
        return str(reader.is_valid)
    elif command == "flood-write":
        return str(flood_write(int(arguments[0]), float(arguments[1])))
    elif command == "flood-read":
        return flood_read(int(arguments[0]), float(arguments[1]))
    elif command == "paced-write":
        return str(paced_write(axes(arguments[0]), int(arguments[1]), float(arguments[2])))
    elif command == "count-reads":
        return count_reads(float(arguments[0]))
    elif command == "time-writes":
        array = frame(axes(arguments[0]))
        return str(timed(lambda: writer.write(array), int(arguments[1])))
    elif command == "time-pairs":
        array = frame(axes(arguments[0]))
        return str(timed(lambda: write_and_read(array), int(arguments[1])))
    elif command == "time-read":
        return str(timed(read, 1))
    elif command == "close":
        writer = reader = None
    elif command != "hello":
        raise ValueError("unknown command")
    return "ok"


for line in sys.stdin:
    try:
        answer = obey(line.split())
    except Exception as error:
        answer = "error: %r" % error
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()
