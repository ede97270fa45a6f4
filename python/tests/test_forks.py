"""Inherited handles and arrays in forked children."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PRELUDE = """
import multiprocessing, os, random, signal, sys, threading, time, traceback
import numpy as np
import ndsharray_rs as nd

name = sys.argv[1]


def run_child(act, seconds=60):
    '''Forks; runs `act` in the child, which must end well and in time.'''
    child = os.fork()
    if child == 0:
        # Hanging would end it.
        signal.alarm(seconds)
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def check_child(child):
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"


def is_forked(act):
    try:
        act()
    except nd.Forked:
        return
    raise AssertionError("it was not refused")
"""


def run(name: str, program: str, *arguments: str, timeout: float = 100) -> str:
    """Runs a program with a module of its own, in a process without other threads."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + textwrap.dedent(program), name]
    done = subprocess.run([*command, *arguments], timeout=timeout, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_child_of_a_writing_process_is_told(name: str, directory: Path) -> None:
    """Another thread uses the writer at nearly every moment."""
    run(
        name,
        """
        writer = nd.Writer(name)
        frame = np.zeros(1 << 23, np.uint8)
        over = threading.Event()

        def write():
            while not over.is_set():
                writer.write(frame)

        thread = threading.Thread(target=write)
        thread.start()

        def use():
            is_forked(lambda: writer.write([1.0]))
            is_forked(lambda: writer.loan(3))
            is_forked(lambda: writer.payload_name)
            assert repr(writer) == f"Writer(name='{name}', of a parent process)", writer
            assert not writer.closed
            writer.close()
            assert writer.closed
            assert repr(writer) == f"Writer(name='{name}', closed)", writer

        for _ in range(20):
            check_child(run_child(use, seconds=20))
        over.set()
        thread.join()
        writer.close()
        """,
    )
    assert list(directory.iterdir()) == []


def test_a_child_of_a_waiting_process_reads(name: str) -> None:
    run(
        name,
        """
        writer, reader = nd.Writer(name), nd.Reader(name)
        shared = nd.SharedArray.create(name, 3)
        read = threading.Event()
        writer.write([1.0])
        assert reader.read().seq == 1

        def wait():
            read.set()
            assert reader.wait(60).seq == 2

        def enter():
            with shared.write(60) as elements:
                elements[...] = 2

        def use():
            assert reader.latest().array.tolist() == [1]
            assert reader.is_writer_alive
            assert repr(reader) == f"Reader(name='{name}')"
            assert not reader.closed
            # The parent's threads have the lock, or wait for it; the child asks for itself.
            try:
                with shared.read(0.05):
                    raise AssertionError("not locked")
            except TimeoutError:
                pass
            assert shared.shape == (3,)
            for handle in (reader, shared):
                handle.close()
                assert handle.closed

        with shared.write():
            threads = [threading.Thread(target=act) for act in (wait, enter)]
            for thread in threads:
                thread.start()
            read.wait()
            while True:
                try:
                    reader.is_writer_alive
                except RuntimeError:
                    break
            for _ in range(10):
                check_child(run_child(use, seconds=20))
        writer.write([2.0])
        for thread in threads:
            thread.join()
        assert shared.load(0) == 2
        shared.unlink()
        """,
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_handles_are_arguments(name: str, method: str, tmp_path: Path) -> None:
    program = """
        import multiprocessing, sys
        import numpy as np
        import ndsharray_rs as nd

        def child(reader, shared, queue):
            queue.put(reader.wait(60).array.tolist())
            with shared.write() as elements:
                elements += 1
            queue.put(shared.fetch_add((0, 1), 5))
            queue.put(shared.shape)

        if __name__ == "__main__":
            name = sys.argv[1]
            context = multiprocessing.get_context(sys.argv[2])
            writer, reader, shared = nd.Writer(name), nd.Reader(name), nd.SharedArray.create(name, 6, int)
            shared.reshape((2, 3))
            writer.write([1.5, 2.5])
            queue = context.Queue()
            process = context.Process(target=child, args=(reader, shared, queue))
            process.start()
            assert [queue.get(timeout=60) for _ in range(3)] == [[1.5, 2.5], 1, (2, 3)]
            process.join(60)
            assert process.exitcode == 0
            # The parent's are as they were.
            assert reader.read().seq == 1
            assert shared.load((0, 1)) == 6
            shared.unlink()
    """
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", file, name, method], check=True, timeout=100)


def test_a_handle_whose_name_has_gone_is_not_found_in_a_child(name: str) -> None:
    run(
        name,
        """
        writer, reader, shared = nd.Writer(name), nd.Reader(name), nd.SharedArray.create(name, 3)
        shared.unlink()
        writer.close()

        def use():
            for act in (reader.latest, lambda: shared.load(0)):
                try:
                    act()
                except nd.NotFound:
                    continue
                raise AssertionError("found")

        check_child(run_child(use))
        # Another of the name is no substitute.
        other = nd.SharedArray.create(name, 3, np.int16)

        def use_other():
            try:
                shared.load(0)
            except nd.DTypeMismatch:
                return
            raise AssertionError("taken for it")

        check_child(run_child(use_other))
        other.unlink()
        """,
    )


@pytest.mark.parametrize("delayed", [False, True])
def test_an_inherited_value_does_not_change(name: str, directory: Path, delayed: bool) -> None:
    """The parent drops it at once and reuses the memory; the child's handler comes late."""
    program = """
        import os, signal, sys, time

        delayed, go_on = sys.argv[2] == "True", os.pipe()
        if delayed:
            # Registered before the package's, and so called before it.
            os.register_at_fork(after_in_child=lambda: os.read(go_on[0], 1))

        import numpy as np
        import ndsharray_rs as nd

        from_dlpack = np.from_dlpack if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else np.asarray
        name = sys.argv[1]
        writer, reader = nd.Writer(name, max_slots=4), nd.Reader(name)
        # Attributes that end in the last page of the elements, or in one more, or that are alone.
        for size in (300_000, 512, 300_000, 0, 300_001):
            writer.write(np.full(size, 7.0), attributes=b"7" * 4000)
            sample = reader.read()
            array = sample.array
            view, memory, tensor = array[5:9], memoryview(sample), from_dlpack(sample)
            read, tell = os.pipe()
            child = os.fork()
            if child == 0:
                os.read(read, 1)
                same = all((one == 7).all() for one in (array, view, np.asarray(memory), tensor, sample.array))
                same = same and not array.flags.writeable and sample.attributes == b"7" * 4000
                os._exit(0 if same else 1)
            del sample, array, view, memory, tensor
            for number in range(40):
                writer.write(np.full(size, float(number)), attributes=bytes([number]) * 4000)
                reader.read()
            if delayed:
                os.write(go_on[1], b"x")
            os.write(tell, b"x")
            _, status = os.waitpid(child, 0)
            assert status == 0, status
            for end in (read, tell):
                os.close(end)
            # Nothing stays held: beside three values that are, there is a slot to write to.
            signal.alarm(30)
            kept = []
            while len(kept) < 4:
                try:
                    writer.write([0.0])
                    kept.append(len(kept) < 3 and reader.read())
                except nd.AllSlotsPinned:
                    time.sleep(0.001)
            signal.alarm(0)
            del kept
    """
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program), name]
    subprocess.run([*command, str(delayed)], check=True, timeout=100)
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("kind", ["read", "write"])
def test_an_inherited_guard_is_the_childs_own(name: str, kind: str) -> None:
    """Changes by the child stay in the child. Changes by others do not reach it."""
    program = """
        import os, signal, sys

        go_on = os.pipe()
        os.register_at_fork(after_in_child=lambda: os.read(go_on[0], 1))

        import numpy as np
        import ndsharray_rs as nd

        name, kind = sys.argv[1:]
        shared = nd.SharedArray.from_array(name, np.full(100_000, 1))
        other = nd.SharedArray.open(name)
        read, tell = os.pipe()
        guard = getattr(shared, kind)()
        with guard as elements:
            view = elements[10:]
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os.read(read, 1)
                assert (view == 1).all(), view
                if kind == "write":
                    elements[...] = 5
                    assert (view == 5).all(), view
        if child == 0:
            # The array has been taken back, as after every block. A view stays, and leads nowhere.
            assert elements.size == 0
            view.sum()
            del view, elements, guard
            with shared.write() as elements:
                assert (elements == 3).all(), elements
                elements[0] = 4
            os._exit(0)
        # The parent has left; its lock is held for the child until that has copied.
        try:
            with other.write(0.3) as elements:
                raise AssertionError("the lock was free before the child had copied")
        except TimeoutError:
            pass
        os.write(go_on[1], b"x")
        with other.write(60) as elements:
            assert (elements == 1).all()
            elements[...] = 3
        os.write(tell, b"x")
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        with other.read() as elements:
            assert elements[0] == 4
            assert (elements[1:] == 3).all()
        shared.unlink()
    """
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program), name, kind]
    subprocess.run(command, check=True, timeout=100)


