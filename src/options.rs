//! Settings for making and opening channels and shared arrays.

use crate::error::{Error, Result};
use crate::files::location::{self, Location};
use crate::files::owners::Owners;
use ndsharray_protocol::channel::MAX_SLOTS;
use ndsharray_protocol::members::Members;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a channel is made or opened; [`Writer::create`](crate::Writer::create) and
/// [`Reader::open`](crate::Reader::open) use the defaults.
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let mut writer = ndsharray::Options::new()
///     .dir(dir.path())
///     .max_slots(4)
///     .create::<f32>("lidar")?;
/// writer.write(&[2], &[1.0, 2.0])?;
///
/// let mut reader = ndsharray::Options::new().dir(dir.path()).open("lidar")?;
/// assert_eq!(reader.latest()?.unwrap().view::<f32>()?.as_slice(), [1.0, 2.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) max_slots: usize,
    pub(crate) max_readers: usize,
    pub(crate) mode: u32,
    pub(crate) readers_mode: Option<u32>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) capacity: usize,
    pub(crate) persist: bool,
    pub(crate) prefault: bool,
    pub(crate) owners: Owners,
    pub(crate) spin: Duration,
    pub(crate) max_value: usize,
    pub(crate) history: usize,
    pub(crate) wait_for_readers: Option<Duration>,
    pub(crate) from_oldest: bool,
    pub(crate) lossless: bool,
    pub(crate) end_with_writer: bool,
}

/// The default limit of a reader's look before it sleeps.
///
/// About what sleeping and being woken costs.
const SPIN: Duration = Duration::from_micros(50);

impl Default for Options {
    fn default() -> Self {
        Self {
            max_slots: MAX_SLOTS,
            max_readers: 64,
            mode: 0o600,
            readers_mode: None,
            dir: None,
            capacity: 0,
            persist: false,
            prefault: false,
            owners: Owners::default(),
            spin: SPIN,
            max_value: usize::MAX,
            history: 1,
            wait_for_readers: None,
            from_oldest: false,
            lossless: false,
            end_with_writer: false,
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Slots of the channel, 2 to 64, by default 64.
    ///
    /// One slot is the current value's, one is being written, and each value that a reader holds
    /// takes one more. On Linux a slot takes memory when it is first needed, elsewhere 576 bytes at
    /// once.
    #[must_use]
    pub fn max_slots(mut self, slots: usize) -> Self {
        self.max_slots = slots;
        self
    }

    /// Readers that can be attached at once, 1 to 448, by default 64.
    #[must_use]
    pub fn max_readers(mut self, readers: usize) -> Self {
        self.max_readers = readers;
        self
    }

    /// Permission bits of the board and the payload files, by default `0o600`.
    ///
    /// The umask does not apply, and the owner can always read and write. No effect on Windows,
    /// where the directory's access list counts.
    ///
    /// Group and other write bits are an error: a second process could tear a payload.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Permission bits of the reader table, by default `0o600`.
    ///
    /// The default holds whatever [`mode`](Self::mode) says. A user without permission to write the
    /// table can only [read without write permission](crate::Reader::open_read_only). A user with
    /// that permission can release other readers' pins, and so have the values that they hold
    /// overwritten.
    ///
    /// Permission to read without permission to write is left out: a reader has no use for it, but
    /// could hold locks in the way of all others.
    #[must_use]
    pub fn readers_mode(mut self, mode: u32) -> Self {
        self.readers_mode = Some(mode);
        self
    }

    /// The directory that holds the channel.
    ///
    /// By default the environment variable `NDSHARRAY_DIR` names it. Without that variable it is:
    ///
    /// - `/dev/shm` on Linux;
    /// - `ndsharray` in the user's `%LOCALAPPDATA%` on Windows;
    /// - `ndsharray-UID` in the directory for temporary files elsewhere.
    ///
    /// A relative directory is resolved against the working directory at this call. An empty one
    /// counts as not given.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = location::chosen(dir.as_ref());
        self
    }

    /// The least capacity in bytes of each payload file.
    ///
    /// Arrays up to this size never need a new file.
    #[must_use]
    pub fn capacity_bytes(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Whether the last value stays readable after the writer is dropped.
    ///
    /// It stays until a new writer takes the channel over or [`remove`](crate::remove) removes it.
    /// By default it stays only for readers that were there, until they have read it.
    #[must_use]
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = persist;
        self
    }

    /// Whether new payload files are mapped with all their pages present.
    ///
    /// The first access to them takes no page faults then.
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// The longest look of [`Reader::wait`](crate::Reader::wait) for a value before it sleeps.
    ///
    /// By default 50 microseconds; with zero it never looks. It looks only while values come that
    /// fast: after a longer wait it sleeps in the kernel at once.
    #[must_use]
    pub fn spin(mut self, limit: Duration) -> Self {
        self.spin = limit;
        self
    }

    /// The largest value that a [`Reader`](crate::Reader) accepts, in bytes; by default any.
    ///
    /// A larger one is [`Error::ValueTooLarge`], before memory is taken for a copy of it. For
    /// readers that do not trust the writer.
    #[must_use]
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value = bytes;
        self
    }

