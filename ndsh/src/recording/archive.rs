//! A recording as one `.npz` file.

use super::note::{Note, PART, exists, key};
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::npz::{Archive, ArchiveWriter, Quiet};
use crate::files::{bad_file, npz, of_file};
use crate::output::quoted;
use ndsharray::DType;
use std::fs::{self, File};
use std::io::{BufRead, BufWriter, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

/// The key of the array of times.
const TIME: &str = "time";

/// Stands for an unknown number.
const UNKNOWN: u64 = 0;

pub(crate) struct ArchiveRecorder {
    path: PathBuf,
    /// The file's name until it is finished.
    ///
    /// A killed recorder leaves this file, and it can be played.
    part: PathBuf,
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
        let writer = npz::to_file(BufWriter::new(file));
        Ok(Self { path: path.to_owned(), part, writer, notes: Vec::new(), finished: false })
    }

    pub(super) fn add(&mut self, note: Note, array: ArrayRef<'_>) -> Result<()> {
        let key = key(self.notes.len());
        let added = self.writer.add(&key, array, Some(&to_bytes(&note))).and_then(|()| self.writer.complete(&key));
        self.explained(added)?;
        self.notes.push(note);
        Ok(())
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
            ("unix_time", DType::F64, column(notes, |note| note.unix_time.to_ne_bytes())),
            ("seq", DType::U64, column(notes, |note| note.seq.unwrap_or(UNKNOWN).to_ne_bytes())),
            ("missed", DType::U64, column(notes, |note| note.missed.unwrap_or(UNKNOWN).to_ne_bytes())),
        ];
        for (name, dtype, bytes) in columns {
            self.writer.add(name, ArrayRef { dtype, shape: &[notes.len()], bytes: &bytes }, None)?;
        }
        self.writer.finish()?;
        // A link, unlike a rename, never replaces another file.
        match fs::hard_link(&self.part, &self.path) {
            Ok(()) => Ok(fs::remove_file(&self.part)?),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(&self.path)),
            // Not every file system has links.
            Err(_) => Ok(fs::rename(&self.part, &self.path)?),
        }
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
            let _ = fs::remove_file(&self.part);
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

/// Length of a note in an entry's header, in bytes: four numbers.
const NOTE_BYTES: usize = 32;

fn to_bytes(note: &Note) -> [u8; NOTE_BYTES] {
    let words = [
        note.time.to_le_bytes(),
        note.unix_time.to_le_bytes(),
        note.seq.unwrap_or(UNKNOWN).to_le_bytes(),
        note.missed.unwrap_or(UNKNOWN).to_le_bytes(),
    ];
    let mut bytes = [0; NOTE_BYTES];
    for (byte, word) in bytes.iter_mut().zip(words.as_flattened()) {
        *byte = *word;
    }
    bytes
}

/// Finds the values of an unfinished archive: their offsets in the file, and times.
pub(super) fn salvage(from: &mut (impl BufRead + Seek)) -> Result<Vec<(u64, f64)>> {
    let found = npz::salvage(from)?;
    let time = |found: &npz::SalvagedEntry| Some(f64::from_le_bytes(*found.note.first_chunk()?));
    Ok(found.into_iter().filter_map(|found| Some((found.at, time(&found)?))).collect())
}

fn column(notes: &[Note], number: impl Fn(&Note) -> [u8; 8]) -> Vec<u8> {
    notes.iter().flat_map(number).collect()
}

/// Reads the keys and times of the values in an archive.
pub(super) fn read_index<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Vec<(String, f64)>> {
    let time = archive.get(TIME).map_err(|failure| {
        failure.advise("it has no times: `ndsh put NAME FILE --rate 30` publishes the arrays of any archive")
    })?;
    let keys: Vec<_> = archive
        .keys()
        .into_iter()
        .filter(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let times = time.bytes.as_chunks().0.iter().copied().map(f64::from_ne_bytes);
    if time.dtype != DType::F64 || times.len() != keys.len() {
        return Err(bad_file("recording", format!("{} values and {} times", keys.len(), times.len())));
    }
    Ok(keys.into_iter().zip(times).collect())
}
