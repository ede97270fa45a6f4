//! A recording as one `.npz` file.

use super::{Note, key};
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::npz::{Archive, Writer};
use crate::files::{Output, bad_file, of_file};
use ndsharray::DType;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

pub(super) const TIME: &str = "time";

/// Stands for "not known" among numbers.
const UNKNOWN: u64 = 0;

pub(crate) struct Recorder {
    output: Output,
    writer: Writer<File>,
    notes: Vec<Note>,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let mut output = Output::create(path)?;
        let file = of_file(path, output.writer().get_ref().try_clone())?;
        Ok(Self { output, writer: Writer::new(file), notes: Vec::new() })
    }

    pub(super) fn add(&mut self, note: Note, array: ArrayRef<'_>) -> Result<()> {
        self.writer
            .add(&key(self.notes.len()), array)
            .map_err(|failure| failure.context(self.output.path().display()))?;
        self.notes.push(note);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let notes = &self.notes;
        let columns = [
            (TIME, DType::F64, column(notes, |note| note.time.to_ne_bytes())),
            ("unix_time", DType::F64, column(notes, |note| note.unix_time.to_ne_bytes())),
            ("seq", DType::U64, column(notes, |note| note.seq.unwrap_or(UNKNOWN).to_ne_bytes())),
            ("missed", DType::U64, column(notes, |note| note.missed.unwrap_or(UNKNOWN).to_ne_bytes())),
        ];
        for (name, dtype, bytes) in columns {
            self.writer.add(name, ArrayRef { dtype, shape: &[notes.len()], bytes: &bytes })?;
        }
        self.writer.finish()?;
        self.output.finish()
    }
}

fn column(notes: &[Note], number: impl Fn(&Note) -> [u8; 8]) -> Vec<u8> {
    notes.iter().flat_map(number).collect()
}

/// Keys and times of the values in an archive.
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
