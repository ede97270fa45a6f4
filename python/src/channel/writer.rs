//! The writing end.

use crate::dtypes;
use crate::errors::{closed_handle, no_array, to_exception};
use crate::exit;
use crate::forks::Own;
use crate::inherited::{Entry, Keep};
use crate::lent::{Kept, Lent};
use crate::loan::{self, Loan};
use crate::memory::{self, Access, Shape};
use crate::options::{Owners, Place};
use crate::pinned::Pinned;
use crate::shared::unpoisoned;
use crate::time::SLICE;
use crate::turn::Holder;
use ndsharray::{
    AnyWriter, DType,
    raw::{self, OwnedLoan},
};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// From so many bytes on the interpreter lock is given back while they are copied: some 20 microseconds, which is what getting it back may cost.
const LARGE: usize = 1 << 20;

/// Slots that a channel can have.
const MAX_SLOTS: usize = 64;

/// The one writer of a channel: publishes arrays, whose dtype and shape may change each time.
///
/// Makes the channel `name`, or takes it over from a writer that died. Closing the writer, or losing the last reference to it, closes the channel and removes its
/// files, unless `persist` is set. Readers keep what they hold.
///
/// A writer belongs to the process that made it: it cannot be pickled, and raises `Forked` in a forked child.
/// If it is still open when the process ends, it is closed; README.md says what SIGTERM takes.
///
/// Threads may share one; they take turns, whatever they write. While a thread has a loan, the others wait for its end. Where waiting could not end, as for a loan of the same
/// thread, there is a `RuntimeError` instead. As with any lock, a thread must not wait for another one while it has a loan that the other waits for.
///
/// Parameters
/// ----------
/// name
///     1 to 200 bytes, without `/`, `\\`, control characters, or a dot in front.
/// dir
///     The directory that holds the channel; by default the environment variable `NDSHARRAY_DIR`, and without it `/dev/shm`.
/// max_slots
///     Slots of the channel, 2 to 64, by default 64: one is the current value's, one is being written, and each value that a reader holds takes one more.
/// max_readers
///     Readers that can be attached at once, 1 to 448, by default 64.
/// mode, readers_mode
///     Permission bits of the files, and of the reader table; both by default `0o600`. The reader table lets nobody
///     read who may not write.
/// capacity_bytes
///     The least capacity of each payload file: shapes up to this size never need a new one.
/// persist
///     Whether the last value stays readable after the writer is closed.
/// prefault
///     Whether new payload files are mapped with all their pages present.
/// owners
///     Whose existing files are trusted: `"own"` and root's, a user id and those, or `"anyone"`'s.
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
    name: String,
    place: Place,
    pinned: Pinned,
    // No Python code runs, and nothing is freed, while it is locked: both could come back here.
    state: Own<State>,
    /// Values to come for which memory of `capacity_bytes` may have to be found, if that is much:
    /// one a slot. Changed with the interpreter lock.
    to_find: AtomicUsize,
    /// Whether it has been closed. Here, as the state's lock may be another thread's, or lost.
    closed: AtomicBool,
    /// Told when another thread has given the writer back.
    given_back: Condvar,
    /// Threads that wait for that. Changed and read with `state` locked, which orders it.
    waiting: AtomicUsize,
    /// Who gets the writer next.
    line: Line,
}

enum State {
    Ready(AnyWriter),
    /// The next value is being filled in place.
    Lent {
        number: u64,
        loan: OwnedLoan,
        lent: Lent,
        by: Holder,
        entry: Entry,
    },
    /// For a moment: taken out by a thread that runs NumPy's code, or Python's.
    Away(Holder),
    Closed,
}

/// Threads that wait for their turn, the next one first. Without it a thread that writes in a loop
/// has the writer again before those that it has woken run.
#[derive(Default)]
struct Line(Mutex<VecDeque<(ThreadId, u64)>>);

impl Line {
    /// Takes a place: in front for a thread that closes, as no turn comes after that.
    fn join(&self, in_front: bool) -> InLine<'_> {
        let place = (thread::current().id(), loan::next_number());
        let mut waiting = unpoisoned(&self.0);
        if in_front {
            waiting.push_front(place);
        } else {
            waiting.push_back(place);
        }
        InLine { line: self, number: place.1 }
    }

    /// Whether no other thread is before `place`; before all places, if that is `None`. A signal's
    /// handler does not wait for the thread that it interrupts.
    fn is_first(&self, place: Option<&InLine<'_>>) -> bool {
        let number = place.map(|place| place.number);
        let waiting = unpoisoned(&self.0);
        let mut before = waiting.iter().take_while(|(_, other)| Some(*other) != number);
        before.all(|(thread, _)| *thread == thread::current().id())
    }
}

