//! A recording as one `.npz` file.

use super::made::Made;
use super::note::{Note, PART, check_len, exists, key};
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::npz::{Archive, ArchiveWriter, Quiet};
use crate::files::{bad_file, npz, of_file};
use crate::output::quoted;
use ndsharray::DType;
use std::fs::File;
use std::io::{BufRead, BufWriter, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use tempfile::TempPath;
use uuid::Uuid;

/// The keys of the arrays of notes.
const TIME: &str = "time";
const UNIX_TIME: &str = "unix_time";
const TIME_NS: &str = "time_ns";
const SEQ: &str = "seq";
const MISSED: &str = "missed";
const EPOCH: &str = "epoch";
const INCARNATION: &str = "incarnation";

/// The key of the attributes of the value called `key`.
fn attributes_key(key: &str) -> String {
    format!("{key}_attributes")
}

/// Stands for an unknown number.
const UNKNOWN: u64 = 0;

pub(crate) struct ArchiveRecorder {
    path: PathBuf,
    /// The file's name until it is finished.
    ///
    /// A killed recorder leaves this file, and it can be played.
    part: PathBuf,
    made: Made,
    writer: ArchiveWriter<Quiet<BufWriter<File>>>,
    notes: Vec<Note>,
    finished: bool,
}

impl ArchiveRecorder {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let part = part(path);
        let file = match File::create_new(&part) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(exists(&part).advise(left(&part)));
            }
            other => of_file(&part, other)?,
        };
        let made = of_file(&part, Made::of(&file))?;
        let writer = npz::to_file(BufWriter::new(file));
        Ok(Self { path: path.to_owned(), part, made, writer, notes: Vec::new(), finished: false })
    }

    pub(super) fn add(&mut self, note: Note, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        let key = key(self.notes.len());
        let added = self.add_with(&key, &note, array, attributes);
        self.explained(added)?;
        self.notes.push(note);
        Ok(())
    }

    /// Adds the attributes for NumPy, then the value with a note of all, for [`salvage`].
    fn add_with(&mut self, key: &str, note: &Note, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        if !attributes.is_empty() {
            let shape = [attributes.len()];
            self.writer.add(&attributes_key(key), ArrayRef::new(DType::U8, &shape, attributes), None)?;
        }
        self.writer.add(key, array, Some(&to_bytes(note, attributes)))?;
        self.writer.complete(key)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let done = self.finish_file();
        self.explained(done)?;
        self.finished = true;
        Ok(())
    }

    fn finish_file(&mut self) -> Result<()> {
        let notes = &self.notes;
        let columns = [
            (TIME, DType::F64, column(notes, |note| note.time.to_ne_bytes())),
            (UNIX_TIME, DType::F64, column(notes, |note| note.unix_time.to_ne_bytes())),
            (TIME_NS, DType::I64, column(notes, |note| note.time_ns.unwrap_or(i64::MIN).to_ne_bytes())),
            (SEQ, DType::U64, column(notes, |note| note.seq.unwrap_or(UNKNOWN).to_ne_bytes())),
            (MISSED, DType::U64, column(notes, |note| note.missed.unwrap_or(UNKNOWN).to_ne_bytes())),
            (EPOCH, DType::U64, column(notes, |note| note.epoch.unwrap_or(UNKNOWN).to_ne_bytes())),
        ];
        for (name, dtype, bytes) in columns {
            self.writer.add(name, ArrayRef::new(dtype, &[notes.len()], &bytes), None)?;
        }
        let bytes: Vec<u8> = notes.iter().flat_map(|note| note.incarnation.unwrap_or_default().into_bytes()).collect();
        let shape = [notes.len(), 16];
        self.writer.add(INCARNATION, ArrayRef::new(DType::U8, &shape, &bytes), None)?;
        self.writer.finish()?;
        // Another file of this name is never replaced.
        TempPath::try_from_path(&self.part)?.persist_noclobber(&self.path).map_err(|failed| {
            // What has been recorded stays where it is.
            let (kind, error) = (failed.error.kind(), failed.error);
            let _ = failed.path.keep();
            if kind == ErrorKind::AlreadyExists { exists(&self.path) } else { error.into() }
        })
    }

    /// Adds to a failure which file it was, and where the values before it are.
    fn explained(&self, result: Result<()>) -> Result<()> {
        of_file(&self.path, result)
            .map_err(|failure| if self.notes.is_empty() { failure } else { failure.advise(left(&self.part)) })
    }
}

impl Drop for ArchiveRecorder {
    fn drop(&mut self) {
        // A file without values is of no use.
        if !self.finished && self.notes.is_empty() {
            self.made.remove(&self.part);
        }
    }
}

/// The name of an archive while it is recorded.
fn part(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    part.into()
}

/// Advice on the values in an unfinished archive.
fn left(part: &Path) -> String {
    let part = quoted(&part.to_string_lossy());
    format!("what has been recorded is in {part}: `ndsh play NAME {part}` publishes it again")
}

/// Words of a note in an entry's header: time, time of day, number, missed, epoch, incarnation.
///
/// The attributes follow. Notes of older recordings end before the epoch.
const NOTE_WORDS: usize = 7;

