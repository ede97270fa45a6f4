//! The Python class of a loan: memory of the next value, lent to be filled.

use crate::channel::shared_writer::{Ended, SharedWriter};
use crate::errors::no_array;
use numpy::PyUntypedArray;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

// The writer keeps the memory, so that closing the writer can end the loan.
/// Memory of the next value, lent by `Writer.loan`.
///
/// Losing the last reference to the loan abandons it.
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct Loan {
    writer: Arc<SharedWriter>,
    /// The Python object over `writer`. While it lives, the end of the program closes it.
    _object: Py<PyAny>,
    number: u64,
    /// The value's sequence number; 0 before it is published.
    seq: AtomicU64,
    /// Whether `publish` or `abandon` has ended it, or tried to.
    by_hand: AtomicBool,
    /// Whether this object has seen its end.
    over: AtomicBool,
}

impl Loan {
    #[inline]
    pub(super) fn new(writer: Arc<SharedWriter>, object: Py<PyAny>, number: u64) -> Self {
        Self {
            writer,
            _object: object,
            number,
            seq: AtomicU64::new(0),
            by_hand: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    /// Ends the loan, unless it has ended before.
    #[inline]
    fn end(&self, py: Python<'_>, publish: bool) -> PyResult<Ended> {
        let ended = self.writer.end_loan(py, self.number, publish)?;
        if let Ended::Published(seq) = ended {
            self.seq.store(seq, Ordering::Relaxed);
        }
        // Relaxed: a drop comes after all other uses, and elsewhere nothing depends on it.
        self.over.store(true, Ordering::Relaxed);
        Ok(ended)
    }
}

#[pymethods]
impl Loan {
    /// The array to be filled. It is writable until the loan is over.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Once the loan is over.
    #[getter]
    fn array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        self.writer.lent_array(py, self.number)
    }

    /// The value's sequence number; `None` before it is published.
    #[getter]
    fn seq(&self) -> Option<u64> {
        // Relaxed: the interpreter lock orders it.
        Some(self.seq.load(Ordering::Relaxed)).filter(|&seq| seq != 0)
    }

    /// Sets the attributes that the value will have, in the place of earlier ones.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     When the loan is over.
    /// AttributesTooLong
    ///     When they have more than 4,096 bytes. The earlier ones stay.
    fn set_attributes(&self, py: Python<'_>, attributes: PyBackedBytes) -> PyResult<()> {
        self.writer.set_attributes(py, self.number, &attributes)
    }

    /// Makes the array the current value; returns its sequence number.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     When the loan is over.
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1. Then the loan is over, without a value.
    /// Forked
    fn publish(&self, py: Python<'_>) -> PyResult<u64> {
        self.by_hand.store(true, Ordering::Relaxed);
        match self.end(py, true)? {
            Ended::Published(seq) => Ok(seq),
            Ended::Abandoned | Ended::Before => Err(PyValueError::new_err("this loan is over")),
        }
    }

    /// Ends the loan without a value. Does nothing when it is over already.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        self.by_hand.store(true, Ordering::Relaxed);
        self.end(py, false).map(|_| ())
    }

    // Without this, NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array("Loan", "`with loan as array` and `loan.array` give its elements"))
    }

    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        self.array(py)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let publish = kind.is_none();
        match self.end(py, publish)? {
            // Neither by hand nor by a block inside this one.
            // Relaxed: the interpreter lock orders it.
            Ended::Before
                if publish
                    && self.seq().is_none()
                    && !self.by_hand.load(Ordering::Relaxed)
                    && !self.writer.has_abandoned(self.number) =>
            {
                return Err(PyValueError::new_err(format!(
                    "the Writer of channel {:?} was closed before this loan's block ended: the block's array has not been published",
                    self.writer.name()
                )));
            }
            Ended::Published(_) | Ended::Abandoned | Ended::Before => {}
        }
        Ok(())
    }

    fn __repr__(&self) -> String {
        let state = self.seq().map_or_else(String::new, |seq| format!(", seq={seq}"));
        format!("Loan(name='{}'{state})", self.writer.name())
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if *self.over.get_mut() {
            return;
        }
        Python::attach(|py| {
            // A destructor cannot report an error, and an end
            // without publishing has none.
            let _ = self.writer.end_loan(py, self.number, false);
        });
    }
}
