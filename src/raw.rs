//! Plumbing for bindings to other languages and for tools; programs need nothing of it.

use crate::channel::writer::attributes::Belongings;
use crate::channel::writer::{AnyWriter, Loan};
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::element::typing::Typing;
use crate::error::{Error, Memory, Result};
use crate::format::tail::Record;
use crate::options::Options;
use crate::view::{cast, record};
use std::time::SystemTime;
use uuid::Uuid;

pub use crate::channel::writer::{LoanRefused, OwnedLoan};
pub use crate::files::mapping::DetachedMemory;
pub use crate::shared::held::LockMode;
pub use crate::shared::lend::{ArrayLockGuard, ArrayMapping};

/// Checks the bytes of a `bool` array.
///
/// # Errors
///
/// [`Error::InvalidBool`] at the first byte that is neither 0 nor 1.
///
/// ```
/// assert!(ndsharray::raw::check_bools(&[0, 1, 1]).is_ok());
/// assert!(ndsharray::raw::check_bools(&[0, 2]).is_err());
/// ```
pub fn check_bools(bytes: &[u8]) -> Result<()> {
    Ok(cast::check_bools(bytes)?)
}

/// Checks the bytes of an array of records, whose fields may be `bool`.
///
/// Costs nothing per record where no field is.
///
/// # Errors
///
/// [`Error::View`] with [`InvalidRecord`](crate::ViewError::InvalidRecord) at the first byte of a
/// `bool` that is neither 0 nor 1.
///
/// ```
/// use ndsharray::{DType, RecordType, raw};
///
/// let record = RecordType::packed([("count", DType::U8), ("ok", DType::Bool)])?;
/// assert!(raw::check_records(&record, &[7, 1, 9, 0]).is_ok());
/// assert!(raw::check_records(&record, &[7, 1, 9, 2]).is_err());
/// # Ok::<(), ndsharray::RecordError>(())
/// ```
pub fn check_records(record: &RecordType, bytes: &[u8]) -> Result<()> {
    Ok(record::check_described(record, bytes)?)
}

/// The error for what a binding or tool cannot do, in this library's words.
///
/// ```
/// let error = ndsharray::raw::unsupported("arrays of strings");
/// assert_eq!(error.to_string(), "not supported: arrays of strings");
/// ```
#[must_use]
pub fn unsupported(what: &'static str) -> Error {
    Error::Unsupported { what }
}

/// The error for `requested` bytes that this process could not allocate.
///
/// ```
/// let error = ndsharray::raw::out_of_memory(1 << 40);
/// assert!(error.to_string().starts_with("out of memory"));
/// ```
#[must_use]
pub fn out_of_memory(requested: u64) -> Error {
    Error::OutOfMemory { requested, available: 0, memory: Memory::Process }
}

/// What an imported value was at its source.
///
/// A bridge or a player republishes values that another channel had, maybe on another machine. The
/// samples of such a value tell what it was there: [`epoch`](crate::Sample::epoch),
/// [`incarnation`](crate::Sample::incarnation), [`time`](crate::Sample::time), and with
/// [`publish_as`] the number. [`Sample::is_imported`](crate::Sample::is_imported) tells such values
/// from a channel's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The lineage of its number there.
    pub incarnation: Uuid,
    /// Which of the writers there wrote it.
    pub epoch: u64,
    /// When it was written there. Kept from the year 1678 to 2262; beyond, the nearest time is.
    pub time: SystemTime,
}

impl Origin {
    pub(crate) fn of(record: &Record) -> Self {
        Self { incarnation: record.incarnation, epoch: record.epoch, time: record.time() }
    }

    fn belongings<'a>(&self, number: u64, attributes: &'a [u8]) -> Belongings<'a> {
        let Self { incarnation, epoch, time } = *self;
        let record = Record { incarnation, epoch, time_ns: Record::time_ns_of(time) };
        Belongings { attributes, imported: Some((number, record)) }
    }
}

/// Makes a channel for values of one source, or takes one over that has such values.
///
/// The numbers of a channel are of one [incarnation](crate::Sample::incarnation). A channel with
/// another one is replaced, and its readers follow. So a source that begins anew needs a new
/// writer.
///
/// `after` is the number before the first value to come. Readers that open a new channel while it
/// has no value miss none before that.
///
/// # Errors
///
/// As [`Writer::create`](crate::Writer::create); [`Error::NumbersExhausted`] for a number that no
/// value follows.
pub fn create_import(options: &Options, name: &str, incarnation: Uuid, after: u64) -> Result<AnyWriter> {
    options.create_import(name, incarnation, after)
}

