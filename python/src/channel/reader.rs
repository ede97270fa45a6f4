//! The Python class of a channel's reader.

use crate::channel::sample::Sample;
use crate::channel::target::{Copied, Plain, Target};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::errors::{self, no_array, to_exception};
use crate::exit;
use crate::fork::home::Home;
use crate::fork::own::unpoisoned;
use crate::fork::reopening::{Mine, Reopening};
use crate::options::{Location, Owners, Terms};
use crate::time::{Deadline, SLICE};
#[cfg(unix)]
use ndsharray::NewsFd;
use ndsharray::{Error, OwnedSample, ReaderWaker};
use numpy::PyUntypedArray;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
#[cfg(unix)]
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A reader of the channel `name`. It sees the latest value, in any dtype and shape, without a
/// copy.
///
/// A reader follows the *name*. When the writer dies, the last value stays readable. When a new one
/// comes, the reader goes on with its values. Iterating waits for one value after the other, and
/// ends when the writer closes the channel. It takes the latest each time, or every one in order
/// with `from_oldest` or `lossless`.
///
/// When a reader is pickled, as by `multiprocessing`, the other process opens the channel by name.
/// A forked child that inherits a reader opens the channel by name at first use. Where the channel
/// is gone by then, the first use raises `NotFound`.
///
/// One thread uses a reader at a time; meanwhile others get a `RuntimeError`. So give each thread
/// its own. Any thread may close it.
///
/// Parameters
/// ----------
/// name
///     The channel's name.
/// timeout
///     Seconds to wait for the channel to appear; by default 0, not at all. `None` waits without an
///     end, as everywhere.
/// read_only
///     Whether to do without write permission for any of the channel's files. Then values are
///     copies, made again when the writer overtakes them.
/// from_oldest
///     Whether to begin with the oldest value that the writer still keeps, not the current one; see
///     `history` of `Writer`. Iteration then takes every value in order, as `wait_next` does.
/// lossless
///     Whether to see every value: the writer waits for this reader, if its `wait_for_readers`
///     allows it. Iteration takes every value in order.
/// end_with_writer
///     Whether a wait ends with `WriterGone` when the writer has died without closing the channel.
///     By default it goes on, as a next writer may come.
/// dir, owners
///     As for `Writer`.
///
/// Raises
/// ------
/// NotFound
///     When there is no channel of that name. Also a `FileNotFoundError`.
/// LosslessRefused
///     When `lossless` is asked for, and the writer waits for no reader.
/// TooManyReaders, ForeignOwner, PermissionDenied, Corrupt, InvalidName, Unsupported, Io
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
    reader: Reopening<ndsharray::Reader>,
    location: Location,
    terms: Terms,
    /// Ends the wait of another thread. Locked for moments, under the interpreter lock.
    waker: Mutex<Option<ReaderWaker>>,
    /// What `close` calls, to end a wait in an event loop of that process. Locked as the waker is.
    on_close: Mutex<Option<(Home, Py<PyAny>)>>,
    /// The descriptor that `fileno` has returned, and its process. Locked as the waker is.
    #[cfg(unix)]
    news: Mutex<Option<(Home, NewsFd)>>,
}

impl Reader {
    /// Returns this process's reader, to be locked.
    pub(super) fn mine(&self) -> PyResult<Mine<ndsharray::Reader>> {
        self.reader.mine(|| self.open())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.reader.is_closed()
    }

    pub(super) fn check_open(&self) -> PyResult<()> {
        self.reader.check_open()
    }

    /// Has `close` end the wait that is about to begin.
    pub(super) fn note_waker(&self, waker: ReaderWaker) {
        *unpoisoned(&self.waker) = Some(waker);
    }

    /// Opens the reader that has been inherited.
    fn open(&self) -> PyResult<ndsharray::Reader> {
        let opened = open(&self.location, &self.name, self.terms).map_err(to_exception)?;
        Python::attach(exit::watch)?;
        Ok(opened)
    }