    /// How many values the writer keeps readable, the current one included; by default 1.
    ///
    /// For readers that take every value, with [`read_next`](crate::Reader::read_next). The last
    /// `values` are overwritten last: only when readers hold so many slots, or memory is so short,
    /// that no other is left. From 1 to two less than [`max_slots`](Self::max_slots). Each takes a
    /// file of its own, and each write one store more.
    ///
    /// A channel that is taken over has to have the slots for it.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// let mut writer = options.clone().history(8).create::<u32>("doc-history")?;
    /// let mut recorder = options.open("doc-history")?;
    /// for frame in 0..3 {
    ///     writer.write(&[1], &[frame])?;
    /// }
    /// while let Some(sample) = recorder.read_next()? {
    ///     println!("frame {}", sample.view::<u32>()?[[0]]); // 0, then 1, then 2
    /// }
    /// # assert_eq!(recorder.seq(), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn history(mut self, values: usize) -> Self {
        self.history = values;
        self
    }

    /// Lets readers be [lossless](Self::lossless): a write waits for them up to `timeout`.
    ///
    /// By default no reader can have a writer wait.
    ///
    /// The writer overwrites no value that a living lossless reader has yet to read. When its slots
    /// are used up it waits, in the call that asks for memory: a write, or a loan. After `timeout`
    /// that call is [`Error::ReadersBehind`], and nothing has been written. A reader that was
    /// killed is not waited for: the kernel tells. One that is stopped has each write wait that
    /// long. While there are lossless readers the writer also waits, as long at most, for a slot
    /// that a reader's sample holds. Where all slots but the current value's are held then, that
    /// is [`Error::AllSlotsPinned`].
    ///
    /// Without lossless readers a write waits for nothing.
    #[must_use]
    pub fn wait_for_readers(mut self, timeout: Duration) -> Self {
        self.wait_for_readers = Some(timeout);
        self
    }

    /// Whether a reader begins with the oldest value that still stands.
    ///
    /// By default it begins with the current one. [`read_next`](crate::Reader::read_next) returns
    /// the older ones first. [`missed`](crate::Sample::missed) counts from there.
    #[must_use]
    pub fn from_oldest(mut self, from_oldest: bool) -> Self {
        self.from_oldest = from_oldest;
        self
    }

    /// Whether a reader must see every value; the writer waits for it.
    ///
    /// Only a writer that [allows it](Self::wait_for_readers) has such readers; otherwise opening
    /// is [`Error::LosslessRefused`]. [`read_next`](crate::Reader::read_next) returns all values
    /// from the one on that was current when the reader had been opened, and misses none. After a
    /// next writer that does not allow it the reader gets that error once, and is ordinary then.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path()).max_slots(4);
    /// let limit = Duration::from_millis(10);
    /// let mut writer = options.clone().wait_for_readers(limit).create::<u32>("doc-lossless")?;
    /// let mut recorder = options.clone().lossless(true).open("doc-lossless")?;
    /// for frame in 0..4 {
    ///     writer.write(&[1], &[frame])?;
    /// }
    /// assert!(writer.write(&[1], &[4]).is_err()); // the recorder has read none of the four
    /// assert_eq!(recorder.read_next()?.unwrap().view::<u32>()?[[0]], 0);
    /// writer.write(&[1], &[4])?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lossless(mut self, lossless: bool) -> Self {
        self.lossless = lossless;
        self
    }

    /// Whether a reader's wait ends when the writer has died; by default it goes on.
    ///
    /// [`Reader::wait`](crate::Reader::wait) is [`Error::WriterGone`] then, within a tenth of a
    /// second after the kernel has dropped the dead writer's lock. So it is once the last value has
    /// been read, and until another writer takes over. A writer that closes its channel is another
    /// matter: that is [`Error::Closed`].
    #[must_use]
    pub fn end_with_writer(mut self, end: bool) -> Self {
        self.end_with_writer = end;
        self
    }

    /// The users whose files are trusted, by default this one and root.
    #[must_use]
    pub fn owners(mut self, owners: Owners) -> Self {
        self.owners = owners;
        self
    }

    /// The directory that holds the channels, as [`dir`](Self::dir) describes.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        location::directory(self.dir.as_deref()).0
    }

    pub(crate) fn location(&self, name: &str) -> Result<Location> {
        Location::new(name, self.dir.as_deref())
    }

    /// Runs `act` where `name` is; its error says what stands in the way there.
    pub(crate) fn at<R>(&self, name: &str, act: impl FnOnce(&Location) -> Result<R>) -> Result<R> {
        at(self.location(name)?, act)
    }

    /// Whether a channel with so many usable slots can keep the history that is asked for.
    pub(crate) fn check_history(&self, slots: usize) -> Result<()> {
        in_range("history", self.history, 1, slots.saturating_sub(2).max(1))
    }

    /// Permission bits of the reader table.
    pub(crate) fn table_mode(&self) -> u32 {
        0o600 | self.readers_mode.map_or(0, for_writers_alone)
    }

    pub(crate) fn check(&self) -> Result<()> {
        in_range("max_slots", self.max_slots, 2, MAX_SLOTS)?;
        in_range("max_readers", self.max_readers, 1, Members::MAX)?;
        self.check_history(self.max_slots)?;
        in_range("mode", self.mode as usize, 0, 0o755)?;
        if self.mode & 0o022 != 0 {
            return Err(Error::Unsupported { what: "a mode that lets others write payloads" });
        }
        in_range("readers_mode", self.readers_mode.unwrap_or(0) as usize, 0, 0o777)
    }
}

