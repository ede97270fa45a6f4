from collections.abc import Callable, Coroutine, Iterator, Sequence, Sized
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, SupportsFloat, SupportsIndex, TypeAlias, final
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from typing_extensions import CapsuleType

from ._info import Info

__all__ = [
    "ArrayGuard",
    "Loan",
    "Reader",
    "Sample",
    "SharedArray",
    "WireReader",
    "WireWriter",
    "Writer",
    "__version__",
    "_after_fork_in_child",
    "_after_fork_in_parent",
    "_before_fork",
    "_debug",
    "_list",
    "_look",
    "_remove_unused",
    "_reopen_array",
    "_reopen_reader",
    "map_block",
    "remove",
    "remove_array",
    "remove_leftovers",
    "remove_wire",
    "wait_any",
]

__version__: str
_debug: bool

_Array: TypeAlias = NDArray[Any]
_Path: TypeAlias = str | PathLike[str]
_Owners: TypeAlias = int | Literal["own", "anyone"]
_Shape: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | list[int]
_Index: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...]
_Seconds: TypeAlias = SupportsFloat | SupportsIndex

@final
class Writer:
    r"""The one writer of a channel. It publishes arrays, whose dtype and shape may change each time.

    Makes the channel `name`, or takes it over from a writer that died. Closing the writer, or
    losing the last reference to it, closes the channel and removes its files, unless `persist` is
    set. Readers keep the values that they hold.

    A writer belongs to the process that made it. It cannot be pickled, and raises `Forked` in a
    forked child. If it is still open when the process ends, it is closed. SIGTERM ends Python
    without that, unless a handler turns the signal into an exit.

    Threads may share a writer, and take turns. While one thread has a loan, the others wait for its
    end. Where the wait could not end, as for a loan of the same thread, they get a `RuntimeError`.
    As with any lock, a thread with a loan must not wait for a thread that waits for that loan.

    Parameters
    ----------
    name
        1 to 200 bytes, without `/`, `\\`, control characters, or a dot in front.
    dir
        The directory that holds the channel. By default the environment variable `NDSHARRAY_DIR`
        names it, and without that it is `/dev/shm`.
    max_slots
        Slots of the channel, 2 to 64, by default 64. One is the current value's, one is being
        written, and each value that a reader holds takes one more.
    max_readers
        Most readers attached at once, 1 to 448, by default 64.
    mode, readers_mode
        Permission bits of the files, and of the reader table; both by default `0o600`. To read, a
        process must be able to write the reader table.
    capacity_bytes
        The least capacity of each payload file: shapes up to this size never need a new one.
    history
        How many values stay readable, the current one included; by default 1. Readers take them in
        order with `read_next`. At most two less than `max_slots`.
    wait_for_readers
        Seconds for which a write, or a loan, waits for lossless readers that have not read what it
        would overwrite; then it raises `ReadersBehind`. By default no reader can be lossless. A
        reader that was killed is not waited for.
    persist
        Whether the last value stays readable after the writer is closed.
    prefault
        Whether to map new payload files with all their pages present.
    owners
        Whose existing files are trusted: `"own"` and root's, a user id and those, or `"anyone"`'s.
    exist
        What to do if this very process has an open `Writer` of that name, as where a cell of a
        notebook runs twice. `"fail"`, the default, raises `WriterExists`. `"takeover"` closes that
        writer first. A writer of another process is never closed.

    Raises
    ------
    WriterExists
        While another writer lives.
    InvalidName, InvalidOption, ForeignOwner, Corrupt, OutOfMemory, PermissionDenied, Io

    Examples
    --------
    >>> import numpy as np
    >>> from ndsharray_rs import Reader, Writer
    >>> with Writer("doc-writer") as writer, Reader("doc-writer") as reader:
    ...     seq = writer.write(np.arange(6).reshape(2, 3))
    ...     print(seq, reader.read().array.tolist())
    1 [[0, 1, 2], [3, 4, 5]]
    """
    def __new__(
        cls,
        name: str,
        *,
        dir: _Path | None = None,
        max_slots: int | None = None,
        max_readers: int | None = None,
        mode: int | None = None,
        readers_mode: int | None = None,
        capacity_bytes: int | None = None,
        history: int | None = None,
        wait_for_readers: _Seconds | None = None,
        persist: bool = False,
        prefault: bool = False,
        owners: _Owners | None = None,
        exist: Literal["fail", "takeover"] = "fail",
    ) -> Self: ...
    def write(self, array: ArrayLike | Sample, attributes: bytes | bytearray | None = None) -> int:
        """Publishes a copy of an array; returns its sequence number, which counts from 1.

        Takes any object that NumPy takes for an array, with any strides and in either byte order.
        The copy lies in C order.

        `attributes` are up to 4,096 bytes that belong to the value: a frame's number, JSON, what
        the program likes. `Sample.attributes` has them.

        Large arrays are copied without the interpreter lock. If a thread changes the array
        meanwhile, a mixture of old and new is published, as with any copy by NumPy.

        Raises
        ------
        TypeError
            For a dtype that cannot be shared: objects, text without a width, records without fields
            or with fields that overlap.
        InvalidBool
            When a byte of a bool array, or of a bool field, is neither 0 nor 1.
        AllSlotsPinned
            When readers hold all other slots. The last value stays current, as after every error.
            If readers of this process hold some, its garbage is collected once. If that frees a
            slot, the array is written.
        AttributesTooLong
            When `attributes` have more than 4,096 bytes.
        ReadersBehind
            When lossless readers have not made room within `wait_for_readers`.
        OutOfMemory, TooLarge, Forked
        """
    def loan(
        self, shape: _Shape, dtype: DTypeLike | None = None, *, attributes: bytes | bytearray | None = None
    ) -> Loan:
        """Lends the memory of the next value, to be filled in place without a copy.

        A `with` block gets the array. Its end publishes the array; an exception abandons it. Python
        does not tell a block's normal end from `break`, `continue` and `return`: these publish too,
        whatever the array holds by then. To publish nothing, call `Writer.abandon` before them. If
        the writer is closed inside the block, the value is not published, and the block's end
        raises a `ValueError`.

        `Loan.array` and `Loan.publish` do the same by hand. There is one loan at a time. `dtype` is
        float64 by default, as in NumPy. The array starts with zeros or an older value.
        `attributes` are those of `write`; `Loan.set_attributes` sets them later.

        Once the loan is over, the array is empty and read-only. Views and other things made of it
        stay usable, and lead to private memory: no change of them reaches another process. That
        takes some microseconds, and about ten nanoseconds a page. It costs nothing if only the
        variable of the `with` block is left, or nothing at all. From Python 3.14 on, a variable of
        a function does not count as the only one, as calls may borrow from it.

        `shape` is a tuple with the length of each axis, or an integer for one axis.

        Raises
        ------
        AllSlotsPinned, AttributesTooLong, ReadersBehind, OutOfMemory, TooLarge, TooManyDims, Forked

        Examples
        --------
        >>> from ndsharray_rs import Reader, Writer
        >>> writer, reader = Writer("doc-loan"), Reader("doc-loan")
        >>> with writer.loan((2, 2), "float32") as array:
        ...     array[...] = 0.5
        >>> reader.read().array.tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        >>> loan = writer.loan(3, int)
        >>> loan.array[:] = [1, 2, 3]
        >>> loan.publish()
        2
        """
    def abandon(self) -> bool:
        """Ends the open loan without a value; returns whether there was one.

        A `with` block of the loan then ends without an error.

        Examples
        --------
        >>> from ndsharray_rs import Writer
        >>> writer = Writer("doc-abandon")
        >>> for ready in (True, False):
        ...     with writer.loan(3) as array:
        ...         if not ready:
        ...             writer.abandon()
        ...             break
        ...         array[:] = 1
        True
        >>> writer.write([2.0])
        2
        """
    @property
    def name(self) -> str:
        """The channel's name."""
    @property
    def payload_name(self) -> str | None:
        """The file name of the current value's payload; `None` before the first."""
    @property
    def seq(self) -> int:
        """The current value's sequence number; 0 before the first.

        Not 0 from the start where a channel was taken over.
        """
    @property
    def reader_count(self) -> int:
        """How many living readers the channel has. Readers without write permission do not count."""
    @property
    def closed(self) -> bool:
        """Whether the writer has been closed."""
    def close(self) -> None:
        """Closes the channel and removes its files, unless it persists.

        An open loan is abandoned; if it has a `with` block, that ends with an error. Readers that
        have not read the last value yet still find it, however late they look. Closing again does
        nothing.
        """
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NoReturn: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