/// A place in a [`Line`], which is given up when this is dropped.
struct InLine<'a> {
    line: &'a Line,
    number: u64,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        unpoisoned(&self.line.0).retain(|(_, number)| *number != self.number);
    }
}

/// How the end of a loan went.
pub(crate) enum Ended {
    Published(u64),
    Abandoned,
    /// It was over before.
    Before,
}

/// For a loan that the thread itself would have to end.
#[cold]
fn open_loan(taken: &str) -> PyErr {
    PyRuntimeError::new_err(format!("a loan of this Writer is open, taken {taken}: publish or abandon it first"))
}

/// For a call out of a call.
#[cold]
fn in_use(taken: &str) -> PyErr {
    PyRuntimeError::new_err(format!("this Writer is in use, {taken}"))
}

impl Writer {
    pub(crate) fn channel(&self) -> &str {
        &self.name
    }

    /// Waits, without the interpreter lock, for another thread that is copying. Fails in a forked child.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        self.state.lock(py)
    }

    /// Waits until no other thread has taken the writer, or lent its memory: the state is [`State::Ready`] then.
    fn turn(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        let mut place = None;
        loop {
            let state = self.lock(py)?;
            match &*state {
                State::Ready(_) if self.line.is_first(place.as_ref()) => {
                    if place.take().is_some() {
                        // The next one in line, which waits for this one as well.
                        self.tell(&state);
                    }
                    return Ok(state);
                }
                State::Ready(_) => {}
                State::Closed => return Err(closed_handle("Writer")),
                State::Lent { by, .. } => by.hopeless().map_or(Ok(()), |taken| Err(open_loan(taken)))?,
                State::Away(by) => by.hopeless().map_or(Ok(()), |taken| Err(in_use(taken)))?,
            }
            drop(state);
            let place = place.get_or_insert_with(|| self.line.join(false));
            self.wait_for_change(py, place)?;
        }
    }

    /// Waits a moment for the thread that has the writer, and for those before this one. Other threads
    /// run meanwhile; signals are answered.
    fn wait_for_change(&self, py: Python<'_>, place: &InLine<'_>) -> PyResult<()> {
        py.detach(|| {
            let state = self.state.mutex().lock().unwrap_or_else(PoisonError::into_inner);
            let taken = matches!(*state, State::Lent { .. } | State::Away(_));
            if taken || (matches!(*state, State::Ready(_)) && !self.line.is_first(Some(place))) {
                // Relaxed: ordered by the lock.
                self.waiting.fetch_add(1, Ordering::Relaxed);
                let waited = self.given_back.wait_timeout(state, SLICE);
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                drop(state);
            }
        });
        py.check_signals()
    }

    /// Takes the writer for a loan.
    fn lend(&self, py: Python<'_>, dtype: DType, shape: &[usize]) -> PyResult<OwnedLoan> {
        self.pinned.retry(py, &self.place, &self.name, || self.try_lend(py, dtype, shape))
    }

    fn try_lend(&self, py: Python<'_>, dtype: DType, shape: &[usize]) -> PyResult<OwnedLoan> {
        let mut state = self.turn(py)?;
        let away = State::Away(Holder::this_thread());
        let State::Ready(writer) = std::mem::replace(&mut *state, away) else { unreachable!("it is our turn") };
        let elements = shape.iter().fold(1, |all: usize, &len| all.saturating_mul(len));
        // A large array's memory may have to be found, and its bools cleared.
        let lent = if self.is_slow(elements.saturating_mul(dtype.size())) {
            py.detach(|| writer.into_loan(dtype, shape))
        } else {
            writer.into_loan(dtype, shape)
        };
        match lent {
            Ok(loan) => Ok(loan),
            Err(refused) => {
                *state = State::Ready(*refused.writer);
                drop(state);
                Err(to_exception(refused.error))
            }
        }
    }

    /// Gives back the writer that was [taken](State::Away); in a forked child also.
    fn put_back(&self, py: Python<'_>, writer: AnyWriter) {
        let locked = self.lock(py).ok().or_else(|| self.state.at_once());
        if let Some(mut state) = locked {
            *state = State::Ready(writer);
            self.tell(&state);
        }
        // In a child that cannot lock: dropping what is the parent's closes nothing.
    }

    /// Wakes the threads that wait for their turn.
    fn tell(&self, _locked: &State) {
        // Relaxed: ordered by the lock, which the caller has.
        if self.state.home().is_here() && self.waiting.load(Ordering::Relaxed) > 0 {
            self.given_back.notify_all();
        }
    }

    /// Publishes a copy of an array whose elements do not lie in C order and native byte order.
    fn write_converted(&self, py: Python<'_>, array: &Bound<'_, PyUntypedArray>, dtype: DType) -> PyResult<u64> {
        let shape = array.shape().to_vec();
        let mut loan = self.lend(py, dtype, &shape)?;
        let copied = memory::copy_to(array, dtype, loan.as_mut_bytes());
        let published = copied.and_then(|()| loan.publish().map_err(to_exception));
        self.put_back(py, loan.into_writer());
        published
    }

    /// Whether a value of so many bytes is made without the interpreter lock.
    fn is_slow(&self, bytes: usize) -> bool {
        // Relaxed: the interpreter lock orders it.
        let to_find = self.to_find.load(Ordering::Relaxed);
        if to_find > 0 {
            self.to_find.store(to_find - 1, Ordering::Relaxed);
        }
        bytes >= LARGE || to_find > 0
    }

    /// The array of the loan `number`, while it is open.
    pub(crate) fn lent_array<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyUntypedArray>> {
        match &*self.lock(py)? {
            State::Lent { number: open, lent, .. } if *open == number => Ok(lent.array(py)),
            _ => Err(PyValueError::new_err("this loan is over")),
        }
    }

    /// Ends the loan `number`, if it has not ended before, as by closing the writer.
    pub(crate) fn end_loan(&self, py: Python<'_>, number: u64, publish: bool) -> PyResult<Ended> {
        let mut state = if publish || self.state.home().is_here() {
            self.lock(py)?
        } else {
            // In a forked child the loan may be given up, but not if another thread used the writer.
            let Some(state) = self.state.at_once() else { return Ok(Ended::Before) };
            state
        };
        if !matches!(&*state, State::Lent { number: open, .. } if *open == number) {
            return Ok(Ended::Before);
        }
        let away = State::Away(Holder::this_thread());
        let State::Lent { loan, lent, entry, .. } = std::mem::replace(&mut *state, away) else {
            unreachable!("asked above")
        };
        drop(state);
        let (writer, published) = end(py, loan, lent, entry, publish);
        self.put_back(py, writer);
        Ok(published?.map_or(Ended::Abandoned, Ended::Published))
    }

    /// Takes the writer out for good, and ends a loan; `None` when there is nothing to close.
    fn take(&self, py: Python<'_>) -> PyResult<Option<AnyWriter>> {
        let mut place = None;
        let taken = loop {
            if !self.state.home().is_here() {
                // In a forked child what another thread used at the fork stays as it is.
                let Some(mut state) = self.state.at_once() else { return Ok(None) };
                break std::mem::replace(&mut *state, State::Closed);
            }
            let mut state = self.lock(py)?;
            if let State::Away(by) = &*state {
                by.hopeless().map_or(Ok(()), |taken| Err(in_use(taken)))?;
                drop(state);
                let place = place.get_or_insert_with(|| self.line.join(true));
                self.wait_for_change(py, place)?;
                continue;
            }
            let taken = std::mem::replace(&mut *state, State::Closed);
            self.tell(&state);
            break taken;
        };
        Ok(match taken {
            State::Ready(writer) => Some(writer),
            State::Lent { loan, lent, entry, .. } => Some(end(py, loan, lent, entry, false).0),
            State::Away(_) | State::Closed => None,
        })
    }
}

