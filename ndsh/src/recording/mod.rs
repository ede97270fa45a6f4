//! Recordings: the values of a channel with their times, in files that NumPy reads.
//!
//! A *directory* has one `.npy` file for each value and `index.jsonl`, one JSON object a line: `file`, `time` (when it was written, in seconds
//! since the recording began; 0 for what was there before), `unix_time` (seconds since 1970), `seq`, `missed` (values that the recorder did not see before this one), `dtype`,
//! `shape`. It is complete up to the last line at any time.
//!
//! An *archive* is one `.npz` file, in which the values have the keys `00000000`, `00000001` and so on, and `time`, `unix_time`, `seq` and
//! `missed` are arrays with an element for each. While it is recorded its name ends with `.part`, and
//! the entries have their notes in an extra field of their headers: so what a killed recorder has
//! left can be played.

mod archive;
mod directory;
mod player;

pub(crate) use player::Recording;

use crate::array::ArrayRef;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is noted beside a value. `None` where the channel does not number its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// When it was written, in seconds since the recording began.
    pub(crate) time: f64,
    /// When it was written, in seconds since 1970.
    pub(crate) unix_time: f64,
    pub(crate) seq: Option<u64>,
    pub(crate) missed: Option<u64>,
}

/// The key, or the file's stem, of a value.
fn key(index: usize) -> String {
    format!("{index:08}")
}

/// A recording that is being made.
pub(crate) enum Recorder {
    Directory(directory::Recorder),
    Archive(Box<archive::Recorder>),
}

impl Recorder {
    /// An archive if the name ends with `.npz`, else a directory. Nothing is overwritten.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if is_archive(path) {
            if path.exists() {
                return Err(exists(path));
            }
            Ok(Self::Archive(Box::new(archive::Recorder::create(path)?)))
        } else {
            Ok(Self::Directory(directory::Recorder::create(path)?))
        }
    }

    pub(crate) fn add(&mut self, note: Note, array: ArrayRef<'_>) -> Result<()> {
        match self {
            Self::Directory(recorder) => recorder.add(note, array),
            Self::Archive(recorder) => recorder.add(note, array),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Archive(recorder) => recorder.finish(),
        }
    }
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"))
}

/// Whether a file is an archive that was never finished.
fn is_part(path: &Path) -> bool {
    path.is_file() && path.extension() == Some(archive::PART.trim_start_matches('.').as_ref())
}

fn exists(path: &Path) -> Failure {
    Failure::new(Exit::Failure, format!("{} exists already", path.display()))
        .advise("remove it, or choose another name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use std::fs;

    fn note(index: u64) -> Note {
        Note {
            time: index as f64 / 4.0,
            unix_time: 1e9 + index as f64 / 4.0,
            seq: Some(7 + index),
            missed: Some(index % 2),
        }
    }

    fn record(path: &Path) {
        let mut recorder = Recorder::create(path).unwrap();
        for index in 0..3_u8 {
            let bytes = vec![index; usize::from(index)];
            let array = ArrayRef { dtype: DType::U8, shape: &[usize::from(index)], bytes: &bytes };
            recorder.add(note(index.into()), array).unwrap();
        }
        recorder.finish().unwrap();
    }

    #[test]
    fn recordings_come_back() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["directory", "archive.npz"] {
            let path = dir.path().join(name);
            record(&path);
            let mut recording = Recording::open(&path).unwrap();
            assert_eq!(recording.times(), [0.0, 0.25, 0.5], "{name}");
            for (index, byte) in (0..3).zip(0_u8..) {
                let array = recording.get(index).unwrap();
                assert_eq!((array.dtype, array.shape, array.bytes), (DType::U8, vec![index], vec![byte; index]));
            }
            assert!(Recorder::create(&path).is_err(), "nothing is overwritten");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_index_names_only_files_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recording");
        record(&path);
        let index = path.join("index.jsonl");
        let text = fs::read_to_string(&index).unwrap().replace("00000001.npy", "../secret.npy");
        fs::write(&index, text).unwrap();
        assert_eq!(Recording::open(&path).err().unwrap().exit(), Exit::Corrupt);
    }

    #[test]
    fn a_line_that_was_not_finished_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recording");
        record(&path);
        let index = path.join("index.jsonl");
        let text = fs::read_to_string(&index).unwrap();
        fs::write(&index, &text[..text.len() - 5]).unwrap();
        assert_eq!(Recording::open(&path).unwrap().times(), [0.0, 0.25]);
    }
}
