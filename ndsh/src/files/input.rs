//! Reading arrays, one after another, from a file or stream.

use super::npz::Archive;
use super::{Incoming, RawLayout, bad_file, is_standard_stream, npy, npz, of_file, png};
use crate::array::Array;
use crate::failure::{Exit, Failure, Result};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

/// The arrays of a file or stream, each read in its turn.
///
/// The first bytes decide on the format.
pub(crate) struct Arrays {
    name: String,
    content: Content,
}

trait Seekable: BufRead + Seek {}
impl<T: BufRead + Seek> Seekable for T {}

enum Content {
    /// One `.npy` after another, as they arrive.
    Stream(Box<dyn Read>),
    /// A file with one `.npy` after another, as `numpy.save` leaves them in an open file.
    ///
    /// Its length has been checked against its headers.
    File {
        file: Box<dyn Seekable>,
        /// Arrays in the file.
        total: usize,
        /// Arrays that are still to come.
        left: usize,
    },
    Archive {
        archive: Archive<Box<dyn Seekable>>,
        keys: VecDeque<String>,
    },
    Picture(Option<Box<dyn Seekable>>),
    /// One picture after another, as they arrive.
    Pictures(Box<dyn BufRead>),
    /// The elements of one value after another.
    Raw {
        from: Box<dyn BufRead>,
        layout: RawLayout,
        /// Values that are still to come, if it is a file.
        left: Option<usize>,
    },
    /// An array that the user has written out.
    Value {
        array: Array,
        done: bool,
    },
}

impl Arrays {
    /// Opens a file, or standard input for `-`.
    ///
    /// With a `key`, only the array of that name in an archive. With a layout, bytes alone.
    pub(crate) fn open(path: &Path, key: Option<&str>, raw: Option<&RawLayout>) -> Result<Self> {
        let name = path.display().to_string();
        let content = if let Some(layout) = raw {
            of_file(path, Content::of_raw(path, layout))
        } else if is_standard_stream(path) {
            Content::of_stream(io::stdin().lock(), key)
        } else {
            of_file(path, File::open(path)).and_then(|file| Content::of_file(BufReader::new(file), key))
        };
        Ok(Self { content: content.map_err(|failure| failure.within(&name))?, name })
    }

    /// An array that is in memory already.
    pub(crate) fn of_value(name: &str, array: Array) -> Self {
        Self { name: name.to_owned(), content: Content::Value { array, done: false } }
    }

    /// Calls `take` with the next array and a name for messages; `None` after the last.
    pub(crate) fn next<R>(&mut self, take: impl FnOnce(&str, Incoming<'_>) -> Result<R>) -> Result<Option<R>> {
        let mut name = self.name.clone();
        let taken = match &mut self.content {
            Content::Stream(stream) => match Incoming::of_stream(stream.as_mut())? {
                Some(incoming) => take(&name, incoming).map(Some),
                None => Ok(None),
            },
            Content::File { left: 0, .. } => Ok(None),
            Content::File { file, left, .. } => {
                *left -= 1;
                let mut file: &mut dyn Read = file;
                match Incoming::of_surveyed(&mut file)? {
                    Some(incoming) => take(&name, incoming).map(Some),
                    None => Ok(None),
                }
            }
            Content::Picture(file) => match file.take().map(png::read).transpose()? {
                Some(picture) => take(&name, Incoming::of_array(picture)).map(Some),
                None => Ok(None),
            },
            Content::Pictures(stream) => match png::next_of_stream(stream)? {
                Some(picture) => take(&name, Incoming::of_array(picture)).map(Some),
                None => Ok(None),
            },
            Content::Raw { left: Some(0), .. } => Ok(None),
            Content::Raw { from, layout, left } => {
                if from.fill_buf()?.is_empty() {
                    return Ok(None);
                }
                if let Some(left) = left {
                    *left -= 1;
                }
                let mut from: &mut dyn Read = from;
                take(&name, Incoming::of_raw(&mut from, layout)).map(Some)
            }
            Content::Value { done: true, .. } => Ok(None),
            Content::Value { array, done } => {
                *done = true;
                take(&name, Incoming::of_ref(array.view())).map(Some)
            }
            Content::Archive { archive, keys } => {
                let Some(key) = keys.pop_front() else { return Ok(None) };
                name = format!("{name}[{key:?}]");
                archive.take(&key, |incoming| take(&name, incoming)).map(Some)
            }
        };
        taken.map_err(|failure| failure.within(&name))
    }

    /// Whether [`rewind`](Self::rewind) works: for `.npy` files, not for streams and packed
    /// formats.
    pub(crate) fn is_rewindable(&self) -> bool {
        matches!(self.content, Content::File { .. } | Content::Value { .. })
    }

    /// Goes back to the first array; does nothing if it is not [rewindable](Self::is_rewindable).
    pub(crate) fn rewind(&mut self) -> Result<()> {
        if let Content::File { file, total, left } = &mut self.content {
            file.rewind()?;
            *left = *total;
        }
        if let Content::Value { done, .. } = &mut self.content {
            *done = false;
        }
        Ok(())
    }

    /// Returns how many arrays are left, if that is known.
    pub(crate) fn remaining(&self) -> Option<usize> {
        match &self.content {
            Content::Stream(_) | Content::Pictures(_) => None,
            Content::Raw { left, .. } => *left,
            Content::Value { done, .. } => Some(usize::from(!done)),
            Content::File { left, .. } => Some(*left),
            Content::Archive { keys, .. } => Some(keys.len()),
            Content::Picture(file) => Some(usize::from(file.is_some())),
        }
    }
}

impl Content {
    fn of_file(mut file: BufReader<File>, key: Option<&str>) -> Result<Self> {
        if !file.get_ref().metadata()?.is_file() {
            return Self::of_stream(file, key);
        }
        let start = start_of(&mut file)?;
        file.rewind()?;
        Self::new(&start, Box::new(file), key)
    }

