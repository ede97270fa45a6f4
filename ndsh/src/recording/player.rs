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
    times: Vec<f64>,
    values: Values,
}

enum Values {
    Directory(Vec<PathBuf>),
    Archive {
        archive: Archive<BufReader<File>>,
        keys: Vec<String>,
    },
    /// An archive whose recorder was killed, and the offsets of its values.
    Part {
        file: BufReader<File>,
        offsets: Vec<u64>,
    },
}

impl Recording {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (values, times) = if is_part(path) {
            let open = || -> Result<_> {
                let mut file = BufReader::new(File::open(path)?);
                let (offsets, times) = archive::salvage(&mut file)?.into_iter().unzip();
                Ok((Values::Part { file, offsets }, times))
            };
            of_file(path, open())?
        } else if path.is_dir() || !is_archive(path) {
            let (files, times) = of_directory(path)?.into_iter().map(|(file, note)| (file, note.time)).unzip();
            (Values::Directory(files), times)
        } else {
            let open = || -> Result<_> {
                let mut archive = Archive::new(BufReader::new(File::open(path)?))?;
                let (keys, times) = archive::read_index(&mut archive)?.into_iter().unzip();
                Ok((Values::Archive { archive, keys }, times))
            };
            of_file(path, open())?
        };
        let times: Vec<f64> = times;
        if let Some(time) = times.iter().find(|time| !time.is_finite()) {
            return Err(bad_file("recording", format!("a value has the time {time}")).context(path.display()));
        }
        Ok(Self { path: path.to_owned(), times, values })
    }

    /// Returns when each value was written, in seconds since the recording began.
    pub(crate) fn times(&self) -> &[f64] {
        &self.times
    }

    pub(crate) fn get(&mut self, index: usize) -> Result<Array> {
        let none = || Failure::new(Exit::NotFound, format!("{} has no value {index}", self.path.display()));
        match &mut self.values {
            Values::Directory(files) => {
                let file = files.get(index).ok_or_else(none)?;
                let array = Arrays::open(file, None, None)?.next(|_, incoming| incoming.into_array())?;
                array.ok_or_else(|| bad_file(".npy", "it is empty"))
            }
            Values::Archive { archive, keys } => {
                let key = keys.get(index).ok_or_else(none)?;
                archive.get(key).map_err(|failure| failure.context(self.path.display()))
            }
            Values::Part { file, offsets } => {
                let at = offsets.get(index).ok_or_else(none)?;
                of_file(&self.path, get_salvaged(file, *at))
            }
        }
    }
}

fn of_directory(path: &Path) -> Result<Vec<(PathBuf, Note)>> {
    if path.exists() && !path.is_dir() {
        return Err(Failure::new(Exit::Usage, format!("{} is no recording", path.display())).advise(
            "`ndsh record` makes a directory, or a file that ends with .npz; `ndsh put` publishes other files",
        ));
    }
    directory::read_index(path)
}