    /// Calls `f` with this process's reader and its process, unless another thread uses the reader.
    fn with<T>(&self, f: impl FnOnce(Home, &mut ndsharray::Reader) -> PyResult<T>) -> PyResult<T> {
        self.reader.with(|| self.open(), f)
    }

    /// Waits with `wait` in slices, until it succeeds, time runs out, or a thread closes.
    ///
    /// Returns `None` too once `cancelled` is true; a thread that makes it so calls
    /// [`wake`](Self::wake) then.
    fn wait_with<T: Send>(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        cancelled: Option<&Bound<'_, PyAny>>,
        wait: impl Fn(&mut ndsharray::Reader, Duration) -> ndsharray::Result<Option<T>> + Send + Sync,
    ) -> PyResult<Option<T>> {
        let deadline = Deadline::after(timeout)?;
        self.with(|home, reader| {
            self.note_waker(reader.waker());
            loop {
                if cancelled.map_or(Ok(false), PyAnyMethods::is_truthy)? {
                    return Ok(None);
                }
                let left = deadline.left();
                let slice = left.min(SLICE);
                if let Some(found) = py.detach(|| wait(reader, slice)).map_err(to_exception)? {
                    return Ok(Some(found));
                }
                py.check_signals()?;
                self.reader.check_open()?;
                // A signal's handler may have forked, and this be the child.
                home.check()?;
                if left <= slice && deadline.is_over() {
                    return Ok(None);
                }
            }
        })
    }

    /// Ends the present wait for a moment, in which it looks for what may end it.
    fn wake(&self) {
        if let Some(waker) = &*unpoisoned(&self.waker) {
            waker.wake();
        }
    }

    /// Makes the object.
    fn made(
        py: Python<'_>,
        name: String,
        reader: Reopening<ndsharray::Reader>,
        location: Location,
        terms: Terms,
    ) -> PyResult<Py<Self>> {
        let made = Py::new(
            py,
            Self {
                name: name.into(),
                reader,
                location,
                terms,
                waker: Mutex::new(None),
                on_close: Mutex::new(None),
                #[cfg(unix)]
                news: Mutex::new(None),
            },
        )?;
        exit::note_reader(made.bind(py))?;
        Ok(made)
    }

    /// Makes a sample of a value, if there is one.
    fn sample<'py>(&self, py: Python<'py>, value: Option<OwnedSample>) -> PyResult<Option<Bound<'py, Sample>>> {
        value.map(|value| Sample::new(py, &self.name, value, !self.terms.read_only)).transpose()
    }
}

