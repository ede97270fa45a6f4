//! What can go wrong, with its numbers.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::error::{Mismatch, RecordError};
use crate::element::record::known::KnownRecord;
use crate::element::{ShElement, is_element};
use crate::format::error::HeaderError;
use crate::format::python::WireError;
use crate::sys;
use crate::view::error::{FieldError, ViewError};
use crate::view::shape::{MAX_NDIM, ShapeError};
use std::any::Any;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, io};
use thiserror::Error;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something failed, with what was found and what was expected.
///
/// An error never spoils anything. After a failed write the last value is still current; after a
/// failed read the reader can try again.
///
/// # What any operation may return
///
/// The section `# Errors` of a function names only what is particular to it. Beside that:
///
/// - [`Io`](Self::Io) and [`PermissionDenied`](Self::PermissionDenied), where it asks the operating
///   system.
/// - [`OutOfMemory`](Self::OutOfMemory), where it opens or maps a file: descriptors, mappings and
///   addresses can be short too.
/// - [`Forked`](Self::Forked), through a handle that a forked child has inherited.
/// - [`Unsupported`](Self::Unsupported), where a platform or file system lacks what it needs.
/// - [`Corrupt`](Self::Corrupt), where it reads files or words that others may write.
/// - [`InvalidName`](Self::InvalidName), [`MissingDirectory`](Self::MissingDirectory) and
///   [`ForeignOwner`](Self::ForeignOwner), where it takes a name.
/// - [`InvalidOption`](Self::InvalidOption), where it takes options.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be a channel's.
    #[error("{name:?} cannot be a name: {reason}")]
    #[non_exhaustive]
    InvalidName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// An option is out of range.
    #[error(
        "option {option} is {}, but {} to {} are possible",
        in_base(option, *found),
        in_base(option, *min),
        in_base(option, *max)
    )]
    #[non_exhaustive]
    InvalidOption {
        /// The method of [`Options`](crate::Options) or [`ArrayOptions`](crate::ArrayOptions) that
        /// set it.
        option: &'static str,
        /// Its value.
        found: usize,
        /// Smallest possible value.
        min: usize,
        /// Largest possible value.
        max: usize,
    },
    /// No such channel or array.
    #[error("nothing of that name: {}{}", path.display(), instead.map(|what| format!(" ({what})")).unwrap_or_default())]
    #[non_exhaustive]
    NotFound {
        /// The file looked for.
        path: PathBuf,
        /// What there is under the same name.
        instead: Option<Instead>,
    },
    /// The directory for channels and arrays does not exist, or is no directory.
    #[error("no directory {} ({named_by})", dir.display())]
    #[non_exhaustive]
    MissingDirectory {
        /// The directory.
        dir: PathBuf,
        /// Where it was named.
        named_by: DirSource,
    },
    /// The name is taken.
    #[error("exists already: {}", path.display())]
    #[non_exhaustive]
    AlreadyExists {
        /// The file in the way.
        path: PathBuf,
    },
    /// Another living writer has the channel.
    #[error("channel {name:?} has a writer already{}", pid.map(living_writer).unwrap_or_default())]
    #[non_exhaustive]
    WriterExists {
        /// The channel.
        name: String,
        /// The process id that the writer noted.
        ///
        /// A hint that means nothing in another PID namespace.
        pid: Option<u32>,
    },
    /// It was to be removed only if unused, but living processes use it.
    #[error("{name:?} is in use{}", living.map(|n| format!(": {n} of its readers or handles live")).unwrap_or_default())]
    #[non_exhaustive]
    InUse {
        /// The channel or array.
        name: String,
        /// How many readers or handles live; `None` when a process is just making it.
        living: Option<usize>,
    },
    /// The writer has closed the channel, and its last value has been seen.
    ///
    /// Returned once for each close.
    #[error("the writer has closed channel {name:?}")]
    #[non_exhaustive]
    Closed {
        /// The channel.
        name: String,
    },
    /// The list of readers to wait for is empty.
    #[error("there is no reader to wait for")]
    NothingToWaitFor,
    /// The writer has died, and the last value has been seen.
    ///
    /// For readers opened with [`Options::end_with_writer`](crate::Options::end_with_writer).
    #[error("the writer of channel {name:?} is gone, and did not close it")]
    #[non_exhaustive]
    WriterGone {
        /// The channel.
        name: String,
    },
    /// The array's elements have another dtype.
    #[error("expected dtype {expected}, found {found}")]
    #[non_exhaustive]
    DTypeMismatch {
        /// The dtype asked for.
        expected: DType,
        /// The array's dtype.
        found: DType,
    },
    /// The array's elements have the dtype, but another parameter of it.
    #[error("expected elements {expected}, found {found}")]
    #[non_exhaustive]
    ElementMismatch {
        /// The element type asked for.
        expected: ElementType,
        /// The array's element type.
        found: ElementType,
    },
    /// Records have other fields than the struct that they were to be read as.
    #[error("{}: expected {expected}, found {found}", record_field(field))]
    #[non_exhaustive]
    RecordMismatch {
        /// The first field that differs, with those that it is nested in: `pose.x`. Empty when the
        /// fields are as expected, but the size of the records is not.
        field: String,
        /// What the struct has.
        expected: String,
        /// What the records have.
        found: String,
    },
    /// The records have no such field.
    #[error("the records have no field {name:?}")]
    #[non_exhaustive]
    NoField {
        /// The name asked for.
        name: String,
    },
    /// The channel has described as many kinds of records as it can.
    #[error("the channel has described {max} kinds of records already")]
    #[non_exhaustive]
    TooManyRecordTypes {
        /// How many it can describe, over all of its writers.
        max: usize,
    },
    /// No records are like this.
    #[error("no such record")]
    InvalidRecord(#[from] RecordError),
    /// Shape and data do not fit each other.
    #[error("the shape takes {expected}, but there are {found}")]
    #[non_exhaustive]
    ShapeMismatch {
        /// Elements that the shape takes; bytes, where raw bytes were given.
        expected: usize,
        /// Elements given, or bytes.
        found: usize,
    },
    /// More dimensions than an array can have.
    #[error("{found} dimensions, but an array has at most {max}")]
    #[non_exhaustive]
    TooManyDims {
        /// Dimensions given.
        found: usize,
        /// The largest number of dimensions.
        max: usize,
    },
    /// The array's byte length does not fit the address space.
    #[error("the array's byte length overflows at axis {axis} of length {len}")]
    #[non_exhaustive]
    TooLarge {
        /// The first axis at which the product is too large.
        axis: usize,
        /// That axis' length.
        len: usize,
    },
    /// The value is larger than this reader accepts. It stays unread; the next one may do.
    #[error("the value has {found} bytes, but this reader takes {max} at most (Options::max_value_bytes)")]
    #[non_exhaustive]
    ValueTooLarge {
        /// The value's byte length.
        found: usize,
        /// The largest length that the reader accepts.
        max: usize,
    },
    /// The attributes are longer than a value's can be. Nothing was written; the last value stays.
    #[error("{found} bytes of attributes, but a value has {max} at most")]
    #[non_exhaustive]
    AttributesTooLong {
        /// Bytes given.
        found: usize,
        /// The largest possible length.
        max: usize,
    },
    /// An imported value has a number that is not newer than the channel's last.
    #[error("number {number} is not above {last}, the last of the channel")]
    #[non_exhaustive]
    NumberUsed {
        /// The value's number at its source.
        number: u64,
        /// The channel's last number.
        last: u64,
    },
    /// The channel has published as many values as can be numbered; that takes decades.
    #[error("all {max} sequence numbers have been used")]
    #[non_exhaustive]
    NumbersExhausted {
        /// The largest sequence number.
        max: u64,
    },
    /// There is too little memory. Nothing was written; the last value stays.
    #[error("out of memory: {}", memory.explain(*requested, *available))]
    #[non_exhaustive]
    OutOfMemory {
        /// How much was requested, in bytes; in pieces, where `memory` counts those.
        requested: u64,
        /// How much of it there was; 0 also when the system does not say.
        available: u64,
        /// The memory that is short.
        memory: Memory,
    },
    /// Readers hold every slot but the current value's. Nothing was written; the last value stays.
    #[error("readers hold all {slots} slots")]
    #[non_exhaustive]
    AllSlotsPinned {
        /// Slots of the channel.
        slots: usize,
    },
    /// A reader that must see every value has not read enough for another one to be written.
    ///
    /// The writer has waited as long as
    /// [`Options::wait_for_readers`](crate::Options::wait_for_readers) says. Nothing was written;
    /// the last value stays.
    #[error("{readers} lossless reader(s) are behind, the slowest by {behind} values, after {waited:?}")]
    #[non_exhaustive]
    ReadersBehind {
        /// Living lossless readers that have yet to read a value which would be overwritten next.
        readers: usize,
        /// Values that the slowest of them has yet to read.
        behind: u64,
        /// How long the writer waited.
        waited: Duration,
    },
    /// The channel's writer does not wait for readers, so none can be lossless.
    ///
    /// The writer allows it with [`Options::wait_for_readers`](crate::Options::wait_for_readers).
    #[error("the writer of channel {name:?} does not wait for readers (Options::wait_for_readers)")]
    #[non_exhaustive]
    LosslessRefused {
        /// The channel.
        name: String,
    },
    /// All entries of the channel's readers, or of the array's handles, are taken.
    #[error(
        "all {max} entries for readers are taken (Options::max_readers of a channel, ArrayOptions::max_handles of an array, when it is made)"
    )]
    #[non_exhaustive]
    TooManyReaders {
        /// Entries of the channel or array.
        max: usize,
    },
    /// The operating system refuses it to this user.
    #[error("no permission for {}: {source}", path.display())]
    #[non_exhaustive]
    PermissionDenied {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Something foreign stands under the name.
    ///
    /// Another user's file, a symbolic link, or no file at all.
    #[error("{} is not trusted: {what}, owned by user {owner}", path.display())]
    #[non_exhaustive]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Its owner's user id. On Windows 0 for administrators and the system, 1 for this process'
        /// user, and [`u32::MAX`] for all others.
        owner: u32,
        /// What stands there.
        what: Foreign,
    },
    /// Nothing proves that the file under the name is what it would have to be.
    ///
    /// It has not been touched.
    #[error("{} is not {wanted}, and stays as it is; if nothing needs it, remove it by hand", path.display())]
    #[non_exhaustive]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What was to be written, or removed.
        wanted: &'static str,
    },
    /// The shared bytes are not what this library writes.
    #[error("corrupt or foreign data in shared memory: {0}")]
    Corrupt(#[from] HeaderError),
    /// The files of a [`compat`](crate::compat) channel are not what Python's ndsharray writes.
    #[error("not a channel of Python's ndsharray: {0}")]
    Wire(#[from] WireError),
    /// A byte of a bool array is neither 0 nor 1.
    #[error("element {index} of a bool array is the byte {value:#04x}")]
    #[non_exhaustive]
    InvalidBool {
        /// Index of the element, in C order.
        index: usize,
        /// The byte.
        value: u8,
    },
    /// The data cannot be looked at as an array of this shape.
    #[error(transparent)]
    View(ViewError),
    /// The writer was quicker each time.
    ///
    /// Only a writer that floods, or one that does not follow the protocol, can do that.
    #[error("no value could be held in {attempts} attempts")]
    #[non_exhaustive]
    Contended {
        /// Attempts made.
        attempts: u32,
    },
    /// A holder of the array's lock died or panicked while it could change the elements.
    ///
    /// The elements may be in pieces. The lock has been acquired nevertheless, and lives in this
    /// error. Turn it into a guard with [`Poisoned::into_write_guard`] or
    /// [`Poisoned::into_read_guard`], inspect or repair the elements, and
    /// [`clear_poison`](crate::SharedArray::clear_poison). Dropping the error releases the lock.
    #[error("a holder of the array's lock died or panicked, so its elements may be in pieces")]
    Poisoned(Poisoned),
    /// The handle was made before a fork and belongs to the parent process. Open a new one by name.
    #[error("this handle belongs to the parent process")]
    Forked,
    /// This handle, file system or platform cannot do it.
    #[error("not supported: {what}")]
    #[non_exhaustive]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// The operating system failed.
    #[error("cannot {doing} {}: {source}", path.display())]
    #[non_exhaustive]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// An option's value as people write it: permission bits in octal.
fn in_base(option: &str, value: usize) -> String {
    if option.ends_with("mode") { format!("{value:#o}") } else { value.to_string() }
}

/// Describes the process of a channel's living writer.
fn living_writer(pid: u32) -> String {
    if pid == std::process::id() {
        format!(" in this very process ({pid}): close that one first")
    } else {
        format!(" (process {pid}, as it saw itself)")
    }
}

/// A lock that has been acquired although its array is poisoned; in [`Error::Poisoned`].
///
/// Unlike the error of a standard mutex it does not borrow the array, so that the error can go up
/// through any `?`. It holds the lock for as long as it lives: drop it, or turn it into a guard.
pub struct Poisoned(Box<dyn Any + Send + Sync>);

impl Poisoned {
    /// `held` releases the lock when dropped.
    pub(crate) fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }

    /// The argument of [`new`](Self::new), if it is an `H`.
    pub(crate) fn into_held<H: Any + Send + Sync>(self) -> Option<H> {
        self.0.downcast().ok().map(|held| *held)
    }
}

impl fmt::Debug for Poisoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poisoned").finish_non_exhaustive()
    }
}

