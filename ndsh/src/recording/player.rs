//! Reading a recording, one value after another.

use super::archive;
use super::directory::{self, Indexed};
use super::elements::Elements;
use super::entry::Entry;
use super::mcap::McapFile;
use super::note::{Kind, Note, is_part};
use crate::array::Array;
use crate::failure::{Exit, Failure, Result};
use crate::files::npz::{Archive, get_salvaged};
use crate::files::{Arrays, bad_file, of_file};
use std::borrow::Cow;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// A recording, complete or as far as it got.
pub(crate) struct Recording {
    path: PathBuf,
    content: Content,
}

enum Content {
    Mcap(McapFile),
    Listed {
        notes: Vec<Note>,
        /// Of each value, where the recording says them.
        names: Vec<Option<String>>,
        values: Values,
        /// The value that comes next.
        next: usize,
    },
}

enum Values {
    /// Files, and the values' attributes.
    Directory(Vec<(PathBuf, Vec<u8>)>),
    Archive {
        archive: Archive<BufReader<File>>,
        keys: Vec<String>,
    },
    /// An archive whose recorder was killed, the offsets of its values, and their attributes.
    Part {
        file: BufReader<File>,
        values: Vec<(u64, Vec<u8>)>,
    },
}

impl Recording {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (values, notes): (_, Vec<Note>) = if is_part(path) {
            let open = || -> Result<_> {
                let mut file = BufReader::new(File::open(path)?);
                let found = archive::salvage(&mut file)?.into_iter();
                let (values, notes) = found.map(|(at, note, attributes)| ((at, attributes), note)).unzip();
                Ok((Values::Part { file, values }, notes))
            };
            of_file(path, open())?
        } else if !path.is_dir() && Kind::of(path) == Kind::Mcap {
            let content = Content::Mcap(of_file(path, McapFile::open(path))?);
            return Ok(Self { path: path.to_owned(), content });
        } else if path.is_dir() || Kind::of(path) == Kind::Directory {
            return Self::of_directory(path);
        } else {
            let open = || -> Result<_> {
                let mut archive = Archive::new(BufReader::new(File::open(path)?))?;
                let (keys, notes) = archive::read_index(&mut archive)?.into_iter().unzip();
                Ok((Values::Archive { archive, keys }, notes))
            };
            of_file(path, open())?
        };
        Self::listed(path, Vec::new(), notes, values)
    }

    fn of_directory(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_dir() {
            return Err(Failure::new(Exit::Usage, format!("{} is no recording", path.display())).advise(
                "`ndsh record` makes a directory, or a file that ends with .mcap or .npz; `ndsh put` publishes other \
                 files",
            ));
        }
        let (mut names, mut notes, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for Indexed { file, channel, note, attributes } in directory::read_index(path)? {
            names.push(channel);
            notes.push(note);
            files.push((file, attributes));
        }
        Self::listed(path, names, notes, Values::Directory(files))
    }

    fn listed(path: &Path, names: Vec<Option<String>>, notes: Vec<Note>, values: Values) -> Result<Self> {
        if let Some(Note { time, .. }) = notes.iter().find(|note| !note.time.is_finite()) {
            return Err(bad_file("recording", format!("a value has the time {time}")).context(path.display()));
        }
        Ok(Self { path: path.to_owned(), content: Content::Listed { notes, names, values, next: 0 } })
    }

    /// The names of the channels, sorted, as far as they are known before the values are read.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.content {
            Content::Mcap(file) => file.names(),
            Content::Listed { names, .. } => {
                let mut names: Vec<_> = names.iter().flatten().cloned().collect();
                names.sort();
                names.dedup();
                names
            }
        }
    }

    /// Number of values, where that is known.
    pub(crate) fn count(&self) -> Option<u64> {
        match &self.content {
            Content::Mcap(file) => file.count(),
            Content::Listed { notes, .. } => Some(notes.len() as u64),
        }
    }

    /// Whether its recorder was killed, as far as that is known.
    pub(crate) fn is_unfinished(&self) -> bool {
        match &self.content {
            Content::Mcap(file) => !file.is_finished(),
            Content::Listed { values, .. } => matches!(values, Values::Part { .. }),
        }
    }

    /// Goes back to the first value.
    pub(crate) fn rewind(&mut self) {
        match &mut self.content {
            Content::Mcap(file) => file.rewind(),
            Content::Listed { next, .. } => *next = 0,
        }
    }

    /// Reads the next value at or after `start`, in seconds since the beginning; `None` at the end.
    pub(crate) fn next(&mut self, start: f64) -> Result<Option<Entry<'_>>> {
        let (notes, names, values, next) = match &mut self.content {
            Content::Mcap(file) => return of_file(&self.path, file.next(start)),
            Content::Listed { notes, names, values, next } => (notes, names, values, next),
        };
        let first = notes.first().map_or(0.0, |note| note.time);
        while notes.get(*next).is_some_and(|note| note.time - first < start) {
            *next += 1;
        }
        let index = *next;
        let Some(note) = notes.get(index) else { return Ok(None) };
        *next += 1;
        let (Array { element, record, shape, bytes }, attributes) = values.get(&self.path, index)?;
        Ok(Some(Entry {
            name: names.get(index).and_then(Option::as_deref),
            note: *note,
            elements: Cow::Owned(Elements::of(element, record)),
            shape: shape.into(),
            bytes: bytes.into(),
            attributes: attributes.into(),
        }))
    }

    /// The failure of a recording without values.
    pub(crate) fn no_values(&self) -> Failure {
        match &self.content {
            Content::Mcap(file) => file.no_values(),
            Content::Listed { .. } => Failure::new(Exit::Failure, "it has no values"),
        }
        .context(self.path.display())
    }
}

impl Values {
    /// Reads a value and its attributes.
    fn get(&mut self, path: &Path, index: usize) -> Result<(Array, Vec<u8>)> {
        let none = || Failure::new(Exit::NotFound, format!("{} has no value {index}", path.display()));
        match self {
            Self::Directory(files) => {
                let (file, attributes) = files.get(index).ok_or_else(none)?;
                let array = Arrays::open(file, None, None)?.next(|_, incoming| incoming.into_array())?;
                Ok((array.ok_or_else(|| bad_file(".npy", "it is empty"))?, attributes.clone()))
            }
            Self::Archive { archive, keys } => {
                let key = keys.get(index).ok_or_else(none)?;
                let array = archive.get(key);
                let both = array.and_then(|array| Ok((array, archive::read_attributes(archive, key)?)));
                both.map_err(|failure| failure.context(path.display()))
            }
            Self::Part { file, values } => {
                let (at, attributes) = values.get(index).ok_or_else(none)?;
                Ok((of_file(path, get_salvaged(file, *at))?, attributes.clone()))
            }
        }
    }
}