/// Has the first value of an empty channel follow `after`.
///
/// For a channel that is made before it is known where its numbers begin. Readers that have opened
/// it meanwhile miss none before that number either. Without effect once the channel has a value,
/// and where its numbers have come as far.
///
/// # Errors
///
/// [`Error::NumbersExhausted`] for a number that no value follows; [`Error::Forked`].
///
/// ```
/// use ndsharray::{DType, raw};
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(&dir);
/// # let (incarnation, time) = (uuid::Uuid::from_u128(7), std::time::SystemTime::now());
/// let mut writer = raw::create_import(&options, "robot.camera", incarnation, 0)?;
/// let mut reader = options.open("robot.camera")?;
/// raw::begin_after(&mut writer, 499)?;
/// let origin = raw::Origin { incarnation, epoch: 1, time };
/// raw::write_as(&mut writer, 500, &origin, (DType::U8, &[1], &[7]), b"")?;
/// assert_eq!(reader.latest()?.unwrap().missed(), 0);
/// # Ok(())
/// # }
/// ```
pub fn begin_after(writer: &mut AnyWriter, after: u64) -> Result<()> {
    writer.begin_after(after)
}

/// Publishes a loan with the number that its value had at its source; returns that number.
///
/// The loan's own attributes go: the value has `attributes`.
///
/// Numbers may have gaps. A reader in order, a lossless one too, looks back over as many numbers as
/// the channel has slots, and counts what it misses beyond.
///
/// # Errors
///
/// [`Error::NumberUsed`] when the number is not above the channel's last, as numbers only grow;
/// [`Error::AttributesTooLong`]; [`Error::OutOfMemory`]; and as [`Loan::publish`]. Nothing has been
/// published then.
///
/// ```
/// use ndsharray::{DType, raw};
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(&dir);
/// # let mut camera = options.create::<u8>("camera")?;
/// # camera.write_with(&[2], &[0, 0], b"")?;
/// # camera.write_with(&[2], &[1, 2], b"exposure 20 ms")?;
/// # let mut reader = options.open("camera")?;
/// # let from = reader.latest_owned()?.unwrap();
/// // `from` is a sample of a channel elsewhere.
/// let (incarnation, number) = (from.incarnation(), from.seq());
/// let mut writer = raw::create_import(&options, "robot.camera", incarnation, number - 1)?;
/// let mut loan = writer.loan(from.dtype(), from.shape())?;
/// loan.as_mut_bytes().copy_from_slice(from.as_bytes());
/// let origin = raw::Origin { incarnation, epoch: from.epoch(), time: from.time() };
/// raw::publish_as(loan, number, &origin, from.attributes())?;
///
/// let mut reader = options.open("robot.camera")?;
/// let sample = reader.latest()?.unwrap();
/// assert_eq!((sample.seq(), sample.incarnation()), (number, incarnation));
/// assert_eq!(sample.attributes(), b"exposure 20 ms");
/// # Ok(())
/// # }
/// ```
pub fn publish_as<T: Typing>(mut loan: Loan<'_, T>, number: u64, origin: &Origin, attributes: &[u8]) -> Result<u64> {
    loan.set_belongings(&origin.belongings(number, attributes))?;
    loan.publish()
}

/// Publishes a copy of `bytes` as [`publish_as`] does, and [`AnyWriter::write_bytes_with`].
///
/// # Errors
///
/// As theirs.
pub fn write_as(
    writer: &mut AnyWriter,
    number: u64,
    origin: &Origin,
    (element, shape, bytes): (impl Into<ElementType>, &[usize], &[u8]),
    attributes: &[u8],
) -> Result<u64> {
    writer.write_bytes_as(element.into(), shape, bytes, &origin.belongings(number, attributes))
}

impl OwnedLoan {
    /// Publishes it with the number that its value had at its source, as [`publish_as`].
    ///
    /// # Errors
    ///
    /// As [`publish_as`] and [`publish`](Self::publish). The loan goes on as there.
    pub fn publish_as(&mut self, number: u64, origin: &Origin, attributes: &[u8]) -> Result<u64> {
        self.set_belongings(&origin.belongings(number, attributes))?;
        self.publish()
    }
}
