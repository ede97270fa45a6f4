//! The reading end.

use crate::dtypes;
use crate::errors::{self, closed_handle, in_use, no_array, to_exception};
use crate::exit;
use crate::forks::Own;
use crate::options::{Owners, Place};
use crate::sample::{Sample, Target};
use crate::shared::unpoisoned;
use crate::time::{Deadline, SLICE};
use ndsharray::{Error, OwnedSample};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A reader of the channel `name`: sees the latest value, without a copy, whatever its dtype and shape.
///
/// A reader follows the *name*: when the writer dies, the last value stays readable, and when a new one comes, the reader goes on with its values. Iterating waits for
/// one value after the other, and ends when the writer closes the channel.
///
/// Pickled, as by `multiprocessing`, it is opened by name in the other process; inherited by a forked
/// child, it opens itself there by name at its first use. One thread uses it at a time; another gets
/// a `RuntimeError` meanwhile: give each thread its own. Any thread may close it.
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
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct Reader {
    name: Arc<str>,
    /// This process's. Locked for moments, with the interpreter lock, so that no fork finds it locked.
    own: Mutex<Arc<OwnReader>>,
    /// Whether it has been closed. A thread that waits then lets go of the reader itself.
    closed: AtomicBool,
    place: Place,
    read_only: bool,
}

type OwnReader = Own<Option<ndsharray::Reader>>;

impl Reader {
    /// The reader of this process. In a forked child, which inherited its parent's, it is opened anew.
    fn own(&self) -> PyResult<Arc<OwnReader>> {
        self.check_open()?;
        let inherited = {
            let own = unpoisoned(&self.own);
            if own.home().is_here() {
                return Ok(Arc::clone(&own));
            }
            Arc::clone(&own)
        };
        let opened = Arc::new(Own::new(Some(open(&self.place, &self.name, self.read_only)?)));
        *unpoisoned(&self.own) = Arc::clone(&opened);
        // What a thread of the parent used at the fork is never dropped here, as that thread has it too.
        drop(inherited);
        Python::attach(exit::watch)?;
        Ok(opened)
    }

    // Relaxed: the interpreter lock orders it.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn check_open(&self) -> PyResult<()> {
        if self.is_closed() { Err(closed_handle("Reader")) } else { Ok(()) }
    }

    /// Calls `f` with the reader, unless another thread uses it.
    ///
    /// If `f` gives up the interpreter lock, another thread may close the reader meanwhile. Then it
    /// is dropped here.
    fn with<T>(&self, f: impl FnOnce(&OwnReader, &mut ndsharray::Reader) -> PyResult<T>) -> PyResult<T> {
        let own = self.own()?;
        let mut locked = own.try_lock()?.ok_or_else(|| in_use("Reader"))?;
        let answer = f(&own, locked.as_mut().ok_or_else(|| closed_handle("Reader"))?);
        let taken = if self.is_closed() { locked.take() } else { None };
        drop(locked);
        drop(taken);
        answer
    }

    /// Waits with `wait` in slices, until it has something, or the time is over, or the reader is closed.
    fn wait_with<T: Send>(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        wait: impl Fn(&mut ndsharray::Reader, Duration) -> ndsharray::Result<Option<T>> + Send + Sync,
    ) -> PyResult<Option<T>> {
        let deadline = Deadline::after(timeout)?;
        self.with(|own, reader| {
            loop {
                let left = deadline.left();
                let slice = left.min(SLICE);
                if let Some(found) = py.detach(|| wait(reader, slice)).map_err(to_exception)? {
                    return Ok(Some(found));
                }
                py.check_signals()?;
                self.check_open()?;
                // A signal's handler may have forked, and this be the child.
                own.home().check()?;
                if left <= slice && deadline.is_over() {
                    return Ok(None);
                }
            }
        })
    }

    fn sample(&self, value: OwnedSample) -> Sample {
        Sample::new(&self.name, value, !self.read_only)
    }
}