fn open(location: &Location, name: &str, terms: Terms) -> ndsharray::Result<ndsharray::Reader> {
    let options = location.options().from_oldest(terms.from_oldest);
    let options = options.lossless(terms.lossless).end_with_writer(terms.end_with_writer);
    if terms.read_only { options.open_read_only(name) } else { options.open(name) }
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (name, timeout=Some(0.0), read_only=false, *, from_oldest=false, lossless=false,
                        end_with_writer=false, dir=None, owners=None),
           text_signature = "(name, timeout=0.0, read_only=False, *, from_oldest=False, lossless=False, \
                             end_with_writer=False, dir=None, owners=None)")]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        name: String,
        timeout: Option<f64>,
        read_only: bool,
        from_oldest: bool,
        lossless: bool,
        end_with_writer: bool,
        dir: Option<PathBuf>,
        owners: Option<Owners>,
    ) -> PyResult<Py<Self>> {
        let terms = Terms { read_only, from_oldest, lossless, end_with_writer };
        let location = Location::new(dir, owners)?;
        let deadline = Deadline::after(timeout)?;
        let reader = loop {
            match open(&location, &name, terms) {
                Err(Error::NotFound { .. }) if !deadline.is_over() => {
                    py.detach(|| std::thread::sleep(deadline.left().min(Duration::from_millis(2))));
                    py.check_signals()?;
                }
                other => break other.map_err(to_exception)?,
            }
        };
        Self::made(py, name, Reopening::new("Reader", reader), location, terms)
    }

    /// Returns the current value if it is newer than the last one read, otherwise `None`.
    ///
    /// Never blocks.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.sample(py, self.with(|_, reader| reader.read_owned().map_err(to_exception))?)
    }

    /// Returns the current value, read before or not; `None` before the first.
    ///
    /// Counts as reading it.
    ///
    /// Raises
    /// ------
    /// Corrupt, Contended, Forked
    fn latest<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.sample(py, self.with(|_, reader| reader.latest_owned().map_err(to_exception))?)
    }

    /// Waits for a newer value than the last one read, and returns it.
    ///
    /// Returns `None` when `timeout` seconds have passed. Without a `timeout`, the default, the
    /// wait has no end.
    ///
    /// Sleeps in the kernel, without the interpreter lock, until the writer wakes it. Ctrl-C and
    /// other signals are answered within 50 milliseconds. If another thread closes the reader, the
    /// wait ends with a `ValueError`. If the writer dies, the wait goes on,
    /// as a new one may take over; see `is_writer_alive`.
    ///
    /// Raises
    /// ------
    /// WriterGone
    ///     When the writer has died, and the reader was opened with `end_with_writer`.
    /// Closed
    ///     When the writer has closed the channel and its last value has been read: once for each
    ///     close. After that, a wait goes on until a new writer publishes.
    /// Corrupt, Contended, Forked
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.sample(py, self.wait_with(py, timeout, None, ndsharray::Reader::wait_owned)?)
    }

    /// Returns the oldest value newer than the last one read, otherwise `None`.
    ///
    /// Never blocks. The writer keeps the last `history` values, and those that lossless readers
    /// have yet to read. `Sample.missed` counts the values before it that have gone.
    ///
    /// Raises
    /// ------
    /// LosslessRefused
    ///     Once, when a next writer does not wait for this lossless reader.
    /// Corrupt, Contended, Forked
    ///
    /// Examples
    /// --------
    /// >>> from ndsharray_rs import Reader, Writer
    /// >>> writer, reader = Writer("doc-next", history=8), Reader("doc-next")
    /// >>> [writer.write([number]) for number in range(3)]
    /// [1, 2, 3]
    /// >>> reader.read_next().seq, reader.read_next().seq, reader.read().seq, reader.read_next()
    /// (1, 2, 3, None)
    fn read_next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.sample(py, self.with(|_, reader| reader.read_next_owned().map_err(to_exception))?)
    }

    /// Waits for a value newer than the last one read, and returns the oldest of them.
    ///
    /// As `wait`, but in order: a reader that slept while several values came gets them one by one.
    /// `Closed` comes after the last of them.
    #[pyo3(signature = (timeout=None))]
    fn wait_next<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.sample(py, self.wait_with(py, timeout, None, ndsharray::Reader::wait_next_owned)?)
    }

    // Whether iteration takes every value.
    #[getter]
    fn _in_order(&self) -> bool {
        self.terms.in_order()
    }

    // Reads nothing, so that nothing is lost when the task that waits has been cancelled.
    #[pyo3(signature = (timeout, cancelled))]
    fn _wait_for_news(&self, py: Python<'_>, timeout: Option<f64>, cancelled: &Bound<'_, PyAny>) -> PyResult<bool> {
        let wait = |reader: &mut ndsharray::Reader, slice| Ok(reader.wait_for_news(slice)?.then_some(()));
        Ok(self.wait_with(py, timeout, Some(cancelled), wait)?.is_some())
    }

    fn _wake(&self) {
        self.wake();
    }

    /// Waits as `wait` does, in programs with asyncio.
    ///
    /// Other tasks run meanwhile, and cancelling the task ends the wait at once. A value that comes
    /// while the task is cancelled is not read. `async for sample in reader` waits so for one value
    /// after the other, until the writer closes the channel. One task waits for a reader at a time.
    ///
    /// The loop waits for the descriptor of `fileno`, however many readers there are. A loop that
    /// cannot wait for descriptors has a thread of its executor wait.
    ///
    /// Raises
    /// ------
    /// As `wait`.
    #[pyo3(signature = (timeout=None))]
    fn wait_async<'py>(slf: Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        py.import("ndsharray_rs._aio")?.getattr("wait")?.call1((slf, timeout))
    }

    /// Waits as `wait_next` does, and otherwise as `wait_async`.
    ///
    /// Raises
    /// ------
    /// As `wait`.
    #[pyo3(signature = (timeout=None))]
    fn wait_next_async<'py>(slf: Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        py.import("ndsharray_rs._aio")?.getattr("wait_next")?.call1((slf, timeout))
    }

    /// Copies the current value, if it is newer than the last one read.
    ///
    /// The copy goes to `out`, an array of the same dtype and shape, or to a new array. Returns
    /// `None` when there is nothing newer. A value that does not fit `out` stays unread: the next
    /// call finds it, or a newer one. What `out` holds after another error is unspecified.
    ///
    /// Raises
    /// ------
    /// DTypeMismatch, ShapeMismatch
    ///     When the value does not fit `out`.
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
        if let Some(plain) = target.as_ref().and_then(Plain::new)
            && let Copied::Done(done) = self.with(|_, reader| plain.read(reader, self.terms.read_only))?
        {
            return Ok(done);
        }
        let mut refused = None;
        let read = self.with(|_, reader| {
            let read = reader.read_owned_if_described(|element, record, shape| {
                let elements = Elements::of(element, record);
                refused = match &target {
                    Some(target) => target.check(py, &elements, shape),
                    // As for bfloat16, without the package that has it.
                    None => dtypes::to_numpy(py, &elements).map(|_| ()),
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
        let sample = self.sample(py, read?)?;
        sample.map(|sample| Sample::copy_into(&sample, out)).transpose()
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    // Ends when the writer closes the channel.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Sample>>> {
        self.reader.check_open()?;
        match if self.terms.in_order() { self.wait_next(py, None) } else { self.wait(py, None) } {
            // Also when another thread has closed the reader.
            Err(_) if self.reader.is_closed() => Ok(None),
            Err(error) if error.is_instance(py, errors::class(py, "Closed")?.as_any()) => Ok(None),
            other => other,
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        slf.py().import("ndsharray_rs._aio")?.getattr("following")?.call1((slf.clone(),))
    }

    /// The channel's name.
    #[getter]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The file name of the payload of the value read last.
    ///
    /// `None` before the first value, after the writer has replaced the file, and for a reader
    /// without write permission.
    #[getter]
    fn payload_name(&self) -> PyResult<Option<String>> {
        self.with(|_, reader| Ok(reader.payload_name()))
    }

    /// The sequence number of the value read last; `None` before the first.
    #[getter]
    fn seq(&self) -> PyResult<Option<u64>> {
        self.with(|_, reader| Ok(reader.seq()))
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

    /// Whether the channel has been closed and its last value read, and no new writer has come.
    ///
    /// For programs that poll with `read`; `wait` raises `Closed`.
    #[getter]
    fn is_channel_closed(&self) -> PyResult<bool> {
        self.with(|_, reader| Ok(reader.is_closed()))
    }

    /// Whether the reader has been closed.
    #[getter]
    fn closed(&self) -> bool {
        self.reader.is_closed()
    }

    fn __repr__(&self) -> String {
        let state = if self.reader.is_closed() { ", closed" } else { "" };
        format!("Reader(name='{}'{state})", self.name)
    }

    // By name: the other process opens the channel, and starts with the value that is current then.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        self.reader.check_open()?;
        let Terms { read_only, from_oldest, lossless, end_with_writer } = self.terms;
        let (dir, owners) = (self.location.dir.as_ref(), self.location.owners.clone());
        let arguments = (&*self.name, read_only, from_oldest, lossless, end_with_writer, dir, owners);
        Ok((py.import("ndsharray_rs._native")?.getattr("_reopen_reader")?, arguments.into_pyobject(py)?))
    }

    /// Releases the reader's entry in the channel. Samples and arrays stay valid.
    ///
    /// The wait of another thread ends at once, with a `ValueError`; a `for` loop just ends.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.reader.close();
        self.wake();
        #[cfg(unix)]
        {
            let news = unpoisoned(&self.news).take();
            drop(news);
        }
        let waiting = unpoisoned(&self.on_close).take();
        match waiting {
            Some((home, call)) if home.is_here() => call.call0(py).map(drop),
            _ => Ok(()),
        }
    }

    // Sets what `close` calls; `None` for nothing. There is one at a time.
    #[pyo3(signature = (call))]
    fn _on_close(&self, call: Option<Py<PyAny>>) -> PyResult<()> {
        let before = {
            let mut on_close = unpoisoned(&self.on_close);
            let is_taken = on_close.as_ref().is_some_and(|(home, _)| home.is_here());
            if call.is_some() {
                self.reader.check_open()?;
                if is_taken {
                    return Err(PyRuntimeError::new_err("another task waits for this Reader; give each task its own"));
                }
            }
            std::mem::replace(&mut *on_close, call.map(|call| (Home::here(), call)))
        };
        drop(before);
        Ok(())
    }

    /// Returns a descriptor that is readable while there are news, for `selectors` and event loops.
    ///
    /// News are a value newer than the last one read, or the end of the channel. Wait until the
    /// descriptor is readable, then call `read`, `wait(0)` or their like: that resets it, and
    /// nothing else may read from it. It belongs to the reader, and is closed with it. While there
    /// is one, each read costs some system calls more.
    ///
    /// Raises
    /// ------
    /// OutOfMemory
    ///     When the process has no descriptor left.
    /// Io, Forked
    ///
    /// Examples
    /// --------
    /// >>> import selectors
    /// >>> from ndsharray_rs import Reader, Writer
    /// >>> writer, reader = Writer("doc-fileno"), Reader("doc-fileno")
    /// >>> selector = selectors.DefaultSelector()
    /// >>> key = selector.register(reader, selectors.EVENT_READ)
    /// >>> selector.select(timeout=0)
    /// []
    /// >>> writer.write([1.0])
    /// 1
    /// >>> [key.fileobj.read().seq for key, _ in selector.select(timeout=5.0)]
    /// [1]
    #[cfg(unix)]
    fn fileno(&self) -> PyResult<RawFd> {
        self.with(|home, reader| {
            let known = unpoisoned(&self.news).as_ref().filter(|(of, _)| of.is_here()).map(|(_, fd)| fd.as_raw_fd());
            if let Some(known) = known {
                return Ok(known);
            }
            let fd = reader.news_fd().map_err(to_exception)?;
            let number = fd.as_raw_fd();
            let before = unpoisoned(&self.news).replace((home, fd));
            drop(before);
            Ok(number)
        })
    }

    // Without this, NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array("Reader", "`reader.read()` gives a sample, or None, and `sample.array` the elements"))
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
}

/// Opens a channel for a reader that has been pickled.
///
/// Where that fails, it is left to the reader's first use: a worker of a pool that cannot unpickle
/// a task's arguments ends, and the task's result never comes.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "what a reader is made of")]
pub(crate) fn _reopen_reader(
    py: Python<'_>,
    name: String,
    read_only: bool,
    from_oldest: bool,
    lossless: bool,
    end_with_writer: bool,
    dir: Option<PathBuf>,
    owners: Option<Owners>,
) -> PyResult<Py<Reader>> {
    let terms = Terms { read_only, from_oldest, lossless, end_with_writer };
    let location = Location::new(dir, owners)?;
    let reader = match open(&location, &name, terms) {
        Ok(reader) => Reopening::new("Reader", reader),
        Err(_) => Reopening::unopened("Reader"),
    };
    Reader::made(py, name, reader, location, terms)
}