/// How a shared array is made or opened.
///
/// [`SharedArray::create`](crate::SharedArray::create) and
/// [`SharedArray::open`](crate::SharedArray::open) use the defaults. Arrays are removed by
/// [`Options::remove_array`].
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use ndsharray::ArrayOptions;
///
/// let options = ArrayOptions::new().dir(dir.path()).max_handles(8);
/// let matrix = options.create::<f64>("matrix", &[2, 3])?;
/// matrix.write()?[4] = 1.5;
///
/// let same = options.open::<f64>("matrix")?;
/// assert_eq!(same.read()?.view()[[1, 1]], 1.5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ArrayOptions {
    pub(crate) max_handles: usize,
    pub(crate) mode: u32,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) owners: Owners,
    pub(crate) prefault: bool,
}

impl Default for ArrayOptions {
    fn default() -> Self {
        Self { max_handles: 64, mode: 0o600, dir: None, owners: Owners::default(), prefault: false }
    }
}

impl From<&Options> for ArrayOptions {
    /// Takes over what both have; `max_readers` becomes `max_handles`.
    fn from(options: &Options) -> Self {
        Self {
            max_handles: options.max_readers,
            mode: options.mode,
            dir: options.dir.clone(),
            owners: options.owners,
            prefault: options.prefault,
        }
    }
}