/// Where the name of a directory came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirSource {
    /// The options named it.
    Options,
    /// The environment variable `NDSHARRAY_DIR` named it.
    Environment,
    /// It is the platform's default.
    Default,
}

impl fmt::Display for DirSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Options => "the options name it",
            Self::Environment => "the environment variable NDSHARRAY_DIR names it",
            Self::Default => "the default; NDSHARRAY_DIR or the options can name another",
        })
    }
}

/// What exists under a name at which something else was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instead {
    /// A channel.
    Channel,
    /// A shared array.
    SharedArray,
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "there is a channel of that name, which Reader opens",
            Self::SharedArray => "there is a shared array of that name, which SharedArray opens",
        })
    }
}

/// Which memory is short; in [`Error::OutOfMemory`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Memory {
    /// That of a file system. In bytes.
    FileSystem {
        /// A directory in it.
        dir: PathBuf,
    },
    /// A file system's room for further files (inodes). In files.
    Inodes {
        /// A directory in it.
        dir: PathBuf,
    },
    /// The size that this process may give to a file (`RLIMIT_FSIZE`, `ulimit -f`). In bytes.
    FileSize,
    /// What this process' control group may use, as a container limits it. In bytes.
    Group,
    /// Addresses of this process (`RLIMIT_AS`, `ulimit -v`). In bytes.
    AddressSpace,
    /// Mappings that a process may have (`vm.max_map_count`). In mappings.
    Mappings,
    /// Files that this process, or the whole system, may have open (`RLIMIT_NOFILE`, `ulimit -n`).
    /// In descriptors.
    Descriptors,
    /// This process' own memory, for a copy. In bytes.
    Process,
}

