//! Time-outs, as Python gives them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// The longest sleep between two looks at Python's signals.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Returns how long a writer waits for readers.
pub(crate) fn patience(seconds: f64) -> PyResult<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return Err(PyValueError::new_err(format!("wait_for_readers is {seconds}, not a number of seconds from 0 on")));
    }
    // Beyond the range it is for ever.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The moment at which a wait ends; `None` for a wait without a time-out.
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(seconds: Option<f64>) -> PyResult<Self> {
        let Some(seconds) = seconds else { return Ok(Self(None)) };
        if seconds.is_nan() {
            return Err(PyValueError::new_err("a time-out must be a number of seconds, not NaN"));
        }
        // Beyond the clock's range there is no time-out; before now is now.
        let timeout = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Ok(Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout))))
    }

    pub(crate) fn left(&self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}
