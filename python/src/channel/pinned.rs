//! Writing while readers hold all slots.
//!
//! If garbage of this process may hold some, it is collected, and the write tried once more. After
//! that the error names the readers.

use crate::errors;
use crate::fork::own::unpoisoned;
use crate::options::Location;
use ndsharray::inspect::Kind;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The time for which a look and a collection are not repeated.
///
/// A writer may try again and again, and both are slow.
const FRESH: Duration = Duration::from_millis(200);

/// The most processes that an error names.
const NAMED: usize = 5;

/// Slots held, by the process ids that readers note about themselves.
type Holders = BTreeMap<u32, usize>;

/// The readers that held a channel's slots at the last look.
#[derive(Default)]
pub(crate) struct Pinned {
    // No Python code runs while it is locked.
    last: Mutex<Option<(Instant, Holders)>>,
}

impl Pinned {
    /// Calls `attempt`, and once more if a garbage collection may have freed a slot.
    pub(crate) fn retry<T>(
        &self,
        py: Python<'_>,
        location: &Location,
        name: &str,
        mut attempt: impl FnMut() -> PyResult<T>,
    ) -> PyResult<T> {
        match attempt() {
            Err(error) if is_pinned(py, &error)? => self.again(py, location, name, error, attempt),
            other => other,
        }
    }

    #[cold]
    fn again<T>(
        &self,
        py: Python<'_>,
        location: &Location,
        name: &str,
        mut error: PyErr,
        mut attempt: impl FnMut() -> PyResult<T>,
    ) -> PyResult<T> {
        let known = self.last().filter(|(when, _)| when.elapsed() < FRESH);
        let holders = match known {
            Some((_, holders)) => holders,
            None => {
                let mut holders = look(location, name);
                if holders.contains_key(&std::process::id()) {
                    // Frees samples in cycles of references, as those of a traceback.
                    py.import("gc")?.call_method0("collect")?;
                    match attempt() {
                        Err(again) if is_pinned(py, &again)? => error = again,
                        other => return other,
                    }
                    holders = look(location, name);
                }
                *unpoisoned(&self.last) = Some((Instant::now(), holders.clone()));
                holders
            }
        };
        Err(naming(py, &error, &holders)?)
    }

    fn last(&self) -> Option<(Instant, Holders)> {
        unpoisoned(&self.last).clone()
    }
}

fn is_pinned(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.is_instance(py, errors::class(py, "AllSlotsPinned")?.as_any()))
}

/// Counts the slots that each process holds just now, where that is visible.
fn look(location: &Location, name: &str) -> Holders {
    let mut holders = Holders::new();
    let Ok(report) = location.options().look(name, Kind::Channel) else { return holders };
    for reader in report.readers {
        if let Some(pid) = reader.owner.pid.filter(|_| !reader.pins.is_empty()) {
            *holders.entry(pid).or_default() += reader.pins.len();
        }
    }
    holders
}

/// Makes the error with the holders' names.
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
