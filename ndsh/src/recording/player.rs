//! Reading a recording.

use super::note::{Note, is_archive, is_part};
use super::{archive, directory};
use crate::array::Array;
use crate::failure::{Exit, Failure, Result};
use crate::files::npz::{Archive, get_salvaged};
use crate::files::{Arrays, bad_file, of_file};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// A recording, complete or as far as it got.
pub(crate) struct Recording {
    path: PathBuf,
    notes: Vec<Note>,
    values: Values,
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
        } else if path.is_dir() || !is_archive(path) {
            let found = of_directory(path)?.into_iter();
            let (files, notes) = found.map(|(file, note, attributes)| ((file, attributes), note)).unzip();
            (Values::Directory(files), notes)
        } else {
            let open = || -> Result<_> {
                let mut archive = Archive::new(BufReader::new(File::open(path)?))?;
                let (keys, notes) = archive::read_index(&mut archive)?.into_iter().unzip();
                Ok((Values::Archive { archive, keys }, notes))
            };
            of_file(path, open())?
        };
        if let Some(Note { time, .. }) = notes.iter().find(|note| !note.time.is_finite()) {
            return Err(bad_file("recording", format!("a value has the time {time}")).context(path.display()));
        }
        Ok(Self { path: path.to_owned(), notes, values })
    }

    /// Returns what is noted of each value.
    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Reads a value and its attributes.
    pub(crate) fn get(&mut self, index: usize) -> Result<(Array, Vec<u8>)> {
        let none = || Failure::new(Exit::NotFound, format!("{} has no value {index}", self.path.display()));
        match &mut self.values {
            Values::Directory(files) => {
                let (file, attributes) = files.get(index).ok_or_else(none)?;
                let array = Arrays::open(file, None, None)?.next(|_, incoming| incoming.into_array())?;
                Ok((array.ok_or_else(|| bad_file(".npy", "it is empty"))?, attributes.clone()))
            }
            Values::Archive { archive, keys } => {
                let key = keys.get(index).ok_or_else(none)?;
                let array = archive.get(key);
                let both = array.and_then(|array| Ok((array, archive::read_attributes(archive, key)?)));
                both.map_err(|failure| failure.context(self.path.display()))
            }
            Values::Part { file, values } => {
                let (at, attributes) = values.get(index).ok_or_else(none)?;
                Ok((of_file(&self.path, get_salvaged(file, *at))?, attributes.clone()))
            }
        }
    }
}

fn of_directory(path: &Path) -> Result<Vec<directory::Indexed>> {
    if path.exists() && !path.is_dir() {
        return Err(Failure::new(Exit::Usage, format!("{} is no recording", path.display())).advise(
            "`ndsh record` makes a directory, or a file that ends with .npz; `ndsh put` publishes other files",
        ));
    }
    directory::read_index(path)
}