@final
class Loan:
    """Memory of the next value, lent by `Writer.loan`.

    Losing the last reference to the loan abandons it.
    """
    @property
    def array(self) -> _Array:
        """The array to be filled. It is writable until the loan is over.

        Raises
        ------
        ValueError
            Once the loan is over.
        """
    @property
    def seq(self) -> int | None:
        """The value's sequence number; `None` before it is published."""
    def set_attributes(self, attributes: bytes | bytearray) -> None:
        """Sets the attributes that the value will have, in the place of earlier ones.

        Raises
        ------
        ValueError
            When the loan is over.
        AttributesTooLong
            When they have more than 4,096 bytes. The earlier ones stay.
        """
    def publish(self) -> int:
        """Makes the array the current value; returns its sequence number.

        Raises
        ------
        ValueError
            When the loan is over.
        InvalidBool
            When a byte of a bool array is neither 0 nor 1. Then the loan is over, without a value.
        Forked
        """
    def abandon(self) -> None:
        """Ends the loan without a value. Does nothing when it is over already."""
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NoReturn: ...
    def __enter__(self) -> _Array: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

@final
class Reader:
    """A reader of the channel `name`. It sees the latest value, in any dtype and shape, without a
    copy.

    A reader follows the *name*. When the writer dies, the last value stays readable. When a new one
    comes, the reader goes on with its values. Iterating waits for one value after the other, and
    ends when the writer closes the channel. It takes the latest each time, or every one in order
    with `from_oldest` or `lossless`.

    When a reader is pickled, as by `multiprocessing`, the other process opens the channel by name.
    A forked child that inherits a reader opens the channel by name at first use. Where the channel
    is gone by then, the first use raises `NotFound`.

    One thread uses a reader at a time; meanwhile others get a `RuntimeError`. So give each thread
    its own. Any thread may close it.

    Parameters
    ----------
    name
        The channel's name.
    timeout
        Seconds to wait for the channel to appear; by default 0, not at all. `None` waits without an
        end, as everywhere.
    read_only
        Whether to do without write permission for any of the channel's files. Then values are
        copies, made again when the writer overtakes them.
    from_oldest
        Whether to begin with the oldest value that the writer still keeps, not the current one; see
        `history` of `Writer`. Iteration then takes every value in order, as `wait_next` does.
    lossless
        Whether to see every value: the writer waits for this reader, if its `wait_for_readers`
        allows it. Iteration takes every value in order.
    end_with_writer
        Whether a wait ends with `WriterGone` when the writer has died without closing the channel.
        By default it goes on, as a next writer may come.
    dir, owners
        As for `Writer`.

    Raises
    ------
    NotFound
        When there is no channel of that name. Also a `FileNotFoundError`.
    LosslessRefused
        When `lossless` is asked for, and the writer waits for no reader.
    TooManyReaders, ForeignOwner, PermissionDenied, Corrupt, InvalidName, Unsupported, Io

    Examples
    --------
    >>> from ndsharray_rs import Reader, Writer
    >>> writer = Writer("doc-reader")
    >>> reader = Reader("doc-reader")
    >>> reader.read() is None
    True
    >>> writer.write([1.5, 2.5])
    1
    >>> sample = reader.wait(timeout=1.0)
    >>> sample.array
    array([1.5, 2.5])
    >>> sample.array.flags.writeable
    False
    >>> writer.close()
    >>> reader.wait()
    Traceback (most recent call last):
        ...
    ndsharray_rs.errors.Closed: the writer has closed channel "doc-reader"
    """
    def __new__(
        cls,
        name: str,
        timeout: _Seconds | None = 0.0,
        read_only: bool = False,
        *,
        from_oldest: bool = False,
        lossless: bool = False,
        end_with_writer: bool = False,
        dir: _Path | None = None,
        owners: _Owners | None = None,
    ) -> Self: ...
    def read(self) -> Sample | None:
        """Returns the current value if it is newer than the last one read, otherwise `None`.

        Never blocks.

        Raises
        ------
        Corrupt, Contended, Forked
        """
    def latest(self) -> Sample | None:
        """Returns the current value, read before or not; `None` before the first.

        Counts as reading it.

        Raises
        ------
        Corrupt, Contended, Forked
        """
    def wait(self, timeout: _Seconds | None = None) -> Sample | None:
        """Waits for a newer value than the last one read, and returns it.

        Returns `None` when `timeout` seconds have passed. Without a `timeout`, the default, the
        wait has no end.

        Sleeps in the kernel, without the interpreter lock, until the writer wakes it. Ctrl-C and
        other signals are answered within 50 milliseconds. If another thread closes the reader, the
        wait ends with a `ValueError`. If the writer dies, the wait goes on,
        as a new one may take over; see `is_writer_alive`.

        Raises
        ------
        WriterGone
            When the writer has died, and the reader was opened with `end_with_writer`.
        Closed
            When the writer has closed the channel and its last value has been read: once for each
            close. After that, a wait goes on until a new writer publishes.
        Corrupt, Contended, Forked
        """
    def read_next(self) -> Sample | None:
        """Returns the oldest value newer than the last one read, otherwise `None`.

        Never blocks. The writer keeps the last `history` values, and those that lossless readers
        have yet to read. `Sample.missed` counts the values before it that have gone.

        Raises
        ------
        LosslessRefused
            Once, when a next writer does not wait for this lossless reader.
        Corrupt, Contended, Forked

        Examples
        --------
        >>> from ndsharray_rs import Reader, Writer
        >>> writer, reader = Writer("doc-next", history=8), Reader("doc-next")
        >>> [writer.write([number]) for number in range(3)]
        [1, 2, 3]
        >>> reader.read_next().seq, reader.read_next().seq, reader.read().seq, reader.read_next()
        (1, 2, 3, None)
        """
    def wait_next(self, timeout: _Seconds | None = None) -> Sample | None:
        """Waits for a value newer than the last one read, and returns the oldest of them.

        As `wait`, but in order: a reader that slept while several values came gets them one by one.
        `Closed` comes after the last of them.
        """
    @property
    def _in_order(self) -> bool: ...
    def wait_async(self, timeout: _Seconds | None = None) -> Coroutine[Any, Any, Sample | None]:
        """Waits as `wait` does, in programs with asyncio.

        Other tasks run meanwhile, and cancelling the task ends the wait at once. A value that comes
        while the task is cancelled is not read. `async for sample in reader` waits so for one value
        after the other, until the writer closes the channel. One task waits for a reader at a time.

        The loop waits for the descriptor of `fileno`, however many readers there are. A loop that
        cannot wait for descriptors has a thread of its executor wait.

        Raises
        ------
        As `wait`.
        """
    def wait_next_async(self, timeout: _Seconds | None = None) -> Coroutine[Any, Any, Sample | None]:
        """Waits as `wait_next` does, and otherwise as `wait_async`.

        Raises
        ------
        As `wait`.
        """
    def _wait_for_news(self, timeout: _Seconds | None, cancelled: Sized) -> bool: ...
    def _wake(self) -> None: ...
    def _on_close(self, call: Callable[[], object] | None) -> None: ...
    def fileno(self) -> int:
        """Returns a descriptor that is readable while there are news, for `selectors` and event loops.

        News are a value newer than the last one read, or the end of the channel. Wait until the
        descriptor is readable, then call `read`, `wait(0)` or their like: that resets it, and
        nothing else may read from it. It belongs to the reader, and is closed with it. While there
        is one, each read costs some system calls more.

        Raises
        ------
        OutOfMemory
            When the process has no descriptor left.
        Io, Forked

        Examples
        --------
        >>> import selectors
        >>> from ndsharray_rs import Reader, Writer
        >>> writer, reader = Writer("doc-fileno"), Reader("doc-fileno")
        >>> selector = selectors.DefaultSelector()
        >>> key = selector.register(reader, selectors.EVENT_READ)
        >>> selector.select(timeout=0)
        []
        >>> writer.write([1.0])
        1
        >>> [key.fileobj.read().seq for key, _ in selector.select(timeout=5.0)]
        [1]
        """
    def read_into(self, out: _Array | None = None) -> Info | None:
        """Copies the current value, if it is newer than the last one read.

        The copy goes to `out`, an array of the same dtype and shape, or to a new array. Returns
        `None` when there is nothing newer. A value that does not fit `out` stays unread: the next
        call finds it, or a newer one. What `out` holds after another error is unspecified.

        Raises
        ------
        DTypeMismatch, ShapeMismatch
            When the value does not fit `out`.
        ValueError
            When `out` is read-only.
        TypeError
            When elements of `out` are masked.
        Corrupt, Contended, Forked
        """
    @property
    def name(self) -> str:
        """The channel's name."""
    @property
    def payload_name(self) -> str | None:
        """The file name of the payload of the value read last.

        `None` before the first value, after the writer has replaced the file, and for a reader
        without write permission.
        """
    @property
    def seq(self) -> int | None:
        """The sequence number of the value read last; `None` before the first."""
    @property
    def is_writer_alive(self) -> bool:
        """Whether the channel has a living writer just now."""
    @property
    def writer_epoch(self) -> int:
        """How many writers the channel has had, the present one included."""
    @property
    def is_channel_closed(self) -> bool:
        """Whether the channel has been closed and its last value read, and no new writer has come.

        For programs that poll with `read`; `wait` raises `Closed`.
        """
    @property
    def closed(self) -> bool:
        """Whether the reader has been closed."""
    def close(self) -> None:
        """Releases the reader's entry in the channel. Samples and arrays stay valid.

        The wait of another thread ends at once, with a `ValueError`; a `for` loop just ends.
        """
    def __iter__(self) -> Iterator[Sample]: ...
    def __next__(self) -> Sample: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Coroutine[Any, Any, Sample]: ...
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NoReturn: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

