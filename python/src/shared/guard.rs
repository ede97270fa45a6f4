//! The lock of a shared array, as a context manager.

use crate::elements::array::{self, Access};
use crate::elements::lent::{Kept, Lent};
use crate::errors::{self, no_array, to_exception};
use crate::fork::lending::Entry;
use crate::fork::own::unpoisoned;
use crate::shared::handle::{self, Handle};
use ndsharray::raw::{ArrayLockGuard, ArrayMapping, LockMode};
use numpy::PyUntypedArray;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};

/// The lock of a shared array, for the time of a `with` block.
///
/// `SharedArray.read` and `SharedArray.write` make one.
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct ArrayGuard {
    handle: Arc<Handle>,
    access: Access,
    timeout: Option<f64>,
    accept_poison: bool,
    /// While it is locked, no Python code runs, nothing is freed, no thread waits.
    stage: Mutex<Stage>,
}

/// The stages of a guard's life, which may begin again.
enum Stage {
    Outside,
    /// A thread begins the block, and may be waiting for the lock.
    Entering,
    Inside(Inside),
}

/// A guard's possessions while its block lasts.
struct Inside {
    lent: Lent,
    mapping: ArrayMapping,
    /// Shared with forks that are under way.
    lock: Arc<ArrayLockGuard>,
    entry: Entry,
}

impl ArrayGuard {
    pub(crate) fn new(handle: Arc<Handle>, access: Access, timeout: Option<f64>, accept_poison: bool) -> Self {
        Self { handle, access, timeout, accept_poison, stage: Mutex::new(Stage::Outside) }
    }

    fn acquire(&self, py: Python<'_>) -> PyResult<ArrayLockGuard> {
        let mode = if self.access == Access::Read { LockMode::Read } else { LockMode::Write };
        let lock = self.handle.acquire(py, mode, self.timeout)?;
        if lock.is_poisoned() && !self.accept_poison {
            drop(lock);
            let message = "a holder of the array's lock died or panicked, so its elements may be in pieces";
            return Err(PyErr::from_value(errors::class(py, "Poisoned")?.call1((message,))?));
        }
        Ok(lock)
    }

    /// Begins the block. The caller has set the stage to [`Stage::Entering`].
    fn enter(&self, py: Python<'_>) -> PyResult<Inside> {
        let mapping = self.handle.mapping()?;
        let lock = Arc::new(self.acquire(py)?);
        let array = &self.handle.array;
        let (elements, data) = (handle::elements(array), mapping.as_mut_ptr());
        // SAFETY: the mapping has so many bytes. Under the lock no other party changes them.
        unsafe { array::check_bools(&elements, data, array.byte_len()) }?;
        // SAFETY: mapping and lock last until `leave`, and after that as long as `leave` keeps
        // them. Under the lock no other party changes the elements. They are aligned, and bools are
        // checked.
        let lent = unsafe { Lent::new(py, &elements, array.shape(), data, self.access) }?;
        let (writable, keep) = (self.access == Access::Write, Some(Arc::clone(&lock)));
        // SAFETY: the guard alone has this mapping, which outlives the entry in `leave`. Only lent
        // arrays lead to it.
        let entry = unsafe { Entry::new(py, data, array.byte_len(), writable, keep) };
        Ok(Inside { lent, mapping, lock, entry })
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
        let Inside { lent, mapping, lock, entry } = inside;
        let here = self.handle.home.is_here();
        let mut failed = None;
        let mut rest = Some((entry, mapping, lock));
        lent.end(py, || {
            let (entry, mut mapping, lock) = rest.take()?;
            if !here {
                // In a forked child the memory is private already, and the lock is the parent's.
                return Some(Kept::Held(entry, mapping, lock));
            }
            match mapping.sever() {
                Ok(memory) => {
                    rest = Some((entry, mapping, lock));
                    memory.map(|memory| Kept::Detached(None, memory))
                }
                Err(error) => {
                    failed = Some(error);
                    // The array stays locked as long as the memory can be written to.
                    Some(Kept::Held(entry, mapping, lock))
                }
            }
        });
        if let Some((entry, mapping, lock)) = rest {
            drop(entry);
            drop(lock);
            if here {
                self.handle.put_back(mapping);
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
            // While this thread waits for the lock, others run, and may get here too.
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

    // Without this, NumPy would make an array of one object.
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
            // A destructor cannot report an error. After one, the lock is kept.
            let _ = Python::attach(|py| self.leave(py));
        }
    }
}
