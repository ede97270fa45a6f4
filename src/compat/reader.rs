//! The reading end.

use super::clock;
use super::location::Location;
use super::options::Options;
use super::proof::open_linked;
use super::stable_read::{Copied, Source, copy};
use crate::error::{Error, Result};
use crate::files::owners::Owners;
use crate::format::python::{self, Hex, WireError, tag_len};
use crate::format::python_dtypes::DTypeTable;
use crate::owned_array::OwnedArray;
use crate::sys::{self, Access, Backoff, Identity};
use std::fmt;
use std::fs::File;
use std::time::{Duration, Instant};

/// How long a read retries to copy a value that does not change meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a read waits for a tag file that is just being made anew.
const TAG_PATIENCE: Duration = Duration::from_millis(20);

/// Time between two checks whether the name belongs to another tag file.
const FOLLOW_EVERY: Duration = Duration::from_millis(10);

/// First sleep of a waiting reader, doubled each time up to [`LONGEST_NAP`].
const FIRST_NAP: Duration = Duration::from_micros(50);
/// Longest sleep of a waiting reader.
const LONGEST_NAP: Duration = Duration::from_millis(2);

fn naps() -> Backoff {
    Backoff::new(FIRST_NAP).doubling_to(LONGEST_NAP)
}

/// Reads the latest value that Python's `NdShArray(name, r_w="w")` writes, as a copy.
///
/// It also reads what a [`Writer`](super::Writer) writes. A reader follows the *name*: when a new
/// writer comes, it goes on with that writer's values. Any number of readers may read; the writer
/// does not know of them.
///
/// # How far a value can be trusted
///
/// Values of a [`Writer`](super::Writer) with default options are always whole. Values of Python's
/// writer are whole as far as one end can tell; see
/// [what the module says](super#reading-what-python-writes).
///
/// # Example
///
/// [`Reader::open`] is for the default directory; here the options name one:
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let mut writer = ndsharray::compat::Options::new().dir(&dir).create::<f32>("lidar")?;
/// # writer.write(&[2], &[1.0, 2.0])?;
/// let mut reader = ndsharray::compat::Options::new().dir(&dir).open("lidar")?;
/// if let Some(array) = reader.read()? {
///     let view = array.view::<f32>()?;
///     println!("{:?}, written {:.3} ms ago", view.shape(), reader.read_time_ms());
/// }
/// assert!(reader.read()?.is_none()); // nothing newer
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    location: Location,
    owners: Owners,
    table: DTypeTable,
    tag: File,
    tag_identity: Identity,
    payload: Option<Opened>,
    /// Name and write time of the last value that was read.
    seen: Option<(Hex, [u8; python::STAMP])>,
    read_time_ms: f64,
    is_valid: bool,
    followed: Instant,
    /// Memory for the next copy.
    used: Option<OwnedArray>,
}

/// A payload file that is open.
struct Opened {
    hex: Hex,
    source: Source,
}

impl Reader {
    /// Opens the channel `name`, with default [`Options`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such channel; [`Error::Wire`] when its tag file is not
    /// complete, or not Python's.
    pub fn open(name: &str) -> Result<Self> {
        Options::new().open(name)
    }

    /// Opens the channel `name`, waiting up to `timeout` until it exists and is complete.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), after `timeout`.
    pub fn open_timeout(name: &str, timeout: Duration) -> Result<Self> {
        Options::new().open_timeout(name, timeout)
    }

    fn attach(name: &str, options: &Options) -> Result<Self> {
        let location = options.location(name)?;
        let (tag, tag_identity) = open_linked(&location.tag(), Access::Read, options.owners)?;
        let reader = Self {
            location,
            owners: options.owners,
            table: options.table,
            tag,
            tag_identity,
            payload: None,
            seen: None,
            read_time_ms: 0.0,
            is_valid: false,
            followed: Instant::now(),
            used: None,
        };
        reader.read_tag()?;
        Ok(reader)
    }

    fn attach_within(name: &str, options: &Options, timeout: Duration) -> Result<Self> {
        // A time-out beyond the clock's range means no time-out.
        let mut backoff = naps().until(Instant::now().checked_add(timeout));
        loop {
            match Self::attach(name, options) {
                Err(Error::NotFound { .. } | Error::Wire(_)) if backoff.pause() => {}
                other => return other,
            }
        }
    }