fn to_bytes(note: &Note, attributes: &[u8]) -> Vec<u8> {
    let words = [
        note.time.to_le_bytes(),
        note.unix_time.to_le_bytes(),
        note.seq.unwrap_or(UNKNOWN).to_le_bytes(),
        note.missed.unwrap_or(UNKNOWN).to_le_bytes(),
        note.epoch.unwrap_or(UNKNOWN).to_le_bytes(),
    ];
    let incarnation = note.incarnation.unwrap_or_default().into_bytes();
    [words.as_flattened(), &incarnation, attributes].concat()
}

fn from_bytes(bytes: &[u8]) -> Option<(Note, Vec<u8>)> {
    let (words, _) = bytes.as_chunks::<8>();
    let word = |index: usize| words.get(index).copied();
    let known = |index| word(index).map(u64::from_le_bytes).filter(|&number| number != UNKNOWN);
    let incarnation = bytes.get(8 * (NOTE_WORDS - 2)..).and_then(|rest| rest.first_chunk::<16>());
    let note = Note {
        time: f64::from_le_bytes(word(0)?),
        unix_time: f64::from_le_bytes(word(1)?),
        time_ns: None,
        monotonic_ns: None,
        seq: known(2),
        // None missed is as good as unknown, without a number.
        missed: word(3).map(u64::from_le_bytes).filter(|_| known(2).is_some()),
        epoch: known(4),
        incarnation: incarnation.map(|&bytes| Uuid::from_bytes(bytes)).filter(|id| !id.is_nil()),
    };
    Some((note, bytes.get(8 * NOTE_WORDS..).unwrap_or_default().to_vec()))
}

/// A value in an unfinished archive: its offset in the file, its note and attributes.
pub(super) type Salvaged = (u64, Note, Vec<u8>);

/// Finds the values of an unfinished archive.
pub(super) fn salvage(from: &mut (impl BufRead + Seek)) -> Result<Vec<Salvaged>> {
    let found = npz::salvage(from)?;
    // Those without a note are attributes.
    let values = found.into_iter().filter_map(|found| Some((found.at, from_bytes(&found.note)?)));
    values.map(|(at, (note, attributes))| Ok((at, note, check_len(attributes)?))).collect()
}

fn column(notes: &[Note], number: impl Fn(&Note) -> [u8; 8]) -> Vec<u8> {
    notes.iter().flat_map(number).collect()
}

/// Reads the keys and notes of the values in an archive.
pub(super) fn read_index<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Vec<(String, Note)>> {
    if !archive.keys().iter().any(|key| key == TIME) {
        // Its error names the keys that there are.
        archive.get(TIME).map_err(|failure| {
            failure.advise("it has no times: `ndsh put NAME FILE --rate 30` publishes the arrays of any archive")
        })?;
    }
    let keys: Vec<_> = archive
        .keys()
        .into_iter()
        .filter(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let count = keys.len();
    let times = rows(archive, TIME, DType::F64, count)?;
    let unix_times = rows(archive, UNIX_TIME, DType::F64, count)?;
    let exact = rows(archive, TIME_NS, DType::I64, count)?;
    let seqs = rows(archive, SEQ, DType::U64, count)?;
    let missed = rows(archive, MISSED, DType::U64, count)?;
    let epochs = rows(archive, EPOCH, DType::U64, count)?;
    let incarnations = rows::<16, R>(archive, INCARNATION, DType::U8, count)?;
    let number = |rows: &[[u8; 8]], index: usize| rows.get(index).copied().map(u64::from_ne_bytes);
    let seconds = |rows: &[[u8; 8]], index: usize| rows.get(index).copied().map(f64::from_ne_bytes);
    let note = |index| {
        let seq = number(&seqs, index).filter(|&seq| seq != UNKNOWN);
        Note {
            time: seconds(&times, index).unwrap_or_default(),
            unix_time: seconds(&unix_times, index).unwrap_or_default(),
            time_ns: exact.get(index).copied().map(i64::from_ne_bytes).filter(|&time| time != i64::MIN),
            monotonic_ns: None,
            seq,
            missed: number(&missed, index).filter(|_| seq.is_some()),
            epoch: number(&epochs, index).filter(|&epoch| epoch != UNKNOWN),
            incarnation: incarnations.get(index).map(|&bytes| Uuid::from_bytes(bytes)).filter(|id| !id.is_nil()),
        }
    };
    Ok(keys.into_iter().enumerate().map(|(index, key)| (key, note(index))).collect())
}

/// Reads an array with `N` bytes for each of `count` values; none if there is no such array.
fn rows<const N: usize, R: Read + Seek>(
    archive: &mut Archive<R>,
    key: &str,
    dtype: DType,
    count: usize,
) -> Result<Vec<[u8; N]>> {
    if !archive.keys().iter().any(|found| found == key) {
        return Ok(Vec::new());
    }
    let array = archive.get(key)?;
    let (rows, rest) = array.bytes.as_chunks::<N>();
    if array.dtype() != dtype || !rest.is_empty() || rows.len() != count {
        let found = format!("{count} values, but {key} is {} of shape {:?}", array.dtype(), array.shape);
        return Err(bad_file("recording", found));
    }
    Ok(rows.to_vec())
}

/// Reads the attributes of the value called `key`.
pub(super) fn read_attributes<R: Read + Seek>(archive: &mut Archive<R>, key: &str) -> Result<Vec<u8>> {
    let key = attributes_key(key);
    if !archive.keys().contains(&key) {
        return Ok(Vec::new());
    }
    check_len(archive.get(&key)?.bytes)
}