@final
class Sample:
    """One value of a channel, from `Reader.read`, `Reader.latest` or `Reader.wait`.

    It holds the value in place. The value does not change as long as the sample, its array or
    anything made of them lives, whatever happens to the reader and the writer. Each value that is
    held takes one of the channel's slots from the writer. The last reference returns the slot.

    `numpy.asarray(sample)`, `memoryview(sample)` and `numpy.from_dlpack(sample)` show the same
    memory. Pickled, as by `multiprocessing`, a sample becomes a NumPy array of the other process.

    Examples
    --------
    >>> import numpy as np
    >>> from ndsharray_rs import Reader, Writer
    >>> writer = Writer("doc-sample")
    >>> writer.write(np.zeros((2, 3), "float32"))
    1
    >>> sample = Reader("doc-sample").read()
    >>> sample
    Sample(name='doc-sample', dtype=float32, shape=(2, 3), seq=1)
    >>> print(np.asarray(sample).sum())
    0.0
    >>> memoryview(sample).readonly
    True
    >>> sample.array[0, 0] = 1
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """
    @property
    def array(self) -> _Array:
        """The value as a NumPy array: no copy, not writable. It keeps its memory.

        A new array each time, over the same memory.

        Raises
        ------
        ModuleNotFoundError
            For bfloat16, when the package `ml_dtypes` is not installed.
        InvalidBool
            When a byte of a bool array is neither 0 nor 1.
        """
    @property
    def seq(self) -> int:
        """The value's sequence number. A channel's first value has 1, each next one more."""
    @property
    def missed(self) -> int:
        """Values that the reader missed since its last read. The first counts from its opening."""
    @property
    def age(self) -> float:
        """Seconds since the value was published."""
    @property
    def attributes(self) -> bytes:
        """The bytes that the writer has given the value; empty without any."""
    @property
    def epoch(self) -> int:
        """How many writers the channel had had when the value was published, its own included."""
    @property
    def incarnation(self) -> UUID:
        """The channel that the value was published on, one for each time that the name was made anew.

        Sequence numbers are of one incarnation. A `uuid.UUID`.
        """
    @property
    def time(self) -> float:
        """When the value was published, in seconds since 1970."""
    @property
    def time_ns(self) -> int:
        """When the value was published, in nanoseconds since 1970."""
    @property
    def monotonic_ns(self) -> int:
        """When the value was published, by the clock of `time.clock_gettime_ns(time.CLOCK_MONOTONIC)`."""
    @property
    def name(self) -> str:
        """The channel's name."""
    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
    @property
    def ndim(self) -> int:
        """How many axes there are."""
    @property
    def size(self) -> int:
        """How many elements there are."""
    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> _Array: ...
    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> CapsuleType: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...
    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]: ...

