//! A look at a channel in the format of Python's ndsharray.

use super::files::{Notes, Opened};
use super::report::{Details, Kind, Life, Owner, Report, Role, Value};
use crate::compat::location::Location;
use crate::compat::tag::WRITER;
use crate::error::{Error, Result};
use crate::files::listing::Listing;
use crate::format::python::{self, Hex, MAX_HEAD, STAMP, tag_len};
use crate::format::python_dtypes::DTypeTable;
use crate::sys;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Without a `listing` of the directory it is read.
pub(super) fn look(name: &str, dir: Option<&Path>, listing: Option<&Listing>) -> Result<Report> {
    let location = Location::new(name, dir)?;
    let mut notes = Notes::default();
    let tag = notes.open(location.tag(), Role::Tag);
    let mut report = Report {
        name: name.to_owned(),
        kind: Kind::Python,
        files: Vec::new(),
        value: None,
        // A writer of this library has a lock; Python's has none.
        writer: Owner {
            life: match tag.as_ref().map(|tag| tag.life(&WRITER)) {
                Some(Life::Alive) => Life::Alive,
                Some(_) => Life::Unknown,
                None => notes.life_without(&location.tag()),
            },
            pid: None,
        },
        readers: Vec::new(),
        readers_known: false,
        max_readers: 0,
        details: Details::Python { whole: false },
        problems: Vec::new(),
    };
    let named = tag.as_ref().and_then(|tag| {
        let named = read_tag(name, tag);
        named.map_err(|error| notes.problem(&tag.path, error)).ok()
    });
    if let Some(hex) = named {
        current(&mut report, &location, &hex, &mut notes);
    }
    let payloads = listing.map_or_else(|| location.payloads(), |listing| Ok(location.payloads_in(listing)))?;
    for hex in payloads.iter().filter(|hex| named.as_ref() != Some(hex)) {
        notes.file(location.payload(hex), Role::Unnamed);
    }
    if notes.files.is_empty() {
        return Err(Error::not_found(location.tag()));
    }
    if tag.is_none() && notes.problems.is_empty() {
        notes.problem(&location.tag(), Error::not_found(location.tag()));
    }
    report.files = notes.files;
    report.problems = notes.problems;
    Ok(report)
}

fn read_tag(name: &str, tag: &Opened) -> Result<Hex> {
    let bytes = tag.front(tag_len(name) + 1)?;
    Ok(python::decode_tag(name, &bytes, tag.len)?)
}

/// The current value.
fn current(report: &mut Report, location: &Location, hex: &Hex, notes: &mut Notes) {
    let path = location.payload(hex);
    let Some(file) = notes.open(path.clone(), Role::Payload) else {
        if !notes.problems.iter().any(|problem| problem.path == path) {
            notes.problem(&path, Error::not_found(path.clone()));
        }
        return;
    };
    let found = file.front(MAX_HEAD).and_then(|front| {
        let layout = python::decode(&front, file.len, DTypeTable::default())?;
        let end = file.bytes(layout.head.end_at() as u64, STAMP)?;
        Ok((layout, stamp(&front), stamp(&end)))
    });
    match found {
        Ok((layout, first, last)) => {
            let whole = first.is_some() && first.map(f64::to_bits) == last.map(f64::to_bits);
            report.details = Details::Python { whole };
            let byte_len = layout.head.end_at().saturating_sub(layout.head.body_at());
            let value = Value::of(layout.dtype.into(), layout.shape, byte_len);
            report.value = Some(Value { age: first.and_then(age), ..value });
        }
        Err(error) => notes.problem(&path, error),
    }
}

fn stamp(bytes: &[u8]) -> Option<f64> {
    bytes.first_chunk::<STAMP>().map(|bytes| f64::from_ne_bytes(*bytes))
}

/// Time since a stamp; `None` when it is no time.
fn age(stamp: f64) -> Option<Duration> {
    let written = Duration::try_from_secs_f64(stamp).ok()?;
    Some(Duration::from_nanos(sys::monotonic_ns()).saturating_sub(written))
}

/// Whether a file holds what a payload file holds.
pub(super) fn holds_array(file: &File, len: u64) -> bool {
    let mut front = vec![0; usize::try_from(len).unwrap_or(MAX_HEAD).min(MAX_HEAD)];
    let found = sys::read_front(file, &mut front).unwrap_or(0);
    front.truncate(found);
    python::decode(&front, len, DTypeTable::default()).is_ok()
}
