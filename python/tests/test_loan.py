"""Memory lent to be filled, and the arrays that are left of it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import numpy as np
import pytest
from strict import STRICT

import ndsharray_rs as nd


def read(reader: nd.Reader) -> nd.Sample:
    sample = reader.read()
    assert sample is not None
    return sample


def test_a_loan_is_published_when_its_block_ends(writer: nd.Writer, reader: nd.Reader) -> None:
    loan = writer.loan((2, 3), "int16")
    with loan as array:
        assert array.shape == (2, 3)
        assert array.dtype == np.int16
        array[...] = 5
        assert reader.read() is None
    assert loan.seq == 1
    assert read(reader).array.tolist() == [[5, 5, 5], [5, 5, 5]]


def test_an_exception_abandons_it(writer: nd.Writer, reader: nd.Reader) -> None:
    with pytest.raises(KeyError), writer.loan(3) as array:
        array[...] = 1
        raise KeyError
    assert reader.read() is None
    assert writer.write(np.zeros(3)) == 1
    array_after = array
    assert array_after.size == 0


def test_closing_the_writer_inside_the_block_is_told(writer: nd.Writer, reader: nd.Reader) -> None:
    told = r"closed before this loan's block ended.*not been published"
    with pytest.raises(ValueError, match=told):  # noqa: SIM117
        with writer.loan(3) as array:
            array[...] = 1
            writer.close()
    assert reader.latest() is None
    # Another end of the block is not hidden.
    with nd.Writer(writer.name) as again, pytest.raises(KeyError), again.loan(3):
        again.close()
        raise KeyError


def test_what_ends_a_block_early(writer: nd.Writer, reader: nd.Reader) -> None:
    for _ in range(2):
        loan = writer.loan(3)
        with loan as array:
            array[...] = 1
            loan.abandon()
            break
    assert reader.read() is None
    for _ in range(2):
        with writer.loan(3) as array:
            array[...] = 2
            break
    assert read(reader).array.tolist() == [2, 2, 2]
    loan = writer.loan(3)
    with loan as array:
        array[...] = 3
        assert loan.publish() == 2
    assert read(reader).array.tolist() == [3, 3, 3]


def test_it_can_be_published_by_hand(writer: nd.Writer, reader: nd.Reader) -> None:
    loan = writer.loan((2, 2), np.uint8)
    loan.array[...] = 3
    assert loan.publish() == 1
    assert read(reader).array.tolist() == [[3, 3], [3, 3]]
    with pytest.raises(ValueError, match="over"):
        loan.array  # noqa: B018
    with pytest.raises(ValueError, match="over"):
        loan.publish()
    loan.abandon()


def test_without_survivors_nothing_is_copied_or_moved(writer: nd.Writer, reader: nd.Reader) -> None:
    addresses = set()
    for _ in range(200):
        loan = writer.loan(4096, np.uint8)
        addresses.add(loan.array.ctypes.data)
        loan.publish()
    assert len(addresses) <= 64  # One for each slot.


def survivors(array: np.ndarray) -> dict[str, object]:
    """Things made of an array that lead to the same memory."""

    class Sub(np.ndarray):
        pass

    return {
        "itself": array,
        "view": array[1:],
        "reshaped": array.reshape(-1),
        "subclass": array.view(Sub),
        "memoryview": memoryview(array),
        "base": array.base,
        "frombuffer": np.frombuffer(array, dtype=np.uint8),
        "strided": np.lib.stride_tricks.as_strided(array, (2,), (8,)),
        "dlpack": np.from_dlpack(array),
        "flat": array.flat,
        "ctypes": array.ctypes,
    }


def overwrite(thing: object) -> None:
    """Writes to a survivor, if it is writable."""
    try:
        if isinstance(thing, memoryview):
            thing.cast("B")[:] = b"\xff" * thing.nbytes
        elif isinstance(thing, np.ndarray):
            thing.flags.writeable = True
            thing[...] = -1 if thing.dtype.kind != "u" else 255
        elif isinstance(thing, np.flatiter):
            thing[0] = -1
        elif hasattr(thing, "data"):
            import ctypes

            ctypes.memset(thing.data, 0xFF, 8)
    except (ValueError, BufferError, IndexError):
        pass


@pytest.mark.parametrize("kind", list(survivors(np.zeros((3, 2)))))
@pytest.mark.parametrize("end", ["publish", "abandon", "close"])
def test_what_survives_harms_nobody(writer: nd.Writer, reader: nd.Reader, kind: str, end: str) -> None:
    loan = writer.loan((3, 2), np.int64)
    loan.array[...] = 4
    survivor = survivors(loan.array)[kind]
    gc.collect()
    if end == "close":
        writer.close()
    else:
        getattr(loan, end)()
    overwrite(survivor)
    if end == "publish":
        held = read(reader)
        assert held.array.tolist() == [[4, 4]] * 3
        overwrite(survivor)
        assert held.array.tolist() == [[4, 4]] * 3
        # Other values use the slot again.
        for number in range(130):
            writer.write(np.full((3, 2), number))
            overwrite(survivor)
            assert read(reader).array.tolist() == [[number, number]] * 3
    elif end == "abandon":
        assert reader.read() is None
        for number in range(130):
            writer.write(np.full((3, 2), number))
            overwrite(survivor)
            assert read(reader).array.tolist() == [[number, number]] * 3


def test_using_the_array_afterwards_is_an_error(writer: nd.Writer, reader: nd.Reader) -> None:
    with writer.loan((3, 2), np.int64) as array:
        array[...] = 4
    with pytest.raises((ValueError, IndexError)):
        array[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 1
    with pytest.raises(IndexError):
        array[0]
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    assert array.shape == (0, 2)
    for compute in (np.sum, np.max, np.cumsum, lambda it: it + 1, lambda it: it * it, lambda it: np.add(1, it)):
        with pytest.raises(TypeError, match="this array was lent, and its block or loan is over"):
            compute(array)
    assert "its block or loan is over" in repr(array)
    assert read(reader).array.tolist() == [[4, 4]] * 3


def fill(writer: nd.Writer, number: int) -> int:
    """Publishes a value from a function, and returns the address that its array had."""
    with writer.loan((2, 4096), np.uint8) as array:
        array[...] = number
        address: int = array.ctypes.data
    assert array.shape == (0, 4096)
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    return address


async def fill_in_a_task(writer: nd.Writer, number: int) -> int:
    with writer.loan((2, 4096), np.uint8) as array:
        await asyncio.sleep(0)
        array[...] = number
        address: int = array.ctypes.data
    assert array.shape == (0, 4096)
    return address


def fill_at_the_top(writer: nd.Writer, number: int) -> int:
    names = {"writer": writer, "number": number, "np": np}
    code = "with writer.loan((2, 4096), np.uint8) as array:\n array[...] = number\n address = array.ctypes.data"
    exec(code, names)
    assert "array" in names, "no variable is lost"
    array, address = names["array"], names["address"]
    assert isinstance(array, np.ndarray)
    assert isinstance(address, int)
    assert array.shape == (0, 4096)
    return address


def fill_in_a_class(writer: nd.Writer, number: int) -> int:
    class Body:
        before = number
        with writer.loan((2, 4096), np.uint8) as array:
            array[...] = number
            address: int = array.ctypes.data

    assert Body.before == number, "no variable is lost"
    assert Body.array.shape == (0, 4096)
    return Body.address


def fill_for_a_closure(writer: nd.Writer, number: int) -> int:
    with writer.loan((2, 4096), np.uint8) as array:
        array[...] = number
        address: int = array.ctypes.data

    def shape() -> tuple[int, ...]:
        return array.shape

    assert shape() == (0, 4096)
    return address


FILLS = {
    "function": fill,
    "task": lambda writer, number: asyncio.run(fill_in_a_task(writer, number)),
    "top": fill_at_the_top,
    "class": fill_in_a_class,
    "closure": fill_for_a_closure,
}
IN_FUNCTIONS = ("function", "task", "closure")


@pytest.mark.parametrize("how", list(FILLS))
def test_a_variable_alone_costs_nothing(writer: nd.Writer, reader: nd.Reader, how: str) -> None:
    if how in IN_FUNCTIONS and sys.version_info >= (3, 14):
        pytest.skip("functions may use what their variables refer to without a reference")
    addresses = set()
    for number in range(200):
        addresses.add(FILLS[how](writer, number))
        assert (read(reader).array == number).all()
    # One for each slot: memory that is detached goes on at another address.
    assert len(addresses) <= 64


@pytest.mark.parametrize("kind", [kind for kind in survivors(np.zeros((3, 2))) if kind not in ("itself", "base")])
def test_a_variable_hides_no_other_survivor(writer: nd.Writer, reader: nd.Reader, kind: str) -> None:
    with writer.loan((3, 2), np.int64) as array:
        array[...] = 4
        survivor = survivors(array)[kind]
        gc.collect()
    assert array.size == 0
    held = read(reader)
    overwrite(survivor)
    assert held.array.tolist() == [[4, 4]] * 3


class Variables(MutableMapping):  # type: ignore[type-arg]
    """Variables of code, and what is found among them."""

    def __init__(self, found: Callable[[], list[object]]) -> None:
        self.found = found
        self.known: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        return self.known[name]

    def __setitem__(self, name: str, value: object) -> None:
        self.known[name] = value

    def __delitem__(self, name: str) -> None:
        del self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def values(self) -> list[object]:  # type: ignore[override]
        return self.found()


def test_variables_that_a_program_invents_hide_no_survivor(writer: nd.Writer, reader: nd.Reader) -> None:
    loan = writer.loan((3, 2), np.int64)
    loan.array[...] = 4
    survivor = memoryview(loan.array)
    exec("loan.publish()", {"loan": loan}, Variables(lambda: [survivor.obj]))
    held = read(reader)
    overwrite(survivor)
    assert held.array.tolist() == [[4, 4]] * 3


def test_an_array_that_is_being_written_to_is_a_survivor(writer: nd.Writer, reader: nd.Reader) -> None:
    loan = writer.loan((3,), np.int64)
    array = loan.array
    array[...] = 4

    class Publishes:
        # Called by NumPy itself, so that this function's code is what runs.
        __int__ = __index__ = loan.publish

    # NumPy goes on with an array that has ended.
    with contextlib.suppress(TypeError, ValueError):
        array[...] = [Publishes(), 5, 6]
    assert loan.seq == 1
    assert read(reader).array.tolist() == [4, 4, 4]


def test_a_dtype_stays_while_it_is_in_use(writer: nd.Writer, reader: nd.Reader) -> None:
    # More fields than the dtype of an array that has ended, which has one.
    loan = writer.loan((3,), [(f"field{number}", np.int64) for number in range(8)])
    array = loan.array
    array[...] = 4
    others: list[np.dtype[np.void]] = []

    class Publishes:
        def __int__(self) -> int:
            loan.publish()
            others.extend(np.dtype([(f"other{number}", "f4"), ("one", "i2")]) for number in range(100))
            return 1

        __index__ = __int__

    with contextlib.suppress(TypeError, ValueError):
        array[...] = [(Publishes(), *range(7))] * 3
    assert loan.seq == 1
    assert read(reader).array.tolist() == [(4,) * 8] * 3


def test_an_array_may_be_given_memory_of_its_own(writer: nd.Writer, reader: nd.Reader) -> None:
    own: Any = (1, (8,), np.dtype("uint8"), False, b"12345678")
    with writer.loan((3, 2), np.int64) as array:
        array[...] = 4
        survivor = array[1:]
        array.__setstate__(own)
    held = read(reader)
    overwrite(survivor)
    assert held.array.tolist() == [[4, 4]] * 3
    assert survivor.tolist() == [[-1, -1]] * 2

    with writer.loan((3,), np.uint8) as array:
        array[...] = 1
        array.__setstate__(own)
    assert read(reader).array.tolist() == [1, 1, 1]
    assert array.tobytes() == b"12345678"
    array[...] = 2
    del array
    # NumPy gives small blocks that were freed to the next arrays.
    small = [np.full(1, number, np.uint8) for number in range(64)]
    assert [array.item() for array in small] == list(range(64))


def test_variables_stay_what_they_are(writer: nd.Writer) -> None:
    kept = locals()
    before = "before"
    for number in range(3):
        with writer.loan((3,), np.uint8) as array:
            array[...] = number
    assert array.size == 0
    assert locals()["before"] == before
    if sys.version_info < (3, 13):
        # The same dictionary each time, which this test holds.
        assert kept["before"] == before


def test_what_variables_refer_to_is_not_kept(writer: nd.Writer) -> None:
    class Thing:
        pass

    thing = Thing()
    gone = weakref.ref(thing)
    with writer.loan((3,), np.uint8) as array:
        array[...] = 1
    del thing
    gc.collect()
    assert gone() is None


def test_a_scalar_too(writer: nd.Writer, reader: nd.Reader) -> None:
    with writer.loan((), np.float64) as array:
        array[...] = 2.5
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 1
    with pytest.raises(TypeError, match="this array was lent, and its block or loan is over"):
        array + 1
    with pytest.raises(TypeError):
        float(array)
    assert read(reader).array[()] == 2.5


def test_what_a_loan_leaves_is_freed(writer: nd.Writer) -> None:
    with writer.loan((1000,), np.uint8) as array:
        view = array[1:]
    gone = weakref.ref(array.base)
    del array
    assert gone() is not None
    del view
    assert gone() is None


def test_one_loan_at_a_time(writer: nd.Writer) -> None:
    with writer.loan(3):
        with pytest.raises(RuntimeError, match="loan"):
            writer.loan(3)
        with pytest.raises(RuntimeError, match="loan"):
            writer.write(np.zeros(3))
    assert writer.write(np.zeros(3)) == 2


def test_a_forgotten_loan_is_abandoned(writer: nd.Writer) -> None:
    array = writer.loan(3).array
    assert array.size == 0
    assert writer.write(np.zeros(3)) == 1


def test_a_loan_starts_with_bools_that_are_bools(writer: nd.Writer, reader: nd.Reader) -> None:
    for _ in range(70):
        writer.write(np.full(100, 255, np.uint8))
    for _ in range(70):
        with writer.loan(100, bool) as array:
            assert set(array.view(np.uint8).tolist()) <= {0, 1}
            array.view(np.uint8)[...] = 1
    assert read(reader).array.all()
    with pytest.raises(nd.InvalidBool) as caught, writer.loan(10, bool) as array:
        array.view(np.uint8)[7] = 2
    assert (caught.value.index, caught.value.value) == (7, 2)
    assert writer.write(np.ones(3, bool)) == 141


def test_records_in_a_loan_start_with_bools_that_are_bools(writer: nd.Writer) -> None:
    for _ in range(70):
        writer.write(np.full(100, 255, np.uint8))
    for _ in range(70):
        with writer.loan(50, [("is_good", bool), ("count", np.uint8)]) as array:
            assert set(array["is_good"].view(np.uint8).tolist()) <= {0, 1}
            array.view(np.uint8)[...] = 1


def test_without_address_space_to_part_them(name: str) -> None:
    """The memory cannot move, and a copy does not fit: nothing is published, and views keep it."""
    program = f"""
import resource
import numpy as np
import ndsharray_rs as nd

size = 1 << 28
writer, reader = nd.Writer({name!r}), nd.Reader({name!r})
writer.write([1.0])
loan = writer.loan(size, np.uint8)
array, view = loan.array, loan.array[5:]
array[:8] = 3
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + size // 2, resource.RLIM_INFINITY))
try:
    seq = loan.publish()
except nd.OutOfMemory as error:
    assert error.requested == size
    seq = None
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert seq is None, seq
view[...] = 9
assert reader.read().array.tolist() == [1]
assert writer.write([2.0]) == 2
view[...] = 8
assert reader.read().array.tolist() == [2]
"""
    subprocess.run([sys.executable, *STRICT, "-c", program], check=True, timeout=60)


def test_a_loan_that_is_entered_twice_is_published_once(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        loan = writer.loan(2)
        with loan as outer:
            outer[:] = 1
            with loan as inner:
                inner[:] = 2
        sample = reader.read()
        assert sample is not None
        assert (sample.seq, sample.array.tolist(), loan.seq) == (1, [2, 2], 1)