    /// Opens a file or stream of bytes alone. A file must hold whole values.
    fn of_raw(path: &Path, layout: &RawLayout) -> Result<Self> {
        let (from, left): (Box<dyn BufRead>, _) = if is_standard_stream(path) {
            (Box::new(io::stdin().lock()), None)
        } else {
            let file = File::open(path)?;
            let meta = file.metadata()?;
            let len = usize::try_from(meta.len()).unwrap_or(usize::MAX);
            if meta.is_file() && !len.is_multiple_of(layout.len) {
                let what = format!("it has {len} bytes, and a value {}", layout.len);
                return Err(bad_file("raw", what));
            }
            (Box::new(BufReader::new(file)), meta.is_file().then_some(len / layout.len))
        };
        Ok(Self::Raw { from, layout: layout.clone(), left })
    }

    /// Streams cannot seek, so an archive is read into memory first.
    fn of_stream(mut stream: impl Read + 'static, key: Option<&str>) -> Result<Self> {
        let start = start_of(&mut stream)?;
        let mut stream = Cursor::new(start.clone()).chain(stream);
        if (start.starts_with(npy::MAGIC) || start.is_empty()) && key.is_none() {
            return Ok(Self::Stream(Box::new(BufReader::new(stream))));
        }
        if start.starts_with(png::MAGIC) && key.is_none() {
            return Ok(Self::Pictures(Box::new(BufReader::new(stream))));
        }
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        Self::new(&start, Box::new(Cursor::new(all)), key)
    }

    fn new(start: &[u8], mut file: Box<dyn Seekable>, key: Option<&str>) -> Result<Self> {
        if npz::MAGICS.iter().any(|magic| start.starts_with(magic)) {
            let archive = Archive::new(file)?;
            let keys = key.map_or_else(|| archive.keys().into(), |key| VecDeque::from([key.to_owned()]));
            return Ok(Self::Archive { archive, keys });
        }
        if key.is_some() {
            return Err(Failure::new(Exit::Usage, "only the arrays of a .npz file have keys"));
        }
        if start.starts_with(npy::MAGIC) {
            let total = npy::survey(&mut file)?;
            Ok(Self::File { file, total, left: total })
        } else if start.starts_with(png::MAGIC) {
            Ok(Self::Picture(Some(file)))
        } else {
            Err(bad_file(".npy, .npz or .png", "it starts as none of them"))
        }
    }
}

/// Returns the first eight bytes, or fewer if the file is shorter.
fn start_of(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    from.take(8).read_to_end(&mut start)?;
    Ok(start)
}
