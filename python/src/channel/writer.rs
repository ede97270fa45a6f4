//! The Python class of a channel's writer.

use crate::channel::loan::Loan;
use crate::channel::shared_writer::SharedWriter;
use crate::elements::array::{self, Shape};
use crate::elements::dtypes;
use crate::errors::{no_array, to_exception};
use crate::exit;
use crate::options::{Location, Owners};
use crate::time::{self, SLICE};
use ndsharray::{AnyWriter, Error};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::path::PathBuf;
use std::sync::Arc;

/// The one writer of a channel. It publishes arrays, whose dtype and shape may change each time.
///
/// Makes the channel `name`, or takes it over from a writer that died. Closing the writer, or
/// losing the last reference to it, closes the channel and removes its files, unless `persist` is
/// set. Readers keep the values that they hold.
///
/// A writer belongs to the process that made it. It cannot be pickled, and raises `Forked` in a
/// forked child. If it is still open when the process ends, it is closed. SIGTERM ends Python
/// without that, unless a handler turns the signal into an exit.
///
/// Threads may share a writer, and take turns. While one thread has a loan, the others wait for its
/// end. Where the wait could not end, as for a loan of the same thread, they get a `RuntimeError`.
/// As with any lock, a thread with a loan must not wait for a thread that waits for that loan.
///
/// Parameters
/// ----------
/// name
///     1 to 200 bytes, without `/`, `\\`, control characters, or a dot in front.
/// dir
///     The directory that holds the channel. By default the environment variable `NDSHARRAY_DIR`
///     names it, and without that it is `/dev/shm`.
/// max_slots
///     Slots of the channel, 2 to 64, by default 64. One is the current value's, one is being
///     written, and each value that a reader holds takes one more.
/// max_readers
///     Most readers attached at once, 1 to 448, by default 64.
/// mode, readers_mode
///     Permission bits of the files, and of the reader table; both by default `0o600`. To read, a
///     process must be able to write the reader table.
/// capacity_bytes
///     The least capacity of each payload file: shapes up to this size never need a new one.
/// history
///     How many values stay readable, the current one included; by default 1. Readers take them in
///     order with `read_next`. At most two less than `max_slots`.
/// wait_for_readers
///     Seconds for which a write, or a loan, waits for lossless readers that have not read what it
///     would overwrite; then it raises `ReadersBehind`. By default no reader can be lossless. A
///     reader that was killed is not waited for.
/// persist
///     Whether the last value stays readable after the writer is closed.
/// prefault
///     Whether to map new payload files with all their pages present.
/// owners
///     Whose existing files are trusted: `"own"` and root's, a user id and those, or `"anyone"`'s.
/// exist
///     What to do if this very process has an open `Writer` of that name, as where a cell of a
///     notebook runs twice. `"fail"`, the default, raises `WriterExists`. `"takeover"` closes that
///     writer first. A writer of another process is never closed.
///
/// Raises
/// ------
/// WriterExists
///     While another writer lives.
/// InvalidName, InvalidOption, ForeignOwner, Corrupt, OutOfMemory, PermissionDenied, Io
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from ndsharray_rs import Reader, Writer
/// >>> with Writer("doc-writer") as writer, Reader("doc-writer") as reader:
/// ...     seq = writer.write(np.arange(6).reshape(2, 3))
/// ...     print(seq, reader.read().array.tolist())
/// 1 [[0, 1, 2], [3, 4, 5]]
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct Writer {
    /// Shared with loans.
    shared: Arc<SharedWriter>,
}