impl Memory {
    /// The figures in words.
    fn explain(&self, requested: u64, available: u64) -> String {
        match self {
            Self::Inodes { .. } | Self::Mappings | Self::Descriptors => format!("there are no more {self}"),
            _ => format!("{requested} bytes requested, {available} available of the {self}"),
        }
    }
}

/// As part of a sentence.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileSystem { dir } => write!(f, "file system of {}", dir.display()),
            Self::Inodes { dir } => write!(f, "files to be had in the file system of {} (inodes)", dir.display()),
            Self::FileSize => f.write_str("size that this process may give to a file (RLIMIT_FSIZE)"),
            Self::Group => f.write_str("memory that this process' control group may use"),
            Self::AddressSpace => f.write_str("address space of this process (RLIMIT_AS)"),
            Self::Mappings => f.write_str("mappings to be had for this process (vm.max_map_count)"),
            Self::Descriptors => f.write_str("descriptors to be had for open files (RLIMIT_NOFILE)"),
            Self::Process => f.write_str("memory of this process' own"),
        }
    }
}

/// What stands where a file of ours was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// A regular file of a user that the options do not trust.
    OtherUser,
    /// A symbolic link.
    Symlink,
    /// A file with several names (hard links).
    HardLinked,
    /// A directory, pipe, socket or device.
    NotAFile,
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OtherUser => "another user's file",
            Self::Symlink => "a symbolic link",
            Self::HardLinked => "a file with several names",
            Self::NotAFile => "not a regular file",
        })
    }
}

