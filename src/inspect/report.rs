//! What a look finds.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::error::Error;
use crate::format::slot::SlotHeader;
use crate::raw::Origin;
use crate::sys;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What a name stands for.
///
/// One name may stand for one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A channel of this library.
    Channel,
    /// A shared array of this library.
    Array,
    /// A channel in the format of Python's ndsharray; see [`compat`](crate::compat).
    Python,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Channel => "channel",
            Self::Array => "array",
            Self::Python => "python",
        })
    }
}

/// A channel or array that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Listed {
    /// Its name. It comes from outside: escape what is not harmless before it goes to a terminal.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What was found out about one channel or array.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its files, the main one first.
    pub files: Vec<File>,
    /// The current value, or the array. `None` before the first value, and when it cannot be read.
    pub value: Option<Value>,
    /// The writer; of a shared array, the handle that has it exclusively at this moment.
    pub writer: Owner,
    /// The parties beside the writer: a channel's readers, a shared array's handles.
    pub readers: Vec<Reader>,
    /// Whether all of them are in `readers`. False for [`Kind::Python`], and for a channel whose
    /// reader table this user may not read. Then it is not known either which slots are held.
    pub readers_known: bool,
    /// How many of them there can be; 0 where that is not known.
    pub max_readers: usize,
    /// What else there is to know of its kind.
    pub details: Details,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Bytes of memory (or disk) that all its files take.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.files.iter().map(|file| file.allocated).fold(0, u64::saturating_add)
    }

    /// Whether a living process uses it: its writer, a reader, a handle.
    ///
    /// The kernel knows. `None` when it cannot be known, as with Python's.
    #[must_use]
    pub fn is_in_use(&self) -> Option<bool> {
        let lives = || std::iter::once(self.writer.life).chain(self.readers.iter().map(|reader| reader.owner.life));
        if lives().any(|life| life == Life::Alive) {
            Some(true)
        } else if lives().any(|life| life == Life::Unknown) || !self.is_readable() || !self.readers_known {
            None
        } else {
            Some(false)
        }
    }

    /// Whether all its files could be read, but for a reader table for other users.
    ///
    /// [`readers_known`](Self::readers_known) covers that one. If not, permissions are in the way,
    /// or something that is no file of this library, and what is missing in the report may well be
    /// there.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        let refused = |error: &Error| matches!(error, Error::PermissionDenied { .. } | Error::ForeignOwner { .. });
        !self.problems.iter().any(|problem| refused(&problem.error))
    }

    /// Slots that readers hold.
    ///
    /// 0 for anything but a channel, and where the [readers](Self::readers_known) are unknown.
    #[must_use]
    pub fn pinned(&self) -> usize {
        match &self.details {
            Details::Channel { slots, .. } => slots.iter().filter(|slot| !slot.pinned_by.is_empty()).count(),
            _ => 0,
        }
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// What it is for.
    pub role: Role,
    /// Its length in bytes.
    pub len: u64,
    /// Bytes of memory (or disk) that it takes.
    pub allocated: u64,
    /// Its owner's user id.
    pub user: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// A channel's board: what is current, and where.
    Board,
    /// A channel's reader table.
    Readers,
    /// What a channel's records consist of.
    Types,
    /// A payload file that a slot, or the tag of a Python channel, names.
    Payload,
    /// A payload file that nothing names: being made, or left behind.
    Unnamed,
    /// A shared array.
    Array,
    /// The tag of a Python channel: which payload file is current.
    Tag,
}

/// An array in shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value {
    /// Its sequence number; `None` for a shared array and in Python's format.
    pub seq: Option<u64>,
    /// The dtype of the elements.
    pub dtype: DType,
    /// The element type: the dtype with its parameter.
    pub element_type: ElementType,
    /// What the elements consist of, if they are records. `None` also for a channel's earlier
    /// values, and where the description cannot be read, which is a problem.
    pub record: Option<RecordType>,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Bytes of all elements.
    pub byte_len: usize,
    /// Time since it was written; `None` for a shared array.
    pub age: Option<Duration>,
    /// Bytes of attributes beside it; 0 for all but a channel's value.
    pub attributes_len: usize,
    /// The attributes of a channel's current value.
    ///
    /// They are not read for a [`Slot`], and empty there.
    pub attributes: Vec<u8>,
    /// What the current value was at its source, if it was imported. Not read for a [`Slot`].
    pub origin: Option<Origin>,
}

impl Value {
    /// An array without more to it.
    pub(super) fn of(element_type: ElementType, shape: Vec<usize>, byte_len: usize) -> Self {
        let (dtype, attributes) = (element_type.dtype(), Vec::new());
        let (seq, age, attributes_len, origin) = (None, None, 0, None);
        Self { seq, dtype, element_type, record: None, shape, byte_len, age, attributes_len, attributes, origin }
    }

