//! The reading end.

use crate::dtypes;
use crate::errors::{self, closed_handle, in_use, no_array, to_exception};
use crate::options::{Owners, Place};
use crate::sample::{Sample, Target};
use crate::time::{Deadline, SLICE};
use ndsharray::Error;
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

/// A reader of the channel `name`: sees the latest value, without a copy, whatever its dtype and shape.
///
/// A reader follows the *name*: when the writer dies, the last value stays readable, and when a new one comes, the reader goes on with its values. Iterating waits for
/// one value after the other, and ends when the writer closes the channel.
///
/// Pickled, as by `multiprocessing`, it is opened by name in the other process. In a forked child it raises `Forked`. One thread uses it at a time; another gets a
/// `RuntimeError` meanwhile: give each thread its own.
///
/// Parameters
/// ----------
/// name
///     The channel's name.
/// timeout
///     Seconds to wait for the channel to appear; by default 0, not at all. `None` is for ever, as everywhere.
/// read_only
///     Whether to do without write permission for any of the channel's files: then values are copies, made again when the writer overtakes them.
/// dir, owners
///     As for `Writer`.
///
/// Raises
/// ------
/// NotFound
///     When there is no channel of that name. Also a `FileNotFoundError`.
/// TooManyReaders, ForeignOwner, PermissionDenied, Corrupt, InvalidName, Io
///
/// Examples
/// --------
/// >>> from ndsharray_rs import Reader, Writer
/// >>> writer = Writer("doc-reader")
/// >>> reader = Reader("doc-reader")
/// >>> reader.read() is None
/// True
/// >>> writer.write([1.5, 2.5])
/// 1
/// >>> sample = reader.wait(timeout=1.0)
/// >>> sample.array
/// array([1.5, 2.5])
/// >>> sample.array.flags.writeable
/// False
/// >>> writer.close()
/// >>> reader.wait()
/// Traceback (most recent call last):
///     ...
/// ndsharray_rs.errors.Closed: the writer has closed channel "doc-reader"
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Reader {
    name: Arc<str>,
    inner: Mutex<Option<ndsharray::Reader>>,
    place: Place,
    read_only: bool,
}