impl Error {
    /// There is no file at `path`.
    pub(crate) fn not_found(path: impl Into<PathBuf>) -> Self {
        Self::NotFound { path: path.into(), instead: None }
    }

    /// An array of elements `found`, where `expected` were asked for.
    #[cold]
    pub(crate) fn other_elements(expected: ElementType, found: ElementType) -> Self {
        if expected.dtype() == found.dtype() {
            Self::ElementMismatch { expected, found }
        } else {
            Self::DTypeMismatch { expected: expected.dtype(), found: found.dtype() }
        }
    }

    /// This process cannot allocate a copy of `requested` bytes.
    pub(crate) fn no_copy(requested: usize) -> Self {
        Self::OutOfMemory { requested: requested as u64, available: 0, memory: Memory::Process }
    }

    /// Names what was being done to which file.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::not_found(path),
            io::ErrorKind::AlreadyExists => Self::AlreadyExists { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied { path, source }
            }
            _ if sys::is_no_descriptor(&source) => {
                Self::OutOfMemory { requested: 1, available: 0, memory: Memory::Descriptors }
            }
            _ if !sys::IS_SUPPORTED => Self::Unsupported { what: "shared memory on this platform" },
            _ => Self::Io { doing, path, source },
        }
    }
}

impl From<ShapeError> for Error {
    fn from(error: ShapeError) -> Self {
        match error {
            ShapeError::TooManyDims { ndim } => Self::TooManyDims { found: ndim, max: MAX_NDIM },
            ShapeError::Overflow { axis, len } => Self::TooLarge { axis, len },
        }
    }
}