fn open(place: &Place, name: &str, read_only: bool) -> PyResult<ndsharray::Reader> {
    let options = place.options();
    if read_only { options.open_read_only(name) } else { options.open(name) }.map_err(to_exception)
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
    ) -> PyResult<Py<Self>> {
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
        let own = Mutex::new(Arc::new(Own::new(Some(inner))));
        let made = Py::new(py, Self { name: name.into(), own, closed: AtomicBool::new(false), place, read_only })?;
        exit::note_reader(made.bind(py))?;
        Ok(made)
    }

    /// The current value if it is newer than the last one read, else `None`. Never blocks.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn read(&self) -> PyResult<Option<Sample>> {
        let read = self.with(|_, reader| reader.read_owned().map_err(to_exception))?;
        Ok(read.map(|value| self.sample(value)))
    }

    /// The current value, whether it has been read before or not; `None` before the first. Counts as reading it.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn latest(&self) -> PyResult<Option<Sample>> {
        let read = self.with(|_, reader| reader.latest_owned().map_err(to_exception))?;
        Ok(read.map(|value| self.sample(value)))
    }

    /// Waits for something newer than the last value read, and returns it; `None` when `timeout` seconds have passed. A `timeout` of `None`, the default, is for ever.
    ///
    /// Another thread that closes the reader ends the wait within 50 milliseconds, with a `ValueError`.
    ///
    /// Sleeps in the kernel, without the interpreter lock, until the writer wakes it; answers Ctrl-C and other signals within 50 milliseconds. When the writer dies the wait
    /// goes on, as a new one may take over; `is_writer_alive` tells.
    ///
    /// Raises
    /// ------
    /// Closed
    ///     When the writer has closed the channel and its last value has been read: once for each close. After that, waiting goes on until a new writer publishes.
    /// Corrupt, Contended, Forked
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Sample>> {
        let waited = self.wait_with(py, timeout, ndsharray::Reader::wait_owned)?;
        Ok(waited.map(|value| self.sample(value)))
    }

    // Reads nothing, so that nothing is lost when what it was for has been cancelled.
    #[pyo3(signature = (timeout))]
    fn _wait_for_news(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let wait = |reader: &mut ndsharray::Reader, slice| Ok(reader.wait_for_news(slice)?.then_some(()));
        Ok(self.wait_with(py, timeout, wait)?.is_some())
    }

    /// As `wait`, for programs with asyncio: other tasks run meanwhile, and cancelling the task ends the wait.
    ///
    /// The wait itself goes on in a thread of the loop's executor, in slices of 50 milliseconds. A value that comes while the
    /// task is cancelled is not read.
    ///
    /// Raises
    /// ------
    /// As `wait`.
    #[pyo3(signature = (timeout=None))]
    fn wait_async<'py>(slf: Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        py.import("ndsharray_rs._aio")?.getattr("wait")?.call1((slf, timeout))
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
        let read = self.with(|_, reader| {
            let read = reader.read_owned_if(|dtype, shape| {
                refused = match &target {
                    Some(target) => target.check(py, dtype, shape),
                    // As bfloat16, without the package that has it.
                    None => dtypes::to_numpy(py, dtype).map(|_| ()),
                }
                .err();
                // Any error: the reason is returned in its place.
                if refused.is_some() { Err(Error::Forked) } else { Ok(()) }
            });
            read.map_err(to_exception)
        });
        if let Some(reason) = refused {
            return Err(reason);
        }
        let Some(value) = read? else { return Ok(None) };
        self.sample(value).copy_into(py, out).map(Some)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    // Ends when the writer closes the channel.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Sample>> {
        self.check_open()?;
        match self.wait(py, None) {
            // Also when another thread has closed the reader.
            Err(_) if self.is_closed() => Ok(None),
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
        self.with(|_, reader| Ok(reader.payload_name()))
    }

    /// Whether the channel has a living writer just now.
    #[getter]
    fn is_writer_alive(&self) -> PyResult<bool> {
        self.with(|_, reader| Ok(reader.is_writer_alive()))
    }

    /// How many writers the channel has had, the present one included.
    #[getter]
    fn writer_epoch(&self) -> PyResult<u64> {
        self.with(|_, reader| Ok(reader.writer_epoch()))
    }

    /// Whether the reader has been closed.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    fn __repr__(&self) -> String {
        let state = if self.is_closed() { ", closed" } else { "" };
        format!("Reader(name='{}'{state})", self.name)
    }

    // By name: the other process opens the channel for itself, and starts with the value that is current then.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        self.check_open()?;
        let arguments = (&*self.name, self.read_only, self.place.dir.as_ref(), self.place.owners.clone());
        Ok((py.import("ndsharray_rs._native")?.getattr("_reopen_reader")?, arguments.into_pyobject(py)?))
    }

    /// Gives up the reader's place in the channel. Samples and arrays live on.
    ///
    /// Ends the wait of another thread within 50 milliseconds, with a `ValueError`; a `for` loop just ends.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let own = Arc::clone(&unpoisoned(&self.own));
        // If another thread has it, that one drops it; in a forked child it stays as it is.
        let taken = own.at_once().and_then(|mut reader| reader.take());
        drop(taken);
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

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.close();
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
) -> PyResult<Py<Reader>> {
    Reader::new(py, name, Some(0.0), read_only, dir, owners)
}
