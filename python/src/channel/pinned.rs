//! What to do when readers hold all slots: one more try if this process' own garbage may hold some, and an error that names the readers.

use crate::errors;
use crate::options::Place;
use ndsharray::inspect::Kind;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long the answers of a look, and a collection that freed no slot, are good enough: a writer may try again and again.
const FRESH: Duration = Duration::from_millis(200);

/// Processes that are named in an error.
const NAMED: usize = 5;

/// Slots held, by the process ids that readers have noted about themselves.
type Holders = BTreeMap<u32, usize>;

/// What is known of a channel's holders.
#[derive(Default)]
pub(crate) struct Pinned {
    // No Python code runs while it is locked.
    last: Mutex<Option<(Instant, Holders)>>,
}

impl Pinned {
    /// Does it; when all slots are held, some of them by this process, once more after a garbage collection.
    pub(crate) fn retry<T>(
        &self,
        py: Python<'_>,
        place: &Place,
        name: &str,
        mut attempt: impl FnMut() -> PyResult<T>,
    ) -> PyResult<T> {
        match attempt() {
            Err(error) if is_pinned(py, &error)? => self.again(py, place, name, error, attempt),
            other => other,
        }
    }

    #[cold]
    fn again<T>(
        &self,
        py: Python<'_>,
        place: &Place,
        name: &str,
        mut error: PyErr,
        mut attempt: impl FnMut() -> PyResult<T>,
    ) -> PyResult<T> {
        let known = self.last().filter(|(when, _)| when.elapsed() < FRESH);
        let holders = match known {
            Some((_, holders)) => holders,
            None => {
                let mut holders = look(place, name);
                if holders.contains_key(&std::process::id()) {
                    // Samples in cycles of references, as those of a traceback.
                    py.import("gc")?.call_method0("collect")?;
                    match attempt() {
                        Err(again) if is_pinned(py, &again)? => error = again,
                        other => return other,
                    }
                    holders = look(place, name);
                }
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), holders.clone()));
                holders
            }
        };
        Err(naming(py, &error, &holders)?)
    }

    fn last(&self) -> Option<(Instant, Holders)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn is_pinned(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.is_instance(py, errors::class(py, "AllSlotsPinned")?.as_any()))
}

/// Who holds slots just now, as far as that can be seen.
fn look(place: &Place, name: &str) -> Holders {
    let mut holders = Holders::new();
    let Ok(report) = place.options().look(name, Kind::Channel) else { return holders };
    for reader in report.readers {
        if let Some(pid) = reader.owner.pid.filter(|_| !reader.pins.is_empty()) {
            *holders.entry(pid).or_default() += reader.pins.len();
        }
    }
    holders
}

/// The error with the holders' names.
fn naming(py: Python<'_>, error: &PyErr, holders: &Holders) -> PyResult<PyErr> {
    let value = error.value(py);
    let mut message = value.str()?.to_string();
    let mut most: Vec<_> = holders.iter().map(|(&pid, &slots)| (slots, pid)).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    for (place, (slots, pid)) in most.iter().take(NAMED).enumerate() {
        let (before, own) = (if place == 0 { ": " } else { ", " }, *pid == std::process::id());
        // Writing to a string cannot fail.
        let _ = write!(message, "{before}process {pid}{} {slots}", if own { " (this one)" } else { "" });
    }
    if most.len() > NAMED {
        let _ = write!(message, ", and {} more processes", most.len() - NAMED);
    }
    if holders.contains_key(&std::process::id()) {
        message.push_str(". Each sample, array or view that is kept holds its slot, also in a list, a traceback or IPython's Out[]; a copy() holds none.");
    }
    let fields = PyDict::new(py);
    fields.set_item("slots", value.getattr("slots")?)?;
    let by_process = PyDict::new(py);
    for (pid, slots) in holders {
        by_process.set_item(pid, slots)?;
    }
    fields.set_item("holders", by_process)?;
    Ok(PyErr::from_value(errors::class(py, "AllSlotsPinned")?.call((message,), Some(&fields))?))
}