/// Makes sure that elements are of the Rust type `T`; `record` is what records consist of.
#[inline(always)]
pub(crate) fn check_elements<T: ShElement>(element: ElementType, record: Option<&KnownRecord>) -> Result<()> {
    match T::RECORD {
        None if is_element::<T>(element) => Ok(()),
        None => Err(Error::other_elements(T::ELEMENT, element)),
        Some(layout) => match record {
            Some(record) => Ok(record.check(layout)?),
            None => Err(Error::other_elements(T::ELEMENT, element)),
        },
    }
}

/// How a message begins that is about a field of records, or about records as a whole.
fn record_field(field: &str) -> String {
    if field.is_empty() { "the size of the records".to_owned() } else { format!("field {field:?} of the records") }
}

impl From<Box<Mismatch>> for Error {
    fn from(mismatch: Box<Mismatch>) -> Self {
        let Mismatch { field, expected, found } = *mismatch;
        Self::RecordMismatch { field, expected, found }
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::NoField { name } => Self::NoField { name },
            FieldError::View(error) => error.into(),
        }
    }
}

impl From<ViewError> for Error {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::InvalidBool { index, value } => Self::InvalidBool { index, value },
            ViewError::Shape(shape) => shape.into(),
            other => Self::View(other),
        }
    }
}
