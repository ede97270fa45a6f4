//! The reading end.

use crate::errors::{closed_handle, in_use, to_exception};
use crate::options::{OwnersArgument, options};
use crate::sample::Sample;
use crate::time::Deadline;
use ndsharray::Error;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

/// The longest sleep without a look at Python's signals.
const SLICE: Duration = Duration::from_millis(50);

/// A reader of a channel.
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct Reader {
    name: String,
    inner: Mutex<Option<ndsharray::Reader>>,
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
    #[pyo3(signature = (name, timeout=None, read_only=false, *, dir=None, owners=None))]
    fn new(
        py: Python<'_>,
        name: String,
        timeout: Option<f64>,
        read_only: bool,
        dir: Option<PathBuf>,
        owners: Option<OwnersArgument>,
    ) -> PyResult<Self> {
        let options = options(dir, owners)?;
        let open = || if read_only { options.open_read_only(&name) } else { options.open(&name) };
        let deadline = Deadline::after(Some(timeout.unwrap_or(0.0)))?;
        let inner = loop {
            match open() {
                Err(Error::NotFound { .. }) if !deadline.is_over() => {
                    py.detach(|| std::thread::sleep(deadline.left().min(Duration::from_millis(2))));
                    py.check_signals()?;
                }
                other => break other.map_err(to_exception)?,
            }
        };
        Ok(Self { name, inner: Mutex::new(Some(inner)) })
    }

    fn read(&self) -> PyResult<Option<Sample>> {
        Ok(self.with(ndsharray::Reader::read_owned)?.map(Sample::new))
    }

    fn latest(&self) -> PyResult<Option<Sample>> {
        Ok(self.with(ndsharray::Reader::latest_owned)?.map(Sample::new))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Sample>> {
        let deadline = Deadline::after(timeout)?;
        let mut inner = self.lock()?;
        let reader = inner.as_mut().ok_or_else(|| closed_handle("Reader"))?;
        loop {
            let left = deadline.left();
            let slice = left.min(SLICE);
            if let Some(sample) = py.detach(|| reader.wait_owned(slice)).map_err(to_exception)? {
                return Ok(Some(Sample::new(sample)));
            }
            py.check_signals()?;
            if left <= slice && deadline.is_over() {
                return Ok(None);
            }
        }
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    #[getter]
    fn is_writer_alive(&self) -> PyResult<bool> {
        self.with(|reader| Ok(reader.is_writer_alive()))
    }

    #[getter]
    fn writer_epoch(&self) -> PyResult<u64> {
        self.with(|reader| Ok(reader.writer_epoch()))
    }

    fn close(&self) -> PyResult<()> {
        *self.lock()? = None;
        Ok(())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close()
    }
}