/// Ends a loan, and then publishes it, or not; gives the writer back.
fn end(
    py: Python<'_>,
    mut loan: OwnedLoan,
    lent: Lent,
    entry: Entry,
    publish: bool,
) -> (AnyWriter, PyResult<Option<u64>>) {
    let mut copied = None;
    let mut entry = Some(entry);
    lent.end(py, || {
        if publish {
            if let Ok(memory) = loan.sever() {
                return Some(Kept::Severed(None, memory));
            }
            // Then they keep the memory, and a copy is published.
            copied = Some(copy(&mut loan));
        }
        loan.forfeit().map(|memory| Kept::Severed(entry.take(), memory))
    });
    // Before its memory may go.
    drop(entry);
    let published = match copied {
        None if publish => loan.publish().map(Some),
        None => Ok(None),
        Some(Err(error)) => Err(error),
        Some(Ok((dtype, shape, bytes))) => {
            let mut writer = loan.into_writer();
            let published = writer.write_bytes(dtype, &shape, &bytes).map(Some);
            return (writer, published.map_err(to_exception));
        }
    };
    (loan.into_writer(), published.map_err(to_exception))
}

/// What a loan holds.
fn copy(loan: &mut OwnedLoan) -> ndsharray::Result<(DType, Vec<usize>, Vec<u8>)> {
    let (dtype, shape) = (loan.dtype(), loan.shape().to_vec());
    let bytes = loan.as_mut_bytes();
    let mut copy = Vec::new();
    let full = |_| raw::out_of_memory(bytes.len() as u64);
    copy.try_reserve_exact(bytes.len()).map_err(full)?;
    copy.extend_from_slice(bytes);
    Ok((dtype, shape, copy))
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (name, *, dir=None, max_slots=None, max_readers=None, mode=None, readers_mode=None,
                        capacity_bytes=None, persist=false, prefault=false, owners=None))]
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
        persist: bool,
        prefault: bool,
        owners: Option<Owners>,
    ) -> PyResult<Py<Self>> {
        let place = Place::new(dir, owners)?;
        let mut options = place.options().persist(persist).prefault(prefault);
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
        let writer = py.detach(|| options.create_any(&name)).map_err(to_exception)?;
        let made = Self {
            name,
            place,
            pinned: Pinned::default(),
            state: Own::new(State::Ready(writer)),
            to_find: AtomicUsize::new(if capacity_bytes.is_some_and(|bytes| bytes >= LARGE) { MAX_SLOTS } else { 0 }),
            closed: AtomicBool::new(false),
            given_back: Condvar::new(),
            waiting: AtomicUsize::new(0),
            line: Line::default(),
        };
        let made = Py::new(py, made)?;
        exit::note_writer(made.bind(py))?;
        Ok(made)
    }

    /// Publishes a copy of an array; returns its sequence number, which counts from 1.
    ///
    /// Takes whatever NumPy takes for an array, with any strides and in either byte order. The copy lies in C order.
    ///
    /// Large arrays are copied without the interpreter lock: a thread that changes the array meanwhile gets a mixture published, as with any copy by NumPy.
    ///
    /// Raises
    /// ------
    /// TypeError
    ///     For a dtype that cannot be shared: strings, objects, dates, structures.
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1.
    /// AllSlotsPinned
    ///     When readers hold all other slots. The last value stays current then, as after every error. Where this process' own readers hold some, its garbage is collected first,
    ///     once, and the array is written if that frees a slot.
    /// OutOfMemory, TooLarge, Forked
    fn write(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<u64> {
        let array = memory::as_array(py, array)?;
        let descr = array.dtype();
        let dtype = dtypes::from_numpy(&descr)?;
        if !array.is_c_contiguous() || descr.is_native_byteorder() == Some(false) {
            return self.write_converted(py, &array, dtype);
        }
        self.pinned.retry(py, &self.place, &self.name, || {
            let mut state = self.turn(py)?;
            // While this thread waited for its turn another one may have changed the array's attributes.
            if !array.is_c_contiguous() || !array.dtype().is(&descr) {
                drop(state);
                return self.write_converted(py, &array, dtype);
            }
            let State::Ready(writer) = &mut *state else { unreachable!("it is our turn") };
            // SAFETY: the elements lie in C order, as has just been asked. The array is not used
            // otherwise before `bytes` has had its last use.
            let bytes = unsafe { memory::bytes_of(&array, dtype) };
            let written = if self.is_slow(bytes.len()) {
                // A copy: another thread that gives the array a new shape frees the memory of this one.
                let shape = array.shape().to_vec();
                py.detach(|| writer.write_bytes(dtype, &shape, bytes))
            } else {
                writer.write_bytes(dtype, array.shape(), bytes)
            };
            drop(state);
            written.map_err(to_exception)
        })
    }

    /// Lends the memory of the next value, to be filled in place: no copy is made.
    ///
    /// A context manager gives the array, publishes it when the block ends, and abandons it when an exception ends the block. `Loan.array` and `Loan.publish` do the
    /// same by hand. There is one loan at a time. `dtype` is float64 by default, as in NumPy. The array starts with whatever is there: zeros, or an older value.
    ///
    /// Python does not tell a block's normal end from `break`, `continue` and `return`: these publish too, whatever the array holds by then. Give the loan a name, and call
    /// its `abandon` before them, where there is nothing to publish. Closing the writer inside the block makes the block's end a `ValueError`: the value is not published.
    ///
    /// Once the loan is over the array is empty and read-only. Views and other things made of it stay usable, and lead to private memory: nothing that is done to
    /// them reaches anybody. That takes some microseconds, and about ten nanoseconds a page. It is spared where nothing is left, neither the array nor anything made of it: where `del array`
    /// ends the block, or `Loan.array` is used without giving it a name.
    ///
    /// Raises
    /// ------
    /// AllSlotsPinned, OutOfMemory, TooLarge, TooManyDims, Forked
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
    #[pyo3(signature = (shape, dtype=None))]
    fn loan(slf: &Bound<'_, Self>, shape: Shape, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<Loan> {
        let py = slf.py();
        let dtype = dtypes::parse(py, dtype)?;
        let this = slf.get();
        let mut loan = this.lend(py, dtype, &shape.0)?;
        let len = loan.as_mut_bytes().len();
        let data = loan.as_mut_ptr();
        // SAFETY: the loan's memory is valid and nobody else's until it is published or dropped, which is done here alone, after `Lent::end`; beyond that, `end` is given
        // what keeps it. Payloads start at a page. A new loan's bools are bools.
        match unsafe { Lent::new(py, dtype, &shape.0, data, Access::Write) } {
            Ok(lent) => {
                let number = loan::next_number();
                // SAFETY: the loan's memory is that of a payload's mapping, which lasts as long as
                // the loan or what `end` keeps of it.
                let entry = unsafe { Entry::new(data, len, true, Keep::Nothing) };
                *this.lock(py)? = State::Lent { number, loan, lent, by: Holder::this_thread(), entry };
                Ok(Loan::new(slf.clone().unbind(), number))
            }
            Err(error) => {
                this.put_back(py, loan.into_writer());
                Err(error)
            }
        }
    }

    /// The channel's name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The file name of the current value's payload; `None` before the first.
    #[getter]
    fn payload_name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        match &*self.turn(py)? {
            State::Ready(writer) => Ok(writer.payload_name()),
            _ => unreachable!("it is our turn"),
        }
    }

    /// Closes the channel and removes its files, unless it is to persist. A loan that is open is abandoned; if it has a `with` block, that ends with an error.
    ///
    /// Readers that have not read the last value yet still find it, however late they look. Closing
    /// again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let writer = self.take(py)?;
        // Relaxed: the interpreter lock orders it.
        self.closed.store(true, Ordering::Relaxed);
        // Closing removes files, which takes a while where they are large.
        py.detach(|| drop(writer));
        Ok(())
    }

    /// Whether the writer has been closed.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    // Without this NumPy would make an array of one object.
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
        let state = if self.closed() {
            ", closed"
        } else if !self.state.home().is_here() {
            ", of a parent process"
        } else {
            match self.state.at_once().as_deref() {
                Some(State::Ready(_)) => "",
                Some(State::Lent { .. }) => ", lent",
                Some(State::Away(_)) | None => ", in use",
                Some(State::Closed) => ", closed",
            }
        };
        format!("Writer(name='{}'{state})", self.name)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(format!(
            "the Writer of channel {:?} belongs to this process, as a channel has one writer: close it, and make Writer({:?}) in the other process",
            self.name, self.name
        )))
    }
}

/// Removes the channel `name` if it has no living writer: one that a killed writer left, or that was made to persist. Readers that hold its values keep them.
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
    Place::new(dir, owners)?.options().remove(name).map_err(to_exception)
}