/// Closes this process's writers of that name; returns whether there was one.
fn close_own(py: Python<'_>, name: &str, location: &Location) -> PyResult<bool> {
    let mut closed = false;
    for writer in exit::writers(py)? {
        // Another kind of writer has files of its own.
        let Ok(writer) = writer.cast_into::<Writer>() else { continue };
        let shared = &writer.get().shared;
        let is_it = shared.name() == name && shared.is_here() && !shared.is_closed();
        if is_it && shared.location().is_same_dir(location) {
            shared.close(py)?;
            closed = true;
        }
    }
    Ok(closed)
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (name, *, dir=None, max_slots=None, max_readers=None, mode=None, readers_mode=None,
                        capacity_bytes=None, history=None, wait_for_readers=None, persist=false,
                        prefault=false, owners=None, exist="fail"))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        name: String,
        dir: Option<PathBuf>,
        max_slots: Option<usize>,
        max_readers: Option<usize>,
        mode: Option<u32>,
        readers_mode: Option<u32>,
        capacity_bytes: Option<usize>,
        history: Option<usize>,
        wait_for_readers: Option<f64>,
        persist: bool,
        prefault: bool,
        owners: Option<Owners>,
        exist: &str,
    ) -> PyResult<Py<Self>> {
        let takes_over = match exist {
            "fail" => false,
            "takeover" => true,
            other => return Err(PyValueError::new_err(format!("exist is {other:?}, not \"fail\" or \"takeover\""))),
        };
        let location = Location::new(dir, owners)?;
        let mut options = location.options().persist(persist).prefault(prefault);
        if let Some(slots) = max_slots {
            options = options.max_slots(slots);
        }
        if let Some(readers) = max_readers {
            options = options.max_readers(readers);
        }
        if let Some(mode) = mode {
            options = options.mode(mode);
        }
        if let Some(mode) = readers_mode {
            options = options.readers_mode(mode);
        }
        if let Some(bytes) = capacity_bytes {
            options = options.capacity_bytes(bytes);
        }
        if let Some(values) = history {
            options = options.history(values);
        }
        let patience = wait_for_readers.map(time::patience).transpose()?;
        if let Some(patience) = patience {
            // Signals are answered after each slice.
            options = options.wait_for_readers(patience.min(SLICE));
        }
        let create = || py.detach(|| options.create_any(&name));
        let created = match create() {
            Err(Error::WriterExists { .. }) if takes_over && close_own(py, &name, &location)? => create(),
            other => other,
        };
        let writer = created.map_err(to_exception)?;
        let shared = Arc::new(SharedWriter::new(name, location, Box::new(writer), capacity_bytes, patience));
        let made = Py::new(py, Self { shared })?;
        exit::note_writer(made.bind(py))?;
        Ok(made)
    }

    /// Publishes a copy of an array; returns its sequence number, which counts from 1.
    ///
    /// Takes any object that NumPy takes for an array, with any strides and in either byte order.
    /// The copy lies in C order.
    ///
    /// `attributes` are up to 4,096 bytes that belong to the value: a frame's number, JSON, what
    /// the program likes. `Sample.attributes` has them.
    ///
    /// Large arrays are copied without the interpreter lock. If a thread changes the array
    /// meanwhile, a mixture of old and new is published, as with any copy by NumPy.
    ///
    /// Raises
    /// ------
    /// TypeError
    ///     For a dtype that cannot be shared: objects, text without a width, records without fields
    ///     or with fields that overlap.
    /// InvalidBool
    ///     When a byte of a bool array, or of a bool field, is neither 0 nor 1.
    /// AllSlotsPinned
    ///     When readers hold all other slots. The last value stays current, as after every error.
    ///     If readers of this process hold some, its garbage is collected once. If that frees a
    ///     slot, the array is written.
    /// AttributesTooLong
    ///     When `attributes` have more than 4,096 bytes.
    /// ReadersBehind
    ///     When lossless readers have not made room within `wait_for_readers`.
    /// OutOfMemory, TooLarge, Forked
    #[pyo3(signature = (array, attributes=None))]
    fn write(&self, py: Python<'_>, array: &Bound<'_, PyAny>, attributes: Option<PyBackedBytes>) -> PyResult<u64> {
        self.shared.write(py, &array::as_array(py, array)?, attributes.as_deref().unwrap_or_default())
    }

    /// Lends the memory of the next value, to be filled in place without a copy.
    ///
    /// A `with` block gets the array. Its end publishes the array; an exception abandons it. Python
    /// does not tell a block's normal end from `break`, `continue` and `return`: these publish too,
    /// whatever the array holds by then. To publish nothing, call `Writer.abandon` before them. If
    /// the writer is closed inside the block, the value is not published, and the block's end
    /// raises a `ValueError`.
    ///
    /// `Loan.array` and `Loan.publish` do the same by hand. There is one loan at a time. `dtype` is
    /// float64 by default, as in NumPy. The array starts with zeros or an older value.
    /// `attributes` are those of `write`; `Loan.set_attributes` sets them later.
    ///
    /// Once the loan is over, the array is empty and read-only. Views and other things made of it
    /// stay usable, and lead to private memory: no change of them reaches another process. That
    /// takes some microseconds, and about ten nanoseconds a page. It costs nothing if only the
    /// variable of the `with` block is left, or nothing at all. From Python 3.14 on, a variable of
    /// a function does not count as the only one, as calls may borrow from it.
    ///
    /// `shape` is a tuple with the length of each axis, or an integer for one axis.
    ///
    /// Raises
    /// ------
    /// AllSlotsPinned, AttributesTooLong, ReadersBehind, OutOfMemory, TooLarge, TooManyDims, Forked
    ///
    /// Examples
    /// --------
    /// >>> from ndsharray_rs import Reader, Writer
    /// >>> writer, reader = Writer("doc-loan"), Reader("doc-loan")
    /// >>> with writer.loan((2, 2), "float32") as array:
    /// ...     array[...] = 0.5
    /// >>> reader.read().array.tolist()
    /// [[0.5, 0.5], [0.5, 0.5]]
    /// >>> loan = writer.loan(3, int)
    /// >>> loan.array[:] = [1, 2, 3]
    /// >>> loan.publish()
    /// 2
    #[pyo3(signature = (shape, dtype=None, *, attributes=None))]
    fn loan(
        slf: &Bound<'_, Self>,
        shape: Shape,
        dtype: Option<&Bound<'_, PyAny>>,
        attributes: Option<PyBackedBytes>,
    ) -> PyResult<Loan> {
        let py = slf.py();
        let shared = &slf.get().shared;
        let attributes = attributes.as_deref().unwrap_or_default();
        let number = shared.lend(py, dtypes::parse(py, dtype)?, &shape.0, attributes)?;
        Ok(Loan::new(Arc::clone(shared), slf.clone().into_any().unbind(), number))
    }

    /// Ends the open loan without a value; returns whether there was one.
    ///
    /// A `with` block of the loan then ends without an error.
    ///
    /// Examples
    /// --------
    /// >>> from ndsharray_rs import Writer
    /// >>> writer = Writer("doc-abandon")
    /// >>> for ready in (True, False):
    /// ...     with writer.loan(3) as array:
    /// ...         if not ready:
    /// ...             writer.abandon()
    /// ...             break
    /// ...         array[:] = 1
    /// True
    /// >>> writer.write([2.0])
    /// 2
    fn abandon(&self, py: Python<'_>) -> PyResult<bool> {
        self.shared.abandon(py)
    }

    /// The channel's name.
    #[getter]
    fn name(&self) -> &str {
        self.shared.name()
    }

    /// The file name of the current value's payload; `None` before the first.
    #[getter]
    fn payload_name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.shared.ask(py, AnyWriter::payload_name)
    }

    /// The current value's sequence number; 0 before the first.
    ///
    /// Not 0 from the start where a channel was taken over.
    #[getter]
    fn seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.shared.ask(py, AnyWriter::seq)
    }

    /// How many living readers the channel has. Readers without write permission do not count.
    #[getter]
    fn reader_count(&self, py: Python<'_>) -> PyResult<usize> {
        self.shared.ask(py, AnyWriter::reader_count)
    }

    /// Closes the channel and removes its files, unless it persists.
    ///
    /// An open loan is abandoned; if it has a `with` block, that ends with an error. Readers that
    /// have not read the last value yet still find it, however late they look. Closing again does
    /// nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.close(py)
    }

    /// Whether the writer has been closed.
    #[getter]
    fn closed(&self) -> bool {
        self.shared.is_closed()
    }

    // Without this, NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array("Writer", "`write` publishes one, and a Reader gives the elements"))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("Writer(name='{}'{})", self.shared.name(), self.shared.shown_state())
    }

    fn __reduce__(&self) -> PyResult<()> {
        let name = self.shared.name();
        Err(PyTypeError::new_err(format!(
            "the Writer of channel {name:?} belongs to this process, as a channel has one writer: close it, and make Writer({name:?}) in the other process",
        )))
    }
}

/// Removes the channel `name` if it has no living writer.
///
/// A killed writer leaves its channel, as does one with `persist`. Readers keep the values that
/// they hold.
///
/// Raises
/// ------
/// NotFound
///     When there is no such channel.
/// WriterExists
///     When its writer lives.
/// ForeignOwner, PermissionDenied, Io
#[pyfunction]
#[pyo3(signature = (name, *, dir=None, owners=None))]
pub(crate) fn remove(name: &str, dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<()> {
    Location::new(dir, owners)?.options().remove(name).map_err(to_exception)
}