    /// The value `seq` with this header.
    pub(super) fn with(seq: u64, header: SlotHeader) -> Self {
        let attributes_len = header.tail.attributes() as usize;
        let age = Some(sys::age_of(header.written_ns));
        let value = Self::of(header.element, header.shape, header.byte_len);
        Self { seq: Some(seq), age, attributes_len, ..value }
    }
}

/// Whether an owner lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Life {
    /// The kernel holds a lock for it.
    Alive,
    /// There was one, or there may have been, and no lock is left.
    Gone,
    /// It takes no locks (Python), or they could not be queried.
    Unknown,
}

/// The present or past owner of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// Whether it lives, as the kernel says.
    pub life: Life,
    /// The process id that it noted about itself. A hint: it means nothing in another PID
    /// namespace, and may be another process' by now.
    pub pid: Option<u32>,
}

/// A reader of a channel, or a handle of a shared array.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reader {
    /// Its entry.
    pub index: usize,
    /// The process that owns the entry.
    pub owner: Owner,
    /// The slots that it holds: the current sample's first, then those it keeps.
    pub pins: Vec<usize>,
    /// The last value that it has come to. 0 for none, and all ones when it reads no more, but
    /// still holds values.
    pub seen: u64,
    /// How many values have been published since that one. 0 for a shared array, for a reader that
    /// reads no more, and where the channel has no value.
    pub behind: u64,
    /// Whether it must see every value, so that the writer waits for it.
    pub lossless: bool,
    /// How often it came too late to pin a value.
    pub retries: u64,
    /// How often it shares a shared array at this moment; 0 for a channel.
    pub sharing: u64,
}

/// What only one kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// Of a channel.
    Channel {
        /// How it stands; `None` when it has no board that could be read.
        state: Option<ChannelState>,
        /// How many writers it has had.
        epoch: u64,
        /// How many values its writer keeps, the current one included; 0 where that is not known.
        history: usize,
        /// Whether its writer waits for lossless readers.
        waits: bool,
        /// Whether its numbers began with this very board: made by a writer of its own, neither for
        /// values of a source elsewhere nor in place of a board before it.
        began_here: bool,
        /// Its slots, used or not.
        slots: Vec<Slot>,
    },
    /// Of a shared array.
    Array {
        /// Its lock. `None` while the array is being made, and when it has no readable head.
        lock: Option<ArrayLock>,
    },
    /// Of a channel in Python's format.
    Python {
        /// Whether the two write times of the current value agree. If so, it is whole as far as its
        /// format can show.
        whole: bool,
    },
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelState {
    /// It is being made.
    Starting,
    /// It is open. Whether its writer lives, [`Report::writer`] says.
    Open,
    /// Its writer has closed it. Its files are going, or stay for readers that have not come to the
    /// last value.
    Closed,
    /// Its writer has closed it and left the last value for all future readers.
    Kept,
}

impl fmt::Display for ChannelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Kept => "kept",
        })
    }
}

/// A slot of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slot {
    /// Its number.
    pub index: usize,
    /// What is in it.
    pub state: SlotState,
    /// The value in it, if there is a whole one.
    pub value: Option<Value>,
    /// Its payload file, if it names one.
    pub payload: Option<PathBuf>,
    /// Length of that file; `None` when there is no such file. An array of as many bytes needs no
    /// new file in this slot.
    pub capacity: Option<u64>,
    /// The [entries](Reader::index) of the readers that hold it.
    pub pinned_by: Vec<usize>,
}

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlotState {
    /// Nothing: it has never been used, or has been given up.
    Unused,
    /// It is being written, or was when its writer died. Or the writer has set it aside for a
    /// future value.
    Writing,
    /// An earlier value.
    Earlier,
    /// The current value.
    Current,
    /// Bytes that are no value; [`Report::problems`] has more.
    Damaged,
}

impl fmt::Display for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unused => "unused",
            Self::Writing => "writing",
            Self::Earlier => "earlier",
            Self::Current => "current",
            Self::Damaged => "damaged",
        })
    }
}

/// The lock of a shared array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArrayLock {
    /// The [entry](Reader::index) of the handle that has the array exclusively.
    pub holder: Option<usize>,
    /// Whether a handle waits for it.
    pub waited_for: bool,
    /// Whether a holder died or panicked while it could change the elements.
    pub poisoned: bool,
}

/// Something wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The slot that it concerns, if it is one.
    pub slot: Option<usize>,
    /// What is wrong.
    pub error: Error,
}

impl fmt::Display for Problem {
    /// All of it on one line: the file, the slot, the error and its causes. Paths may hold what a
    /// terminal must not see.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(slot) = self.slot {
            write!(f, ", slot {slot}")?;
        }
        write!(f, ": {}", self.error)?;
        let mut cause = std::error::Error::source(&self.error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
