//! A recording as a directory.

use super::note::{Note, check_len, exists, key};
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::{bad_file, npy, of_file};
use crate::output::attributes::{as_text, from_hex, to_hex};
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
    /// Older recordings have one channel, and do not say which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(flatten)]
    note: Note,
    /// For people and other programs, like `shape`; the file has both too.
    dtype: String,
    shape: Vec<usize>,
    #[serde(flatten)]
    attributes: Attributes,
}

/// Attributes in the index: as text where they are that.
#[derive(Default, Serialize, Deserialize)]
struct Attributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes: Option<String>,
    /// Hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes_hex: Option<String>,
}

impl Attributes {
    fn new(bytes: &[u8]) -> Self {
        match as_text(bytes) {
            Some("") => Self::default(),
            Some(text) => Self { attributes: Some(text.to_owned()), attributes_hex: None },
            None => Self { attributes: None, attributes_hex: Some(to_hex(bytes)) },
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>> {
        let bytes = match (self.attributes, self.attributes_hex) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(digits)) => {
                from_hex(&digits).ok_or_else(|| bad_file("index.jsonl", "attributes_hex is not hexadecimal"))?
            }
            (None, None) => Vec::new(),
        };
        check_len(bytes)
    }
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
    pub(super) fn add(&mut self, name: &str, note: Note, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        let file = format!("{}.npy", key(self.count));
        let path = self.dir.join(&file);
        let save = || -> Result<()> {
            let mut to = BufWriter::new(File::create_new(&path)?);
            npy::write(&mut to, array)?;
            Ok(to.flush()?)
        };
        of_file(&path, save())?;
        let (dtype, shape) = (array.type_name(), array.shape.to_vec());
        let channel = Some(name.to_owned());
        let line = Line { file, channel, note, dtype, shape, attributes: Attributes::new(attributes) };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        of_file(&self.dir.join(INDEX), self.index.write_all(text.as_bytes()))?;
        self.count += 1;
        Ok(())
    }
}

/// A value in the index.
pub(super) struct Indexed {
    pub(super) file: PathBuf,
    pub(super) channel: Option<String>,
    pub(super) note: Note,
    pub(super) attributes: Vec<u8>,
}

/// Reads the index of a recording.
pub(super) fn read_index(dir: &Path) -> Result<Vec<Indexed>> {
    let path = dir.join(INDEX);
    let text = of_file(&path, fs::read_to_string(&path))?;
    // A killed recorder may leave an incomplete line at the end.
    let complete = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let parse = |line: &str| -> Result<Indexed> {
        let line: Line = serde_json::from_str(line).map_err(|error| bad_file("index.jsonl", error))?;
        let mut components = Path::new(&line.file).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(file)), None) => Ok(Indexed {
                file: dir.join(file),
                channel: line.channel,
                note: line.note,
                attributes: line.attributes.into_bytes()?,
            }),
            _ => Err(bad_file("index.jsonl", format!("{:?} is not a file beside it", line.file))),
        }
    };
    complete.lines().map(|line| of_file(&path, parse(line))).collect()
}