def test_an_inherited_loan_is_the_childs_own(name: str, directory: Path) -> None:
    run(
        name,
        """
        writer, reader = nd.Writer(name), nd.Reader(name)
        loan = writer.loan(100_000)
        array = loan.array
        array[...] = 1

        def use():
            assert (array == 1).all()
            array[...] = 2
            is_forked(loan.publish)
            loan.abandon()
            assert array.size == 0

        def leave():
            global loan, writer
            view = array[3:]
            writer.close()
            del loan, writer
            view[...] = 3

        check_child(run_child(use))
        check_child(run_child(leave))
        del array
        assert loan.publish() == 1
        assert (reader.read().array == 1).all()
        writer.close()
        """,
    )
    assert list(directory.iterdir()) == []


def test_a_child_that_dies_before_it_has_copied_holds_nothing(name: str) -> None:
    program = """
        import os, signal, sys

        die = False
        os.register_at_fork(after_in_child=lambda: die and os.kill(os.getpid(), signal.SIGKILL))

        import ndsharray_rs as nd

        shared = nd.SharedArray.create(sys.argv[1], 3)
        die = True
        with shared.write():
            child = os.fork()
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        with shared.write(60):
            pass
        shared.unlink()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), name], check=True, timeout=100)


RANDOM_FORKS = """
seed = int(sys.argv[2])
print("seed", seed)
chance = random.Random(seed)
forks = 200
writer, reader, waiting = nd.Writer(name, max_readers=448), nd.Reader(name), nd.Reader(name)
shared = nd.SharedArray.create(name, 4096, np.int64)
large, small = np.zeros(1 << 20, np.uint16), np.zeros(64, np.int64)
over = threading.Event()
failed = []