impl ArrayOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles that can be open at once, 1 to 448, by default 64.
    ///
    /// Counts for an array that is made; one that is opened keeps its number.
    #[must_use]
    pub fn max_handles(mut self, handles: usize) -> Self {
        self.max_handles = handles;
        self
    }

    /// Permission bits of the array's file, by default `0o600`; the umask does not apply.
    ///
    /// The owner can always read and write. Every user of an array needs write permission, so
    /// permission to read alone is left out: its one use would be to hold locks in the way of the
    /// others. No effect on Windows, where the directory's access list counts.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The directory that holds the array; the default is that of [`Options::dir`].
    ///
    /// A relative directory is resolved against the working directory at this call. An empty one
    /// counts as not given.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = location::chosen(dir.as_ref());
        self
    }

    /// The users whose files are trusted, by default this one and root.
    #[must_use]
    pub fn owners(mut self, owners: Owners) -> Self {
        self.owners = owners;
        self
    }

    /// Whether the array is mapped with all its pages present.
    ///
    /// The first access to them takes no page faults then.
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// The directory that holds the array, as [`dir`](Self::dir) describes.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        location::directory(self.dir.as_deref()).0
    }

    pub(crate) fn location(&self, name: &str) -> Result<Location> {
        Location::new(name, self.dir.as_deref())
    }

    /// Runs `act` where `name` is; its error says what stands in the way there.
    pub(crate) fn at<R>(&self, name: &str, act: impl FnOnce(&Location) -> Result<R>) -> Result<R> {
        at(self.location(name)?, act)
    }

    /// Permission bits of the array's file.
    pub(crate) fn file_mode(&self) -> u32 {
        0o600 | for_writers_alone(self.mode)
    }

    pub(crate) fn check(&self) -> Result<()> {
        in_range("max_handles", self.max_handles, 1, Members::MAX)?;
        in_range("mode", self.mode as usize, 0, 0o777)
    }
}

fn at<R>(location: Location, act: impl FnOnce(&Location) -> Result<R>) -> Result<R> {
    act(&location).map_err(|error| location.explain(error))
}

/// Removes permission to read where `mode` has no permission to write.
///
/// A shared lock needs no more than permission to read, and is in the way of every exclusive one.
/// On files whose locks mean something, reading is for users that take part.
const fn for_writers_alone(mode: u32) -> u32 {
    const READ: u32 = 0o444;
    const WRITE: u32 = 0o222;
    mode & (!READ | (mode & WRITE) << 1)
}

fn in_range(option: &'static str, found: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&found) { Ok(()) } else { Err(Error::InvalidOption { option, found, min, max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_named() {
        let bad = [
            (Options::new().max_slots(1), "max_slots"),
            (Options::new().max_slots(65), "max_slots"),
            (Options::new().max_readers(0), "max_readers"),
            (Options::new().max_readers(449), "max_readers"),
            (Options::new().readers_mode(0o1000), "readers_mode"),
            (Options::new().history(0), "history"),
            (Options::new().history(63), "history"),
            (Options::new().max_slots(4).history(3), "history"),
        ];
        for (options, name) in bad {
            assert!(matches!(options.check(), Err(Error::InvalidOption { option, .. }) if option == name));
        }
        assert!(matches!(Options::new().mode(0o666).check(), Err(Error::Unsupported { .. })));
        assert!(Options::new().mode(0o644).readers_mode(0o666).check().is_ok());
        assert!(Options::new().history(62).check().is_ok());
        assert!(Options::new().max_slots(2).check().is_ok());
    }

    #[test]
    fn permission_to_read_alone_is_left_out() {
        let table = |mode| Options::new().mode(0o644).readers_mode(mode).table_mode();
        assert_eq!(Options::new().mode(0o644).table_mode(), 0o600);
        assert_eq!([0, 0o600, 0o644, 0o640, 0o444].map(table), [0o600; 5]);
        assert_eq!([0o660, 0o666, 0o664, 0o646].map(table), [0o660, 0o666, 0o660, 0o606]);
        assert_eq!([0o600, 0o644, 0o664].map(|mode| ArrayOptions::new().mode(mode).file_mode()), [0o600, 0o600, 0o660]);
    }
}
