//! The writer that the threads of a process take in turns.

use crate::channel::holder::Holder;
use crate::channel::line::{InLine, Line, next_number};
use crate::channel::open_loan::OpenLoan;
use crate::channel::pinned::Pinned;
use crate::elements::array::{self, Access};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::elements::lent::Lent;
use crate::errors::{self, closed_handle, to_exception};
use crate::fork::lending::Entry;
use crate::fork::own::{Own, unpoisoned};
use crate::options::Location;
use crate::time::SLICE;
use ndsharray::AnyWriter;
use ndsharray::raw::OwnedLoan;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The least size of a value, in bytes, that is copied without the interpreter lock.
///
/// Such a copy takes some 20 microseconds. Acquiring the lock again may cost as much.
const LARGE: usize = 1 << 20;

/// The most slots that a channel can have.
const MAX_SLOTS: usize = 64;

/// A writer for all threads of the process that made it.
pub(super) struct SharedWriter {
    name: String,
    location: Location,
    pinned: Pinned,
    /// While it is locked, no Python code runs and nothing is freed. Both could come back here.
    state: Own<State>,
    /// Values to come that may need new memory of a large `capacity_bytes`: one a slot.
    ///
    /// Changed under the interpreter lock.
    to_find: AtomicUsize,
    /// How long a write waits for lossless readers; `None` if it never does.
    patience: Option<Duration>,
    /// Whether it is closed. Not in the state, whose lock another thread may hold, or have lost.
    closed: AtomicBool,
    /// The number of the loan that [`abandon`](Self::abandon) has ended last.
    abandoned: AtomicU64,
    /// Notified when another thread has returned the writer.
    given_back: Condvar,
    /// Threads that wait for that. Changed and read with `state` locked, which orders it.
    waiting: AtomicUsize,
    /// The order of the threads that wait.
    line: Line,
}

enum State {
    Ready(Box<AnyWriter>),
    /// The next value is being filled in place.
    Lent(OpenLoan),
    /// A thread that runs NumPy's code, or Python's, has taken the writer for a moment.
    Away(Holder),
    Closed,
}

/// The ways in which the end of a loan can go.
pub(super) enum Ended {
    Published(u64),
    Abandoned,
    /// It was over before.
    Before,
}

/// Makes the exception for a loan that the thread itself would have to end.
#[cold]
fn open_loan(taken: &str) -> PyErr {
    PyRuntimeError::new_err(format!("a loan of this Writer is open, taken {taken}: publish or abandon it first"))
}

/// Makes the exception for a call out of a call.
#[cold]
fn in_use(taken: &str) -> PyErr {
    PyRuntimeError::new_err(format!("this Writer is in use, {taken}"))
}

impl SharedWriter {
    pub(super) fn new(
        name: String,
        location: Location,
        writer: Box<AnyWriter>,
        capacity_bytes: Option<usize>,
        patience: Option<Duration>,
    ) -> Self {
        let is_large = capacity_bytes.is_some_and(|bytes| bytes >= LARGE);
        Self {
            name,
            location,
            pinned: Pinned::default(),
            state: Own::new(State::Ready(writer)),
            to_find: AtomicUsize::new(if is_large { MAX_SLOTS } else { 0 }),
            patience,
            closed: AtomicBool::new(false),
            abandoned: AtomicU64::new(u64::MAX),
            given_back: Condvar::new(),
            waiting: AtomicUsize::new(0),
            line: Line::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    /// Returns whether this process made the writer.
    pub(super) fn is_here(&self) -> bool {
        self.state.home().is_here()
    }

    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: the interpreter lock orders it.
        self.closed.load(Ordering::Relaxed)
    }

    /// Locks the state; waits for a thread that is copying. Fails in a forked child.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        self.state.lock(py)
    }