def repeated(act):
    def run():
        try:
            while not over.is_set():
                act()
        except BaseException:
            failed.append(traceback.format_exc())
            raise

    return threading.Thread(target=run)


def write():
    number = chance.randrange(1 << 15)
    for frame in (large, small):
        frame[...] = number
        writer.write(frame)
    with writer.loan(256, np.int32) as array:
        array[...] = number


def read():
    sample = reader.latest()
    if sample is not None:
        assert (sample.array == sample.array.flat[0]).all()
        held[chance.randrange(len(held))] = sample.array


def wait():
    waiting.wait(0.2)


def lock():
    with shared.write() as elements:
        elements[...] = elements[0] + 1
    with shared.read() as elements:
        guarded[0] = elements
        assert (elements == elements[0]).all()
    guarded[0] = None


def works_or_is_forked(act):
    try:
        return act()
    except nd.Forked:
        return None


def use():
    # What the parent held at the fork, for as long as the child lives.
    arrays = [array for array in held if array is not None]
    before = [array.copy() for array in arrays]
    lent = guarded[0]
    lent_before = None if lent is None else lent.copy()

    def same():
        for array, copy in zip(arrays, before):
            assert (array == copy.flat[0]).all() and (copy == copy.flat[0]).all(), (array, copy)
        assert lent is None or (lent == lent_before).all()

    for _ in range(2):
        same()
        works_or_is_forked(lambda: writer.write(small))
        works_or_is_forked(lambda: writer.loan(3))
        assert "parent" in repr(writer), writer
        for one in (reader, waiting):
            sample = works_or_is_forked(one.latest)
            assert sample is None or (sample.array == sample.array.flat[0]).all()
            works_or_is_forked(lambda: one.wait(0.01))
            works_or_is_forked(lambda: one.is_writer_alive)
            repr(one), one.closed
        try:
            with shared.read(0.02) as elements:
                assert (elements == elements[0]).all()
        except (TimeoutError, nd.Forked):
            pass
        works_or_is_forked(lambda: shared.is_poisoned)
        repr(shared), shared.closed
        same()
    for handle in (writer, reader, waiting, shared):
        handle.close()
        assert handle.closed


held, guarded = [None] * 3, [None]
threads = [repeated(act) for act in (write, read, wait, lock)]
for thread in threads:
    thread.start()
try:
    children = []
    for _ in range(forks):
        time.sleep(chance.random() * 0.01)
        children.append(run_child(use, seconds=50))
        if len(children) == 4:
            check_child(children.pop(0))
    for child in children:
        check_child(child)
finally:
    over.set()
for thread in threads:
    thread.join()
assert not failed, failed
held.clear()
with shared.write(30) as elements:
    assert (elements == elements[0]).all()
shared.unlink()
writer.close()
"""


def test_forks_at_random_moments(name: str, directory: Path) -> None:
    """Threads write, read, wait and lock: no child hangs, and no inherited array changes."""
    seed = (
        random.SystemRandom().randrange(1 << 32) if (given := os.environ.get("NDSHARRAY_SEED")) is None else int(given)
    )
    print("seed", seed)
    run(name, RANDOM_FORKS, str(seed), timeout=300)
    assert list(directory.iterdir()) == []