@final
class SharedArray:
    """A named array in shared memory, which all processes that open it change in place.

    `create` and `from_array` make an array, `open` opens one. `attach_raw` takes a block of another
    package, such as `multiprocessing.shared_memory.SharedMemory`.

    `with array.write() as elements` and `with array.read() as elements` lend all elements. They
    take a reader-writer lock that works across processes and survives the death of its holder.
    `load`, `store` and their like access one element atomically. `unlocked` is for programs that
    coordinate their processes by other means.

    The array lives until its name is removed (`unlink`, `remove_array`) and the last handle is
    gone. Closing a handle closes that handle alone.

    Threads may share a handle. When it is pickled, as by `multiprocessing`, the other process opens
    the array by name. A forked child that inherits a handle opens the array by name at first use.
    Where the name is gone by then, the first use raises `NotFound`.

    Examples
    --------
    >>> from ndsharray_rs import SharedArray
    >>> matrix = SharedArray.create("doc-matrix", (2, 3))
    >>> with matrix.write() as elements:
    ...     elements[1] = 1.5
    >>> with SharedArray.open("doc-matrix") as same, same.read() as elements:
    ...     elements.tolist()
    [[0.0, 0.0, 0.0], [1.5, 1.5, 1.5]]
    >>> matrix.store((0, 1), 7)
    >>> print(matrix.load((0, 1)))
    7.0
    >>> matrix.unlink()
    """
    @staticmethod
    def create(
        name: str,
        shape: _Shape,
        dtype: DTypeLike | None = None,
        *,
        dir: _Path | None = None,
        mode: int | None = None,
        max_handles: int | None = None,
        prefault: bool = False,
        owners: _Owners | None = None,
    ) -> SharedArray:
        """Makes the array `name`, filled with zeros, and reserves all its memory.

        Parameters
        ----------
        name, dir, owners
            As for `Writer`.
        shape
            The length of each axis: a tuple, or an integer for one axis.
        dtype
            The elements' dtype, by default float64, as in NumPy.
        mode
            Permission bits of the file, by default `0o600`. Every process needs write permission.
        max_handles
            Most handles open at once, 1 to 448, by default 64.
        prefault
            Whether to map the array with all its pages present.

        Raises
        ------
        AlreadyExists
            When the name is taken.
        OutOfMemory, TooLarge, TooManyDims, InvalidName, InvalidOption, ForeignOwner,
        PermissionDenied, Io
        """
    @staticmethod
    def from_array(
        name: str,
        array: ArrayLike,
        *,
        dir: _Path | None = None,
        mode: int | None = None,
        max_handles: int | None = None,
        prefault: bool = False,
        owners: _Owners | None = None,
    ) -> SharedArray:
        """Makes the array `name` with a copy of another. Others can open it once the copy is complete.

        Takes any object that NumPy takes for an array. Dtype and shape are that array's.

        Raises
        ------
        InvalidBool
            When a byte of a bool array is neither 0 nor 1.
        AlreadyExists, OutOfMemory, TooLarge, TooManyDims, InvalidName, InvalidOption, ForeignOwner,
        PermissionDenied, Io
            As `create`.
        """
    @staticmethod
    def open(name: str, *, dir: _Path | None = None, owners: _Owners | None = None) -> SharedArray:
        """Opens the array `name`, with the dtype and shape that its maker chose.

        Raises
        ------
        NotFound, TooManyReaders, Corrupt, ForeignOwner, PermissionDenied, InvalidName, Io
        """
    @staticmethod
    def open_or_create(
        name: str,
        shape: _Shape,
        dtype: DTypeLike | None = None,
        *,
        dir: _Path | None = None,
        mode: int | None = None,
        max_handles: int | None = None,
        prefault: bool = False,
        owners: _Owners | None = None,
    ) -> SharedArray:
        """Opens the array `name`, or makes it, filled with zeros, if there is none.

        An array that exists must have this dtype and as many elements. This handle sees them in
        `shape`. The options beside `dir` and `owners` are for a new one.

        Raises
        ------
        DTypeMismatch, ShapeMismatch
            When the array exists, and is another one.
        AlreadyExists
            When the name is taken by something else than an array.
        OutOfMemory, TooLarge, TooManyDims, TooManyReaders, Corrupt, InvalidName, InvalidOption,
        ForeignOwner, PermissionDenied, Io
            As `create` and `open`.
        """
    @staticmethod
    def attach_raw(
        name: str,
        shape: _Shape,
        dtype: DTypeLike | None = None,
        *,
        dir: _Path | None = None,
        owners: _Owners | None = None,
    ) -> SharedArray:
        """Opens the shared memory block `name`, which holds elements alone, as an array.

        A block has no lock: `read` and `write` raise `Unsupported`.

        Raises
        ------
        ShapeMismatch
            When the block is shorter than the array.
        NotFound, TooLarge, TooManyDims, InvalidName, ForeignOwner, PermissionDenied, Io
        """
    def read(self, timeout: _Seconds | None = None, *, accept_poison: bool = False) -> ArrayGuard:
        """Lends the elements read-only, in a `with` block, while no other party changes them.

        Any number of readers may hold the lock at once. The block begins by waiting for it, without
        the interpreter lock; signals are answered. A thread that already holds the lock and asks
        again may wait for itself.

        Parameters
        ----------
        timeout
            Seconds to wait; by default without an end.
        accept_poison
            Whether to accept an array whose holder died while it could change the elements.

        Raises
        ------
        TimeoutError
            When the lock has not become free in `timeout` seconds. This, and what follows, is
            raised where the block begins.
        Poisoned
            When a holder died while it could change the elements, unless `accept_poison` is set.
        InvalidBool
            When a byte of a bool array is neither 0 nor 1.
        Unsupported
            When the array is a block without a lock; see `attach_raw`.
        Forked
        """
    def write(self, timeout: _Seconds | None = None, *, accept_poison: bool = False) -> ArrayGuard:
        """Lends the elements writable, in a `with` block, while no other party holds the lock.

        The wait is that of `read`. The end of the block releases the lock, also after an exception.
        Then the lent array is empty and read-only, and views made of it lead to private memory, as
        with `Writer.loan`.

        Raises
        ------
        TimeoutError, Poisoned, InvalidBool, Unsupported, Forked
            As `read`.
        """
    @property
    def unlocked(self) -> _Array:
        """All elements as a writable NumPy array, without the lock. It keeps its memory.

        The lock protects no party here. A read beside a write may see a mixture of old and new. A
        write changes the elements under the eyes of a party that holds the lock.

        Single elements of a bool array can be read while others write them. This holds for NumPy
        below 2.4 too, which by itself would end the process.
        """
    def load(self, index: _Index) -> Any:
        """Loads one element atomically.

        `index` is a position on each axis: an integer where there is one axis, otherwise a tuple.
        Negative positions count from the end.

        Waits while a guard holds the lock to write. A thread that holds it itself would wait for
        itself.

        Raises
        ------
        IndexError
        TypeError
            For complex128, long doubles, text and records, which no machine loads in one step.
        """
    def store(self, index: _Index, value: Any) -> None:
        """Replaces one element atomically. Like all changes, it waits while a guard holds the lock.

        `index` is that of `load`.

        Raises
        ------
        IndexError, TypeError
            As `load`.
        OverflowError
            When `value` is beyond the range of an integer dtype, with NumPy 2.
        """
    def swap(self, index: _Index, value: Any) -> Any:
        """Replaces one element; returns the one before. Index and errors are those of `store`."""
    def compare_exchange(self, index: _Index, current: Any, new: Any) -> Any:
        """Replaces one element by `new` if it is `current`, bit by bit.

        Returns the one before, replaced or not. Index and errors are those of `store`.
        """
    def fetch_add(self, index: _Index, value: Any) -> Any:
        """Adds to one integer, wrapping around; returns the one before.

        `index` is that of `load`.

        Raises
        ------
        IndexError
        TypeError
            When the elements are no integers.
        OverflowError
            When `value` is beyond the range of the dtype, with NumPy 2.
        """
    def fetch_sub(self, index: _Index, value: Any) -> Any:
        """Subtracts from one integer, wrapping around; returns the one before.

        Index and errors are those of `fetch_add`.
        """
    def reshape(self, shape: _Shape) -> None:
        """Changes the shape in which this handle sees the elements, in C order.

        The new shape has as many elements. Other handles keep theirs.

        Raises
        ------
        ShapeMismatch
        """
    def unlink(self) -> None:
        """Removes the array's name, unless it already names another array.

        Open handles, this one too, go on working.
        """
    @property
    def is_poisoned(self) -> bool:
        """Whether a holder died while it could change the elements. They may be in pieces."""
    def clear_poison(self) -> None:
        """Declares the elements sound again."""
    @property
    def name(self) -> str:
        """The array's name."""
    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis, as this handle sees it."""
    @property
    def ndim(self) -> int:
        """How many axes there are."""
    @property
    def size(self) -> int:
        """How many elements there are."""
    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
    @property
    def closed(self) -> bool:
        """Whether this handle has been closed."""
    def close(self) -> None:
        """Closes this handle. Arrays from `unlocked` live on."""
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NoReturn: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

@final
class ArrayGuard:
    """The lock of a shared array, for the time of a `with` block.

    `SharedArray.read` and `SharedArray.write` make one.
    """
    def __array__(self, dtype: DTypeLike | None = None, *, copy: bool | None = None) -> NoReturn: ...
    def __enter__(self) -> _Array: ...
    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

def wait_any(readers: Sequence[Reader], timeout: _Seconds | None = None) -> list[Reader]:
    """Waits until any of the readers has news, and returns those that have, in order.

    News are a value newer than the last one read, or the end of the channel: its writer has closed
    it, and the last value has been read. `Reader.read` then gets the value, or `None` at an end;
    see `Reader.is_channel_closed`. An end is news once. All readers are looked at each time, so a
    channel that is written to without pause does not hide another. The list is empty when
    `timeout` seconds have passed. Without a `timeout`, the default, the wait has no end.

    The thread sleeps in the kernel, on all channels at once, and without the interpreter lock.
    Signals are answered within 50 milliseconds. If another thread closes one of the readers, the
    wait ends with a `ValueError`.

    Raises
    ------
    NothingToWaitFor
        When there are no readers. Also a `ValueError`.
    ValueError
        When a reader is there twice, or closed.
    RuntimeError
        When another thread uses one of them.
    Corrupt, Contended, Forked
        When no reader has news.

    Examples
    --------
    >>> import ndsharray_rs as nd
    >>> left, right = nd.Writer("doc-left"), nd.Writer("doc-right")
    >>> readers = [nd.Reader("doc-left"), nd.Reader("doc-right")]
    >>> nd.wait_any(readers, timeout=0)
    []
    >>> right.write([1.0])
    1
    >>> for reader in nd.wait_any(readers, timeout=1.0):
    ...     print(reader.read())
    Sample(name='doc-right', dtype=float64, shape=(1,), seq=1)
    """

def remove(name: str, *, dir: _Path | None = None, owners: _Owners | None = None) -> None:
    """Removes the channel `name` if it has no living writer.

    A killed writer leaves its channel, as does one with `persist`. Readers keep the values that
    they hold.

    Raises
    ------
    NotFound
        When there is no such channel.
    WriterExists
        When its writer lives.
    ForeignOwner, PermissionDenied, Io
    """

def remove_array(name: str, *, dir: _Path | None = None, owners: _Owners | None = None) -> None:
    """Removes the name of the array `name`, of any dtype. Open handles go on working.

    Raises
    ------
    NotFound, ForeignOwner, PermissionDenied, InvalidName, Io
    """

def _list(dir: _Path | None = None) -> list[tuple[str, Literal["channel", "array", "python"]]]:
    """Lists names and kinds."""

def _look(name: str, kind: str, dir: _Path | None = None) -> dict[str, Any]:
    """Returns the fields of a `_look.Report`."""

def _remove_unused(name: str, kind: str, dir: _Path | None = None, owners: _Owners | None = None) -> None:
    """Removes a channel or array, unless a living process uses it."""

def _before_fork() -> None:
    """Prepares for a fork. To be called before it."""

def _after_fork_in_parent() -> None:
    """Keeps pins and locks for the child. To be called in the parent, also after a fork that failed."""

def _after_fork_in_child() -> None:
    """Makes all inherited memory the child's own. To be called in the child after a fork."""