    /// Waits until no other thread has taken the writer or its memory.
    ///
    /// After that the state is [`State::Ready`].
    fn turn(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        let mut place = None;
        loop {
            let state = self.lock(py)?;
            match &*state {
                State::Ready(_) if self.line.is_first(place.as_ref()) => {
                    if place.take().is_some() {
                        // Wakes the next one in line, which waits for this thread as well.
                        self.wake(&state);
                    }
                    return Ok(state);
                }
                State::Ready(_) => {}
                State::Closed => return Err(closed_handle("Writer")),
                State::Lent(open) => open.by.hopeless().map_or(Ok(()), |taken| Err(open_loan(taken)))?,
                State::Away(by) => by.hopeless().map_or(Ok(()), |taken| Err(in_use(taken)))?,
            }
            drop(state);
            let place = place.get_or_insert_with(|| self.line.join(false));
            self.wait_for_change(py, place)?;
        }
    }

    /// Waits a moment for the writer's present thread and those earlier in line.
    ///
    /// Other threads run meanwhile. Signals are answered.
    fn wait_for_change(&self, py: Python<'_>, place: &InLine<'_>) -> PyResult<()> {
        py.detach(|| {
            let state = unpoisoned(self.state.mutex());
            let taken = matches!(*state, State::Lent(_) | State::Away(_));
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

    /// Wakes the threads that wait for their turn.
    fn wake(&self, _locked: &State) {
        // Relaxed: ordered by the lock, which the caller holds.
        if self.state.home().is_here() && self.waiting.load(Ordering::Relaxed) > 0 {
            self.given_back.notify_all();
        }
    }

    /// Puts back the writer that was [taken](State::Away); in a forked child also.
    fn put_back(&self, py: Python<'_>, writer: Box<AnyWriter>) {
        let locked = self.lock(py).ok().or_else(|| self.state.at_once());
        if let Some(mut state) = locked {
            *state = State::Ready(writer);
            self.wake(&state);
        }
        // In a child that cannot lock: dropping the parent's writer closes nothing.
    }

    /// Returns whether a value of so many bytes is made without the interpreter lock.
    fn is_slow(&self, bytes: usize) -> bool {
        // Relaxed: the interpreter lock orders it.
        let to_find = self.to_find.load(Ordering::Relaxed);
        if to_find > 0 {
            self.to_find.store(to_find - 1, Ordering::Relaxed);
        }
        bytes >= LARGE || to_find > 0 || self.patience.is_some()
    }

    /// Calls `attempt` until lossless readers have made room for a value, or time is over.
    ///
    /// An attempt waits for a slice of that time. Between two of them, signals are answered and
    /// other threads get their turns.
    #[inline]
    fn patiently<T>(&self, py: Python<'_>, mut attempt: impl FnMut() -> PyResult<T>) -> PyResult<T> {
        let Some(limit) = self.patience else { return attempt() };
        let started = Instant::now();
        loop {
            match attempt() {
                Err(error) if error.is_instance(py, errors::class(py, "ReadersBehind")?.as_any()) => {
                    py.check_signals()?;
                    let waited = started.elapsed();
                    if waited >= limit {
                        return Err(errors::readers_behind(py, &error, waited)?);
                    }
                }
                other => return other,
            }
        }
    }

    /// Publishes a copy of an array. If this process pins all slots, collects garbage once.
    #[inline]
    pub(super) fn write(&self, py: Python<'_>, array: &Bound<'_, PyUntypedArray>, attributes: &[u8]) -> PyResult<u64> {
        let descr = array.dtype();
        let (elements, is_native) = dtypes::read(&descr)?;
        if !array.is_c_contiguous() || !is_native {
            return self.write_converted(py, array, &elements, attributes);
        }
        let attempt = || {
            let mut state = self.turn(py)?;
            // While this thread waited, another one may have changed the array's attributes.
            if !array.is_c_contiguous() || !array.dtype().is(&descr) {
                drop(state);
                return self.write_converted(py, array, &elements, attributes);
            }
            let State::Ready(writer) = &mut *state else { unreachable!("it is our turn") };
            // SAFETY: the elements lie in C order, as checked just now. The array has no other use
            // here before the last one of `bytes`.
            let bytes = unsafe { array::bytes_of(array, elements.size()) };
            let written = if self.is_slow(bytes.len()) {
                // A copy: another thread that gives the array a new shape frees the old one's
                // memory.
                let shape = array.shape().to_vec();
                py.detach(|| elements.write(writer, &shape, bytes, attributes))
            } else {
                elements.write(writer, array.shape(), bytes, attributes)
            };
            drop(state);
            written.map_err(to_exception)
        };
        self.patiently(py, || self.pinned.retry(py, &self.location, &self.name, attempt))
    }

    /// Publishes a converted copy of an array in another element order or byte order.
    fn write_converted(
        &self,
        py: Python<'_>,
        array: &Bound<'_, PyUntypedArray>,
        elements: &Elements,
        attributes: &[u8],
    ) -> PyResult<u64> {
        let shape = array.shape().to_vec();
        let mut loan = self.take_for_loan(py, elements, &shape)?;
        let set = loan.set_attributes(attributes).map_err(to_exception);
        let copied = set.and_then(|()| array::copy_to(array, elements, loan.as_mut_bytes()));
        let published = copied.and_then(|()| loan.publish().map_err(to_exception));
        self.put_back(py, loan.into_boxed_writer());
        published
    }

    /// Takes the writer for a loan. If this process pins all slots, collects garbage once.
    fn take_for_loan(&self, py: Python<'_>, elements: &Elements, shape: &[usize]) -> PyResult<OwnedLoan> {
        let attempt = || self.try_take_for_loan(py, elements, shape);
        self.patiently(py, || self.pinned.retry(py, &self.location, &self.name, attempt))
    }

    fn try_take_for_loan(&self, py: Python<'_>, elements: &Elements, shape: &[usize]) -> PyResult<OwnedLoan> {
        let mut state = self.turn(py)?;
        let away = State::Away(Holder::this_thread());
        let State::Ready(writer) = std::mem::replace(&mut *state, away) else { unreachable!("it is our turn") };
        let count = shape.iter().fold(1, |all: usize, &len| all.saturating_mul(len));
        // A large array may need new memory, and its bools may need clearing.
        let lent = if self.is_slow(count.saturating_mul(elements.size())) {
            py.detach(|| elements.lend(writer, shape))
        } else {
            elements.lend(writer, shape)
        };
        match lent {
            Ok(loan) => Ok(loan),
            Err(refused) => {
                *state = State::Ready(refused.writer);
                drop(state);
                Err(to_exception(refused.error))
            }
        }
    }

    /// Lends the memory of the next value; returns the loan's number.
    #[inline]
    pub(super) fn lend(&self, py: Python<'_>, elements: Elements, shape: &[usize], attributes: &[u8]) -> PyResult<u64> {
        let mut loan = self.take_for_loan(py, &elements, shape)?;
        // It has none to begin with.
        if !attributes.is_empty()
            && let Err(error) = loan.set_attributes(attributes)
        {
            self.put_back(py, loan.into_boxed_writer());
            return Err(to_exception(error));
        }
        let len = loan.as_mut_bytes().len();
        let data = loan.as_mut_ptr();
        // SAFETY: the loan's memory is valid, and no other party's, until the loan is published or
        // dropped. `OpenLoan::end` alone does that, after `Lent::end`, to which it gives what keeps
        // the memory longer. Payloads start at a page. A new loan's bools are 0 or 1.
        match unsafe { Lent::new(py, &elements, shape, data, Access::Write) } {
            Ok(lent) => {
                let number = next_number();
                // SAFETY: the memory is that of a payload's mapping. It lasts as long as the loan,
                // or as what `end` keeps of it.
                let entry = unsafe { Entry::new(py, data, len, true, None) };
                let open = OpenLoan {
                    number,
                    loan,
                    elements,
                    attributes: attributes.to_vec(),
                    lent,
                    by: Holder::this_thread(),
                    entry,
                };
                *self.lock(py)? = State::Lent(open);
                Ok(number)
            }
            Err(error) => {
                self.put_back(py, loan.into_boxed_writer());
                Err(error)
            }
        }
    }

    /// Returns the array of the loan `number`, while that is open.
    #[inline]
    pub(super) fn lent_array<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyUntypedArray>> {
        match &*self.lock(py)? {
            State::Lent(open) if open.number == number => Ok(open.lent.array(py)),
            _ => Err(PyValueError::new_err("this loan is over")),
        }
    }

    /// Sets the attributes of the loan `number`, while that is open.
    pub(super) fn set_attributes(&self, py: Python<'_>, number: u64, attributes: &[u8]) -> PyResult<()> {
        match &mut *self.lock(py)? {
            State::Lent(open) if open.number == number => {
                open.loan.set_attributes(attributes).map_err(to_exception)?;
                open.attributes = attributes.to_vec();
                Ok(())
            }
            _ => Err(PyValueError::new_err("this loan is over")),
        }
    }

    /// Ends the loan `number`, unless it has ended before, as by closing the writer.
    #[inline]
    pub(super) fn end_loan(&self, py: Python<'_>, number: u64, publish: bool) -> PyResult<Ended> {
        let mut state = if publish || self.state.home().is_here() {
            self.lock(py)?
        } else {
            // A forked child may abandon the loan, unless another thread used the writer at the
            // fork.
            let Some(state) = self.state.at_once() else { return Ok(Ended::Before) };
            state
        };
        if !matches!(&*state, State::Lent(open) if open.number == number) {
            return Ok(Ended::Before);
        }
        let away = State::Away(Holder::this_thread());
        let State::Lent(open) = std::mem::replace(&mut *state, away) else { unreachable!("checked above") };
        drop(state);
        let (writer, published) = open.end(py, publish);
        self.put_back(py, writer);
        Ok(published?.map_or(Ended::Abandoned, Ended::Published))
    }

    /// Ends the open loan without a value, whichever it is; returns whether one was open.
    pub(super) fn abandon(&self, py: Python<'_>) -> PyResult<bool> {
        let number = match &*self.lock(py)? {
            State::Lent(open) => open.number,
            State::Closed => return Err(closed_handle("Writer")),
            State::Ready(_) | State::Away(_) => return Ok(false),
        };
        // Relaxed: the interpreter lock orders it.
        self.abandoned.store(number, Ordering::Relaxed);
        Ok(matches!(self.end_loan(py, number, false)?, Ended::Abandoned))
    }

    /// Returns whether [`abandon`](Self::abandon) has ended the loan `number`.
    pub(super) fn has_abandoned(&self, number: u64) -> bool {
        // Relaxed: as in `abandon`.
        self.abandoned.load(Ordering::Relaxed) == number
    }

    /// Asks the writer, once it is this thread's turn.
    pub(super) fn ask<T>(&self, py: Python<'_>, question: impl FnOnce(&AnyWriter) -> T) -> PyResult<T> {
        match &*self.turn(py)? {
            State::Ready(writer) => Ok(question(writer)),
            _ => unreachable!("it is our turn"),
        }
    }

    /// Closes the writer, and ends a loan.
    pub(super) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let writer = self.take(py)?;
        // Relaxed: the interpreter lock orders it.
        self.closed.store(true, Ordering::Relaxed);
        // Closing removes files, which takes a while where they are large.
        py.detach(|| drop(writer));
        Ok(())
    }

    /// Takes the writer out for good, and ends a loan. `None` means nothing is open.
    fn take(&self, py: Python<'_>) -> PyResult<Option<Box<AnyWriter>>> {
        let mut place = None;
        let taken = loop {
            if !self.state.home().is_here() {
                // In a forked child, a writer that another thread used at the fork stays as it is.
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
            self.wake(&state);
            break taken;
        };
        Ok(match taken {
            State::Ready(writer) => Some(writer),
            State::Lent(open) => Some(open.end(py, false).0),
            State::Away(_) | State::Closed => None,
        })
    }

    /// Says in what state the writer is, as an ending of its `repr`.
    pub(super) fn shown_state(&self) -> &'static str {
        if self.is_closed() {
            ", closed"
        } else if !self.state.home().is_here() {
            ", of a parent process"
        } else {
            match self.state.at_once().as_deref() {
                Some(State::Ready(_)) => "",
                Some(State::Lent(_)) => ", lent",
                Some(State::Away(_)) | None => ", in use",
                Some(State::Closed) => ", closed",
            }
        }
    }
}
