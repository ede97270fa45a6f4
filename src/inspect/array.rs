//! A look at a shared array.

use super::files::{Notes, Opened};
use super::report::{ArrayLock, Details, Kind, Life, Owner, Reader, Report, Role, Value};
use crate::error::{Error, Result};
use crate::files::location::Location;
use crate::files::seats::Seats;
use crate::format::array::ArrayHeader;
use crate::format::error::HeaderError;
use crate::format::extent::Extent;
use crate::shared::elements::ArrayElements;
use crate::shared::memory::ArrayMemory;
use crate::shared::open;
use crate::shared::snapshot::LockSnapshot;
use ndsharray_protocol::rwlock::Entry;

pub(super) fn look(location: &Location) -> Result<Report> {
    let mut notes = Notes::default();
    let path = location.array();
    let file = notes.open(path.clone(), Role::Array);
    if notes.files.is_empty() {
        return Err(Error::not_found(path));
    }
    let mut report = Report {
        name: location.name().to_owned(),
        kind: Kind::Array,
        files: Vec::new(),
        value: None,
        writer: Owner { life: Life::Gone, pid: None },
        readers: Vec::new(),
        readers_known: true,
        max_readers: 0,
        details: Details::Array { lock: None },
        problems: Vec::new(),
    };
    if file.is_none() {
        report.writer.life = Life::Unknown;
    }
    if let Some(file) = file {
        match head(&file) {
            Ok(Some(head)) => describe(&mut report, &file, &head, &mut notes),
            // Being made, or its maker died.
            Ok(None) => report.writer.life = file.life(&Seats::FILE),
            Err(error) => {
                notes.problem(&file.path, error);
                report.readers = living(&file);
            }
        }
    }
    report.files = notes.files;
    report.problems = notes.problems;
    Ok(report)
}

fn head(file: &Opened) -> Result<Option<ArrayHeader>> {
    let Some(bytes) = open::read_head(file.file(), &file.path)? else { return Ok(None) };
    Ok(Some(ArrayHeader::decode(&bytes)?))
}

fn describe(report: &mut Report, file: &Opened, head: &ArrayHeader, notes: &mut Notes) {
    let extent = &head.extent;
    let record = match ArrayElements::read(file.file(), &file.path, head) {
        Ok(elements) => elements.record_type().cloned(),
        Err(error) => {
            notes.problem(&file.path, error);
            None
        }
    };
    let value = Value::of(head.element, head.shape.clone(), extent.byte_len);
    report.value = Some(Value { record, ..value });
    report.max_readers = extent.entries;
    let expected = extent.file_len().map_or(u64::MAX, |len| len as u64);
    if file.len < expected {
        notes.problem(&file.path, HeaderError::Truncated { expected, found: file.len });
    }
    let lock = match file.bytes(Extent::LOCK_AT as u64, LockSnapshot::len_for(extent.entries)) {
        Ok(bytes) => LockSnapshot::of(bytes, extent.entries),
        Err(error) => return notes.problem(&file.path, error),
    };
    let word = lock.word();
    report.readers = lock.members().into_iter().map(|index| member(file, lock.entry(index), index)).collect();
    if let Some(holder) = word.holder() {
        let member = report.readers.iter().find(|reader| reader.index == holder);
        // A holder is a member. A holder that is no member never was one, or is dead and partly
        // reaped.
        report.writer = member.map_or(Owner { life: Life::Gone, pid: None }, |member| member.owner);
    }
    let lock = ArrayLock { holder: word.holder(), waited_for: word.is_waited_for(), poisoned: word.is_poisoned() };
    report.details = Details::Array { lock: Some(lock) };
}

fn member(file: &Opened, entry: Option<&Entry>, index: usize) -> Reader {
    Reader {
        index,
        owner: Owner { life: file.life(&ArrayMemory::SEATS.range(index)), pid: entry.and_then(Entry::pid) },
        pins: Vec::new(),
        seen: 0,
        retries: 0,
        behind: 0,
        lossless: false,
        sharing: entry.map_or(0, Entry::sharing),
    }
}

/// The living owners among all entries that an array can have.
///
/// For an array whose head cannot be read.
fn living(file: &Opened) -> Vec<Reader> {
    if file.any_life(&ArrayMemory::SEATS.all()) == Life::Gone {
        return Vec::new();
    }
    let all = (0..ndsharray_protocol::members::Members::MAX).map(|index| member(file, None, index));
    all.filter(|reader| reader.owner.life != Life::Gone).collect()
}