    /// Returns a copy of the current value, if it is a new one.
    ///
    /// `None` if it is not newer than the last one read, or if there is no value: not yet, or no
    /// longer. A value that is just being written is read again until it is whole. With nothing new
    /// this takes two system calls.
    ///
    /// # Errors
    ///
    /// [`Error::Wire`] when the files are not what Python's package writes; [`Error::Contended`]
    /// when the value never stopped changing; [`Error::OutOfMemory`] for a value that is larger
    /// than all memory. The reader stays usable.
    pub fn read(&mut self) -> Result<Option<OwnedArray>> {
        self.look(false, PATIENCE)
    }

    /// Returns a copy of the current value, even if it has been read before.
    ///
    /// `None` before the first value. Counts as reading it. The last value that was read remains
    /// available after its writer has ended and removed the files.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::compat::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("lidar")?;
    /// # let mut reader = options.open("lidar")?;
    /// writer.write(&[2], &[1.0, 2.0])?;
    /// for _ in 0..2 {
    ///     assert_eq!(reader.latest()?.unwrap().view::<f32>()?.as_slice(), [1.0, 2.0]);
    /// }
    /// assert!(reader.read()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn latest(&mut self) -> Result<Option<OwnedArray>> {
        self.look(true, PATIENCE)
    }

    /// Waits for a value newer than the last one read, and returns a copy.
    ///
    /// `None` when `timeout` has passed. Nothing in this format wakes a reader: it looks again and
    /// again, and sleeps up to two milliseconds in between. The format has no notion of closing
    /// either. When the writer ends or dies the wait goes on, and finds the values of a new writer
    /// of the same name.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::compat::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("lidar")?;
    /// # writer.write(&[2], &[1.0, 2.0])?;
    /// # let mut reader = options.open("lidar")?;
    /// while let Some(array) = reader.wait(Duration::from_millis(20))? {
    ///     println!("{:?}", array.shape());
    /// }
    /// println!("nothing for 20 ms");
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<OwnedArray>> {
        // A time-out beyond the clock's range means no time-out.
        let end = Instant::now().checked_add(timeout);
        let left = || end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let mut backoff = naps().until(end);
        loop {
            let patience = left().min(PATIENCE);
            match self.look(false, patience) {
                // The value was still being written when the time was over.
                Err(Error::Contended { .. }) if patience < PATIENCE => return Ok(None),
                Ok(None) => {}
                found => return found,
            }
            if !backoff.pause() {
                return Ok(None);
            }
        }
    }

    /// Takes back an array, whose memory serves for the next value of its length.
    ///
    /// Fresh memory of the size of an image costs more than the copy: the system clears and maps
    /// each of its pages. Any array will do; its elements are forgotten.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::compat::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("lidar")?;
    /// # let mut reader = options.open("lidar")?;
    /// for frame in 0..3 {
    ///     writer.write(&[2], &[frame as f32, 2.0])?;
    ///     let array = reader.read()?.unwrap();
    ///     assert_eq!(array.view::<f32>()?.as_slice(), [frame as f32, 2.0]);
    ///     reader.recycle(array);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn recycle(&mut self, used: OwnedArray) {
        self.used = Some(used);
    }

    /// Reads; with `again` also a value that has been read before.
    ///
    /// A value that changes all the time is retried for `patience`.
    fn look(&mut self, again: bool, patience: Duration) -> Result<Option<OwnedArray>> {
        let start = Instant::now();
        let mut attempts: u32 = 0;
        loop {
            let patience = match self.try_read(again) {
                Ok(Attempt::Nothing) => {
                    if self.follow(start)? {
                        continue;
                    }
                    return Ok(None);
                }
                Ok(Attempt::Value(array)) => return Ok(Some(array)),
                Ok(Attempt::Moved) => (patience, None),
                Err(error) => {
                    self.is_valid = false;
                    match error {
                        // A starting Python writer first cuts the tag file to nothing.
                        Error::Wire(_) => (TAG_PATIENCE, Some(error)),
                        other => return Err(other),
                    }
                }
            };
            attempts = attempts.saturating_add(1);
            let (patience, error) = patience;
            if start.elapsed() > patience {
                return Err(error.unwrap_or(Error::Contended { attempts }));
            }
            std::thread::yield_now();
        }
    }

    /// The channel's name (Python: `name`).
    #[must_use]
    pub fn name(&self) -> &str {
        self.location.name()
    }

    /// The file name of the last value read (Python: `ndarray_mmap_name`); `None` before the first.
    #[must_use]
    pub fn payload_name(&self) -> Option<String> {
        self.seen.as_ref().map(|(hex, _)| self.location.payload_name(hex))
    }

    /// Milliseconds from the last value's writing to the end of its reading; 0 before the first.
    ///
    /// Python: `read_time_ms`.
    #[must_use]
    pub fn read_time_ms(&self) -> f64 {
        self.read_time_ms
    }

    /// Whether the last [`read`](Self::read) found the channel's files in order.
    ///
    /// It does not matter whether there was a new value. Python: `is_valid`.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    fn try_read(&mut self, again: bool) -> Result<Attempt> {
        let hex = self.read_tag()?;
        if self.payload.as_ref().is_none_or(|opened| opened.hex != hex) {
            // Closes the old file first: its writer may use it again.
            self.payload = None;
            match self.open_payload(&hex) {
                Ok(source) => self.payload = Some(Opened { hex, source }),
                Err(error) => return self.explain(&hex, error),
            }
        }
        let Some(opened) = &self.payload else { return Ok(Attempt::Moved) };
        let seen = self.seen.filter(|(name, _)| *name == hex && !again).map(|(_, stamp)| stamp);
        match copy(&opened.source, seen, &mut self.used) {
            Ok(Copied::Nothing) => {
                self.is_valid = true;
                Ok(Attempt::Nothing)
            }
            Ok(Copied::Torn) => {
                // These bytes may be the file's header, if the writer has cut and refilled the
                // file. Python's writer does that when a name comes again.
                Ok(Attempt::Moved)
            }
            Ok(Copied::Whole { array, stamp }) => {
                self.seen = Some((hex, stamp));
                self.read_time_ms = (clock::now() - f64::from_ne_bytes(stamp)) * 1000.0;
                self.is_valid = true;
                Ok(Attempt::Value(array))
            }
            Err(error) => {
                self.payload = None;
                self.explain(&hex, error)
            }
        }
    }

    /// Interprets an error: it means nothing, if the tag has moved on meanwhile.
    fn explain(&mut self, hex: &Hex, error: Error) -> Result<Attempt> {
        if self.read_tag()? != *hex {
            return Ok(Attempt::Moved);
        }
        self.is_valid = false;
        match error {
            // No value has been written yet, or the writer has gone.
            Error::NotFound { .. } => Ok(Attempt::Nothing),
            other => Err(other),
        }
    }

    fn read_tag(&self) -> Result<Hex> {
        let name = self.location.name();
        let mut room = [0; 256];
        let fail = |e| Error::io("read", &self.location.tag(), e);
        let room = room.get_mut(..=tag_len(name)).unwrap_or(&mut []);
        // One call, which does not ask again behind the end. If it finds too little, look again.
        let found = sys::read_front_once(&self.tag, room).map_err(fail)?;
        let bytes = room.get(..found).unwrap_or(&[]);
        match python::decode_tag(name, bytes, found as u64) {
            Ok(hex) => Ok(hex),
            Err(WireError::TagLength { expected, .. }) => {
                let found = sys::identify(&self.tag).map_err(fail)?.len;
                Err(WireError::TagLength { expected, found }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn open_payload(&mut self, hex: &Hex) -> Result<Source> {
        let path = self.location.payload(hex);
        let (file, identity) = open_linked(&path, Access::Read, self.owners)?;
        let source = Source::new(file, identity.len, path, self.table)?;
        // Where one file shows which dtype table its writer uses, that holds for its other files
        // too.
        self.table = source.table().unwrap_or(self.table);
        Ok(source)
    }

    /// Checks now and then whether the name belongs to another tag file, and follows it.
    fn follow(&mut self, now: Instant) -> Result<bool> {
        if self.is_valid && now.saturating_duration_since(self.followed) < FOLLOW_EVERY {
            return Ok(false);
        }
        self.followed = now;
        let path = self.location.tag();
        match sys::identify_path(&path) {
            Ok(found) if sys::same_file(&found, &self.tag_identity) => Ok(false),
            Ok(_) => match open_linked(&path, Access::Read, self.owners) {
                Ok((tag, identity)) => {
                    (self.tag, self.tag_identity) = (tag, identity);
                    Ok(true)
                }
                Err(Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            },
            Err(_) => Ok(false),
        }
    }
}

impl Options {
    /// As [`Reader::open`], with these options.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open(&self, name: &str) -> Result<Reader> {
        self.explain(name, Reader::attach(name, self))
    }

    /// As [`Reader::open_timeout`], with these options.
    ///
    /// # Errors
    ///
    /// As [`Reader::open_timeout`].
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<Reader> {
        self.explain(name, Reader::attach_within(name, self, timeout))
    }
}

/// How an attempt to read ended.
enum Attempt {
    Nothing,
    /// The value changed meanwhile.
    Moved,
    Value(OwnedArray),
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name())
            .field("payload_name", &self.payload_name())
            .field("is_valid", &self.is_valid)
            .finish_non_exhaustive()
    }
}
