//! Making a recording.

use super::archive::ArchiveRecorder;
use super::directory::DirectoryRecorder;
use super::note::{Note, exists, is_archive};
use crate::array::ArrayRef;
use crate::failure::Result;
use std::path::Path;

/// A recording under way.
pub(crate) enum Recorder {
    Directory(DirectoryRecorder),
    Archive(Box<ArchiveRecorder>),
}

impl Recorder {
    /// Creates an archive if the name ends with `.npz`, else a directory. Overwrites nothing.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if is_archive(path) {
            if path.exists() {
                return Err(exists(path));
            }
            Ok(Self::Archive(Box::new(ArchiveRecorder::create(path)?)))
        } else {
            Ok(Self::Directory(DirectoryRecorder::create(path)?))
        }
    }

    pub(crate) fn add(&mut self, note: Note, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        match self {
            Self::Directory(recorder) => recorder.add(note, array, attributes),
            Self::Archive(recorder) => recorder.add(note, array, attributes),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Archive(recorder) => recorder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::player::Recording;
    use super::*;
    use crate::failure::Exit;
    use ndsharray::DType;
    use std::fs;
    use uuid::Uuid;

    const ATTRIBUTES: [&[u8]; 3] = [b"{\"frame\": 7}", b"", b"\xff\x00"];

    fn note(index: u64) -> Note {
        Note {
            time: index as f64 / 4.0,
            unix_time: 1e9 + index as f64 / 4.0,
            seq: Some(7 + index),
            missed: Some(index % 2),
            epoch: Some(3),
            incarnation: Some(Uuid::from_u128(5)),
        }
    }

    fn record(path: &Path) {
        let mut recorder = Recorder::create(path).unwrap();
        for index in 0..3_u8 {
            let bytes = vec![index; usize::from(index)];
            let array = ArrayRef { dtype: DType::U8, shape: &[usize::from(index)], bytes: &bytes };
            recorder.add(note(index.into()), array, ATTRIBUTES[usize::from(index)]).unwrap();
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
            let times: Vec<f64> = recording.notes().iter().map(|note| note.time).collect();
            assert_eq!(times, [0.0, 0.25, 0.5], "{name}");
            for (index, byte) in (0..3).zip(0_u8..) {
                let (array, attributes) = recording.get(index).unwrap();
                assert_eq!((array.dtype, array.shape, array.bytes), (DType::U8, vec![index], vec![byte; index]));
                assert_eq!(attributes, ATTRIBUTES[index]);
                assert_eq!(recording.notes()[index], note(index as u64));
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
        assert_eq!(Recording::open(&path).unwrap().notes(), [note(0), note(1)]);
    }
}
