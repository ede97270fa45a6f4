//! Reading arrays, one after another, from whatever file or stream is given.

use super::npz::Archive;
use super::{bad_file, is_standard_stream, npy, npz, of_file, png};
use crate::array::Array;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

/// An array, and what to call it in a message.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) array: Array,
}

/// The arrays of one file or stream, which are read when their turn comes. What it is, its first bytes tell.
pub(crate) struct Arrays {
    name: String,
    kind: Kind,
}

trait Seekable: BufRead + Seek {}
impl<T: BufRead + Seek> Seekable for T {}

enum Kind {
    /// One `.npy` after another, as `numpy.save` leaves them when called again on an open file.
    Stream(Box<dyn Read>),
    Archive {
        archive: Archive<Box<dyn Seekable>>,
        keys: VecDeque<String>,
    },
    Picture(Option<Box<dyn Seekable>>),
}

impl Arrays {
    /// Opens a file, or standard input for `-`; of an archive with several arrays only the one called `key`, if that is given.
    pub(crate) fn open(path: &Path, key: Option<&str>) -> Result<Self> {
        let name = path.display().to_string();
        let kind = if is_standard_stream(path) {
            Kind::of_stream(io::stdin().lock(), key)
        } else {
            of_file(path, File::open(path)).and_then(|file| Kind::of_file(BufReader::new(file), key))
        };
        Ok(Self { kind: kind.map_err(|failure| failure.context(&name))?, name })
    }

    /// The next array; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Named>> {
        let mut name = self.name.clone();
        let array = match &mut self.kind {
            Kind::Stream(stream) => npy::read(stream),
            Kind::Picture(file) => file.take().map(png::read).transpose(),
            Kind::Archive { archive, keys } => {
                let Some(key) = keys.pop_front() else { return Ok(None) };
                name = format!("{name}[{key:?}]");
                archive.get(&key).map(Some)
            }
        };
        match array {
            Ok(array) => Ok(array.map(|array| Named { name, array })),
            Err(failure) => Err(failure.context(&self.name)),
        }
    }

    /// How many arrays are to come, as far as that is known.
    pub(crate) fn remaining(&self) -> Option<usize> {
        match &self.kind {
            Kind::Stream(_) => None,
            Kind::Archive { keys, .. } => Some(keys.len()),
            Kind::Picture(file) => Some(usize::from(file.is_some())),
        }
    }
}

impl Kind {
    fn of_file(mut file: BufReader<File>, key: Option<&str>) -> Result<Self> {
        if !file.get_ref().metadata()?.is_file() {
            return Self::of_stream(file, key);
        }
        let start = start_of(&mut file)?;
        file.rewind()?;
        Self::new(&start, Box::new(file), key)
    }

    /// A stream cannot be sought in: whatever needs that is taken into memory.
    fn of_stream(mut stream: impl Read + 'static, key: Option<&str>) -> Result<Self> {
        let start = start_of(&mut stream)?;
        let stream = Cursor::new(start.clone()).chain(stream);
        if start.starts_with(npy::MAGIC) || start.is_empty() {
            return Ok(Self::Stream(Box::new(BufReader::new(stream))));
        }
        let mut all = Vec::new();
        let mut stream = stream;
        stream.read_to_end(&mut all)?;
        Self::new(&start, Box::new(Cursor::new(all)), key)
    }

    fn new(start: &[u8], file: Box<dyn Seekable>, key: Option<&str>) -> Result<Self> {
        if npz::MAGICS.iter().any(|magic| start.starts_with(magic)) {
            let archive = Archive::new(file)?;
            let keys = key.map_or_else(|| archive.keys().into(), |key| VecDeque::from([key.to_owned()]));
            return Ok(Self::Archive { archive, keys });
        }
        if key.is_some() {
            return Err(Failure::new(Exit::Usage, "only the arrays of a .npz file have keys"));
        }
        if start.starts_with(npy::MAGIC) {
            Ok(Self::Stream(Box::new(file)))
        } else if start.starts_with(png::MAGIC) {
            Ok(Self::Picture(Some(file)))
        } else {
            Err(bad_file(".npy, .npz or .png", "it starts as none of them"))
        }
    }
}

/// The first bytes, fewer at the end of the file.
fn start_of(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    from.take(8).read_to_end(&mut start)?;
    Ok(start)
}