def _reopen_reader(
    name: str,
    read_only: bool,
    from_oldest: bool,
    lossless: bool,
    end_with_writer: bool,
    dir: _Path | None,
    owners: _Owners | None,
) -> Reader:
    """Opens a channel for a reader that has been pickled.

    Where that fails, it is left to the reader's first use: a worker of a pool that cannot unpickle
    a task's arguments ends, and the task's result never comes.
    """

def _reopen_array(
    name: str, raw: bool, dtype: str, shape: _Shape, dir: _Path | None, owners: _Owners | None
) -> SharedArray:
    """Opens an array that has been pickled.

    Where that fails, it is left to the handle's first use, as for a reader.
    """

@final
class WireReader:
    """The reading end. A forked child opens it again for itself."""
    def __new__(cls, name: str, *, dir: _Path | None = None) -> Self: ...
    def read(self) -> _Array | None:
        """Returns a private copy of the current value, if newer than the last one read."""
    @property
    def payload_name(self) -> str | None:
        """The file of the value read last."""
    @property
    def read_time_ms(self) -> float:
        """Milliseconds from writing to reading the last value."""
    @property
    def is_valid(self) -> bool:
        """Whether the last read found a sound value, new or not."""
    def close(self) -> None:
        """Releases the channel."""

@final
class WireWriter:
    """The writing end."""
    def __new__(
        cls,
        name: str,
        *,
        dir: _Path | None = None,
        mode: int | None = None,
        persist: bool = False,
        in_place: bool = False,
    ) -> Self: ...
    def write(self, array: _Array) -> None:
        """Publishes a copy of an array in C order and native byte order."""
    @property
    def payload_name(self) -> str | None:
        """The file of the value written last."""
    def close(self) -> None:
        """Ends the channel, and removes its files unless it persists."""

def map_block(descriptor: int, size: int, writable: bool = True) -> NDArray[np.uint8]:
    """Maps the first `size` bytes of an open file, which has at least as many.

    Unlike `mmap.mmap`, the mapping keeps no descriptor.
    """

def remove_leftovers(name: str, older_than: float = 0.0, *, dir: _Path | None = None) -> list[Path]:
    """Removes payload files older than so many seconds that the tag does not name.

    Returns their paths.
    """

def remove_wire(name: str, *, dir: _Path | None = None) -> None:
    """Removes all files of a channel."""
