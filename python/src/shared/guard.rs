//! The lock of a shared array, as a context manager.

use crate::errors::{self, no_array, to_exception};
use crate::inherited::{Entry, Keep};
use crate::lent::{Kept, Lent};
use crate::memory::{self, Access};
use crate::shared::{Handle, unpoisoned};
use crate::time::{Deadline, SLICE};
use ndsharray::{
    AnySharedArray,
    raw::{ArrayLockGuard, ArrayMapping, LockMode},
};
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The lock of a shared array, for the time of a `with` block. From `SharedArray.read` and `SharedArray.write`.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct ArrayGuard {
    handle: Arc<Handle>,
    access: Access,
    timeout: Option<f64>,
    accept_poison: bool,
    // No Python code runs, nothing is freed, and no thread waits while it is locked.
    stage: Mutex<Stage>,
}

/// How far a guard is.
enum Stage {
    Outside,
    /// A thread is on its way in, and may be waiting for the lock.
    Entering,
    Inside(Inside),
}

/// What a guard has while its block lasts.
struct Inside {
    lent: Lent,
    pane: ArrayMapping,
    /// Shared with a fork that is under way.
    hold: Arc<ArrayLockGuard>,
    entry: Entry,
}

impl ArrayGuard {
    pub(crate) fn new(handle: Arc<Handle>, access: Access, timeout: Option<f64>, accept_poison: bool) -> Self {
        Self { handle, access, timeout, accept_poison, stage: Mutex::new(Stage::Outside) }
    }

    fn acquire(&self, py: Python<'_>) -> PyResult<ArrayLockGuard> {
        let kind = if self.access == Access::Read { LockMode::Read } else { LockMode::Write };
        let hold = take(py, &self.handle.array, kind, self.timeout)?;
        if hold.is_poisoned() && !self.accept_poison {
            drop(hold);
            let message = "a holder of the array's lock died or panicked, so its elements may be in pieces";
            return Err(PyErr::from_value(errors::class(py, "Poisoned")?.call1((message,))?));
        }
        Ok(hold)
    }

    /// What the guard has inside. The caller has set the stage to entering.
    fn enter(&self, py: Python<'_>) -> PyResult<Inside> {
        let pane = self.handle.pane()?;
        let hold = Arc::new(self.acquire(py)?);
        let array = &self.handle.array;
        let data = pane.as_mut_ptr();
        // SAFETY: the pane has so many bytes mapped, and under the hold nobody changes them.
        unsafe { memory::check_bools(array.dtype(), data, array.byte_len()) }?;
        // SAFETY: pane and hold last until `leave`, and beyond it as long as what it keeps. Under
        // the hold nobody else changes the elements. They are aligned, and bools have been checked.
        let lent = unsafe { Lent::new(py, array.dtype(), array.shape(), data, self.access) }?;
        let keep = Keep::Lock(Arc::clone(&hold));
        // SAFETY: the pane is a mapping of its own, which outlasts the entry in `leave`. Only lent
        // arrays lead to it.
        let entry = unsafe { Entry::new(data, array.byte_len(), self.access == Access::Write, keep) };
        Ok(Inside { lent, pane, hold, entry })
    }

    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        let inside = {
            let mut stage = unpoisoned(&self.stage);
            match std::mem::replace(&mut *stage, Stage::Outside) {
                Stage::Inside(inside) => inside,
                other => {
                    *stage = other;
                    return Ok(());
                }
            }
        };
        let Inside { lent, pane, hold, entry } = inside;
        let here = self.handle.home.is_here();
        let mut failed = None;
        let mut rest = Some((entry, pane, hold));
        lent.end(py, || {
            let (entry, mut pane, hold) = rest.take()?;
            if !here {
                // In a forked child the pane's memory is private already, and there is no lock.
                return Some(Kept::Held(entry, pane, hold));
            }
            match pane.sever() {
                Ok(memory) => {
                    rest = Some((entry, pane, hold));
                    memory.map(|memory| Kept::Severed(None, memory))
                }
                Err(error) => {
                    failed = Some(error);
                    // The array stays locked as long as the memory can be written to.
                    Some(Kept::Held(entry, pane, hold))
                }
            }
        });
        if let Some((entry, pane, hold)) = rest {
            drop(entry);
            drop(hold);
            if here {
                self.handle.put_back(pane);
            }
        }
        failed.map_or(Ok(()), |error| Err(to_exception(error)))
    }
}

#[pymethods]
impl ArrayGuard {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        self.handle.home.check()?;
        {
            let mut stage = unpoisoned(&self.stage);
            // Until the lock is there other threads run, and may come here too.
            if !matches!(*stage, Stage::Outside) {
                return Err(PyRuntimeError::new_err("this guard is in use; ask the array for another"));
            }
            *stage = Stage::Entering;
        }
        let entered = self.enter(py);
        let (next, answer) = match entered {
            Ok(inside) => {
                let array = inside.lent.array(py);
                (Stage::Inside(inside), Ok(array))
            }
            Err(error) => (Stage::Outside, Err(error)),
        };
        *unpoisoned(&self.stage) = next;
        answer
    }

    // Without this NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array("guard of a SharedArray", "`with shared.read() as array` gives the elements"))
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.leave(py)
    }
}

impl Drop for ArrayGuard {
    fn drop(&mut self) {
        if matches!(*unpoisoned(&self.stage), Stage::Inside(_)) {
            // There is nobody to tell of an error; the lock is kept then.
            let _ = Python::attach(|py| self.leave(py));
        }
    }
}

/// Takes the lock; waits without the interpreter lock, and answers signals.
pub(crate) fn take(
    py: Python<'_>,
    array: &AnySharedArray,
    kind: LockMode,
    timeout: Option<f64>,
) -> PyResult<ArrayLockGuard> {
    if let Some(hold) = array.try_hold(kind).map_err(to_exception)? {
        return Ok(hold);
    }
    let deadline = Deadline::after(timeout)?;
    let mut next = Instant::now() + SLICE;
    let mut signal = Ok(());
    let held = py.detach(|| {
        array.hold(kind, || {
            let now = Instant::now();
            if now >= next {
                next = now + SLICE;
                #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is that of one lifetime")]
                let asked = Python::attach(|py| py.check_signals());
                signal = asked;
            }
            signal.is_ok() && !deadline.is_over()
        })
    });
    let held = held.map_err(to_exception)?;
    signal?;
    held.ok_or_else(|| PyTimeoutError::new_err(format!("the array {:?} was not free in time", array.name())))
}