impl Reader {
    fn lock(&self) -> PyResult<MutexGuard<'_, Option<ndsharray::Reader>>> {
        match self.inner.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(guard)) => Ok(guard.into_inner()),
            Err(TryLockError::WouldBlock) => Err(in_use("Reader")),
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut ndsharray::Reader) -> ndsharray::Result<T>) -> PyResult<T> {
        let mut inner = self.lock()?;
        let reader = inner.as_mut().ok_or_else(|| closed_handle("Reader"))?;
        f(reader).map_err(to_exception)
    }
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (name, timeout=Some(0.0), read_only=false, *, dir=None, owners=None),
           text_signature = "(name, timeout=0.0, read_only=False, *, dir=None, owners=None)")]
    fn new(
        py: Python<'_>,
        name: String,
        timeout: Option<f64>,
        read_only: bool,
        dir: Option<PathBuf>,
        owners: Option<Owners>,
    ) -> PyResult<Self> {
        let place = Place::new(dir, owners)?;
        let options = place.options();
        let open = || if read_only { options.open_read_only(&name) } else { options.open(&name) };
        let deadline = Deadline::after(timeout)?;
        let inner = loop {
            match open() {
                Err(Error::NotFound { .. }) if !deadline.is_over() => {
                    py.detach(|| std::thread::sleep(deadline.left().min(Duration::from_millis(2))));
                    py.check_signals()?;
                }
                other => break other.map_err(to_exception)?,
            }
        };
        Ok(Self { name: name.into(), inner: Mutex::new(Some(inner)), place, read_only })
    }

    /// The current value if it is newer than the last one read, else `None`. Never blocks.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn read(&self) -> PyResult<Option<Sample>> {
        Ok(self.with(ndsharray::Reader::read_owned)?.map(|value| Sample::new(&self.name, value)))
    }

    /// The current value, whether it has been read before or not; `None` before the first. Counts as reading it.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn latest(&self) -> PyResult<Option<Sample>> {
        Ok(self.with(ndsharray::Reader::latest_owned)?.map(|value| Sample::new(&self.name, value)))
    }

    /// Waits for something newer than the last value read, and returns it; `None` when `timeout` seconds have passed. A `timeout` of `None`, the default, is for ever.
    ///
    /// Sleeps in the kernel, without the interpreter lock, until the writer wakes it; answers Ctrl-C and other signals within 50 milliseconds. When the writer dies the wait
    /// goes on, as a new one may take over; `is_writer_alive` tells.
    ///
    /// Raises
    /// ------
    /// Closed
    ///     When the writer has closed the channel and everything has been read. Calling again is fine, and finds a new writer's channel.
    /// Corrupt, Contended, Forked
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Sample>> {
        let deadline = Deadline::after(timeout)?;
        let mut inner = self.lock()?;
        let reader = inner.as_mut().ok_or_else(|| closed_handle("Reader"))?;
        loop {
            let left = deadline.left();
            let slice = left.min(SLICE);
            if let Some(sample) = py.detach(|| reader.wait_owned(slice)).map_err(to_exception)? {
                return Ok(Some(Sample::new(&self.name, sample)));
            }
            py.check_signals()?;
            if left <= slice && deadline.is_over() {
                return Ok(None);
            }
        }
    }

    /// As `read`, but copies the value: to `out`, an array of the same dtype and shape, or to a new array. `None` when there is nothing newer.
    ///
    /// A value that does not fit `out` stays unread: the next call finds it, or a newer one.
    ///
    /// Raises
    /// ------
    /// DTypeMismatch, ShapeMismatch
    ///     When the value takes another array than `out`.
    /// ValueError
    ///     When `out` is read-only.
    /// TypeError
    ///     When elements of `out` are masked.
    /// Corrupt, Contended, Forked
    #[pyo3(signature = (out=None))]
    fn read_into<'py>(
        &self,
        py: Python<'py>,
        out: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let target = out.map(Target::new).transpose()?;
        let mut refused = None;
        let read = self.with(|reader| {
            reader.read_owned_if(|dtype, shape| {
                refused = match &target {
                    Some(target) => target.check(py, dtype, shape),
                    // As bfloat16, without the package that has it.
                    None => dtypes::to_numpy(py, dtype).map(|_| ()),
                }
                .err();
                // Any error: the reason is returned in its place.
                if refused.is_some() { Err(Error::Forked) } else { Ok(()) }
            })
        });
        if let Some(reason) = refused {
            return Err(reason);
        }
        let Some(value) = read? else { return Ok(None) };
        Sample::new(&self.name, value).copy_into(py, out).map(Some)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    // Ends when the writer closes the channel.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Sample>> {
        match self.wait(py, None) {
            Err(error) if error.is_instance(py, errors::class(py, "Closed")?.as_any()) => Ok(None),
            other => other,
        }
    }

    /// The channel's name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The file name of the payload of the value read last; `None` before the first, when the writer has replaced the file since, and for a reader without
    /// write permission.
    #[getter]
    fn payload_name(&self) -> PyResult<Option<String>> {
        self.with(|reader| Ok(reader.payload_name()))
    }

    /// Whether the channel has a living writer just now.
    #[getter]
    fn is_writer_alive(&self) -> PyResult<bool> {
        self.with(|reader| Ok(reader.is_writer_alive()))
    }

    /// How many writers the channel has had, the present one included.
    #[getter]
    fn writer_epoch(&self) -> PyResult<u64> {
        self.with(|reader| Ok(reader.writer_epoch()))
    }

    /// Whether the reader has been closed.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.lock()?.is_none())
    }

    fn __repr__(&self) -> String {
        let state = match self.inner.try_lock() {
            Ok(inner) if inner.is_none() => ", closed",
            _ => "",
        };
        format!("Reader(name='{}'{state})", self.name)
    }

    // By name: the other process opens the channel for itself, and starts with the value that is current then.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        if self.lock()?.is_none() {
            return Err(closed_handle("Reader"));
        }
        let arguments = (&*self.name, self.read_only, self.place.dir.as_ref(), self.place.owners.clone());
        Ok((py.import("ndsharray_rs._native")?.getattr("_reopen_reader")?, arguments.into_pyobject(py)?))
    }

    /// Gives up the reader's place in the channel. Samples and arrays live on.
    fn close(&self) -> PyResult<()> {
        let taken = self.lock()?.take();
        drop(taken);
        Ok(())
    }

    // Without this NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array("Reader", "`reader.read()` gives a sample, or None, and `sample.array` the elements"))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close()
    }
}

/// Opens a channel for a reader that has been pickled.
#[pyfunction]
pub(crate) fn _reopen_reader(
    py: Python<'_>,
    name: String,
    read_only: bool,
    dir: Option<PathBuf>,
    owners: Option<Owners>,
) -> PyResult<Reader> {
    Reader::new(py, name, Some(0.0), read_only, dir, owners)
}
