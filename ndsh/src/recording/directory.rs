//! A recording as a directory.

use super::note::{Note, exists, key};
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::{bad_file, npy, of_file};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

/// Name of the index file.
const INDEX: &str = "index.jsonl";

/// One line of the index.
#[derive(Serialize, Deserialize)]
struct Line {
    file: String,
    #[serde(flatten)]
    note: Note,
    /// For people and other programs, like `shape`; the file has both too.
    dtype: String,
    shape: Vec<usize>,
}

pub(crate) struct DirectoryRecorder {
    dir: PathBuf,
    index: File,
    count: usize,
}

impl DirectoryRecorder {
    pub(super) fn create(dir: &Path) -> Result<Self> {
        of_file(dir, fs::create_dir_all(dir))?;
        let path = dir.join(INDEX);
        let index = match File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(&path)),
            other => of_file(&path, other)?,
        };
        Ok(Self { dir: dir.to_owned(), index, count: 0 })
    }

    /// Adds a value, and then its line: every file in the index exists.
    pub(super) fn add(&mut self, note: Note, array: ArrayRef<'_>) -> Result<()> {
        let file = format!("{}.npy", key(self.count));
        let path = self.dir.join(&file);
        let save = || -> Result<()> {
            let mut to = BufWriter::new(File::create_new(&path)?);
            npy::write(&mut to, array)?;
            Ok(to.flush()?)
        };
        of_file(&path, save())?;
        let line = Line { file, note, dtype: array.dtype.to_string(), shape: array.shape.to_vec() };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        of_file(&self.dir.join(INDEX), self.index.write_all(text.as_bytes()))?;
        self.count += 1;
        Ok(())
    }
}

/// Reads the index: the files of a recording, and their notes.
pub(super) fn read_index(dir: &Path) -> Result<Vec<(PathBuf, Note)>> {
    let path = dir.join(INDEX);
    let text = of_file(&path, fs::read_to_string(&path))?;
    // A killed recorder may leave an incomplete line at the end.
    let complete = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let parse = |line: &str| -> Result<(PathBuf, Note)> {
        let line: Line = serde_json::from_str(line).map_err(|error| bad_file("index.jsonl", error))?;
        let mut components = Path::new(&line.file).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(file)), None) => Ok((dir.join(file), line.note)),
            _ => Err(bad_file("index.jsonl", format!("{:?} is not a file beside it", line.file))),
        }
    };
    complete.lines().map(|line| of_file(&path, parse(line))).collect()
}
