//! The writing end.

mod any;
#[cfg(feature = "ndarray")]
mod arrays;
pub(crate) mod attributes;
mod close;
mod demand;
mod keeping;
mod loan;
mod open;
mod owned_loan;
mod raw;
mod reap;
mod records;
mod remove;
mod renewal;
mod rotation;
mod types;
mod unit;
mod unread;

pub use loan::Loan;
pub use owned_loan::{LoanRefused, OwnedLoan};

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::typing::{Dyn, Typing};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::view::shape;
use attributes::{Belongings, in_range_of_numbers};
use open::Before;
use raw::RawWriter;
use remove::Readers;
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;

/// The one writer of a channel, for arrays of `T`.
///
/// Each value that is published replaces the one before it; readers see the latest. Shape may
/// change at every write, and the dtype with [`into_dtype`](Self::into_dtype). A reader that holds
/// an older value keeps it unchanged: the writer uses another slot.
///
/// There is one writer at a time: a second is refused as long as the first lives, by a lock that
/// the kernel drops when its process dies. A new writer then takes the channel over; its readers
/// notice nothing but the [epoch](crate::Reader::writer_epoch).
///
/// Dropping the writer [closes](Self::close) the channel, and does not wait. Where readers have not
/// come to the last value yet, it stays for them, and the last of them removes it; otherwise all
/// files go at once. Later readers find no channel. A later writer goes on with the numbers of what
/// was left. Readers keep what they hold. A writer that publishes and ends, for readers that are
/// still to come, needs [`Options::persist`].
///
/// A writer whose files are removed by others re-creates its channel when it writes, at the latest
/// half a second later. The new channel has the last value and the same numbers, and its readers
/// follow. If another writer has taken the name meanwhile, writing is [`Error::WriterExists`] until
/// the name is free.
///
/// # Example
///
/// [`Writer::create`] is for the default directory; here the options name one:
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let mut writer = ndsharray::Options::new().dir(&dir).create::<f32>("lidar")?;
/// writer.write(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
///
/// let mut loan = writer.loan(&[1000])?; // write in place: nothing is copied
/// loan.as_mut_slice().fill(0.5);
/// let seq = loan.publish()?;
/// assert_eq!(seq, 2);
/// # Ok(())
/// # }
/// ```
pub struct Writer<T: Typing> {
    core: RawWriter,
    element: PhantomData<T>,
}

impl<T: Typing> Writer<T> {
    /// Makes the channel `name` with default [`Options`], or takes it over from a dead writer.
    ///
    /// # Errors
    ///
    /// [`Error::WriterExists`] while another writer lives; [`Error::Corrupt`] when the existing
    /// files are not of this library and version; [`Error::OutOfMemory`].
    pub fn create(name: &str) -> Result<Self> {
        Options::new().create_typed(name)
    }

    /// The channel's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.location().name()
    }

    /// The number of the current value; 0 before the first.
    ///
    /// Not 0 from the start where a channel was taken over.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.core.seq()
    }

    /// How many living readers the channel has, as the kernel says.
    ///
    /// Readers without write permission do not count.
    #[must_use]
    pub fn reader_count(&self) -> usize {
        self.core.reader_count()
    }

    /// Closes the channel as dropping the writer does, and returns any error.
    ///
    /// Does not wait for readers.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::PermissionDenied`] when a file could not be removed: the next
    /// writer or [`remove`] removes it.
    pub fn close(mut self) -> Result<()> {
        self.core.close()
    }

    /// The file name of the current value's payload; `None` before the first publication.
    #[must_use]
    pub fn payload_name(&self) -> Option<String> {
        self.core.payload_name()
    }
}

impl AnyWriter {
    /// Has the first value follow `number`; see [`raw::begin_after`](crate::raw::begin_after).
    pub(crate) fn begin_after(&mut self, number: u64) -> Result<()> {
        self.core.begin_after(number)
    }
}

impl<T: ShElement> Writer<T> {
    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        <T as ShElement>::DTYPE
    }

    /// Publishes a copy of `data`, in C order, as an array of `shape`.
    ///
    /// Returns the value's sequence number, which counts from 1.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when `data` has not as many elements as the shape;
    /// [`Error::TooManyDims`], [`Error::TooLarge`]; [`Error::AllSlotsPinned`] when readers hold all
    /// other slots; [`Error::OutOfMemory`] when a larger payload file does not fit. The last value
    /// stays current then.
    pub fn write(&mut self, shape: &[usize], data: &[T]) -> Result<u64> {
        let bytes = T::bytes(data);
        if shape::byte_len(shape, size_of::<T>())? != bytes.len() {
            return Err(Error::ShapeMismatch { expected: shape::element_count(shape)?, found: data.len() });
        }
        let element = self.core.element_of::<T>()?;
        self.core.write(element, shape, bytes)
    }

    /// As [`write`](Self::write), with `attributes` of the caller's own beside the elements.
    ///
    /// They may be any bytes, at most [`MAX_ATTRIBUTES`](crate::MAX_ATTRIBUTES): a frame's number
    /// and exposure, as JSON or the bytes of a struct. Readers get them with the value, from
    /// [`Sample::attributes`](crate::Sample::attributes). No attributes are the same as empty ones.
    ///
    /// # Errors
    ///
    /// [`Error::AttributesTooLong`]; otherwise as [`write`](Self::write).
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let mut writer = ndsharray::Options::new().dir(dir.path()).create::<u8>("doc-with")?;
    /// # let mut reader = ndsharray::Options::new().dir(dir.path()).open("doc-with")?;
    /// writer.write_with(&[3], &[1, 2, 3], br#"{"frame": 7}"#)?;
    /// assert_eq!(reader.latest()?.unwrap().attributes(), br#"{"frame": 7}"#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_with(&mut self, shape: &[usize], data: &[T], attributes: &[u8]) -> Result<u64> {
        let bytes = T::bytes(data);
        if shape::byte_len(shape, size_of::<T>())? != bytes.len() {
            return Err(Error::ShapeMismatch { expected: shape::element_count(shape)?, found: data.len() });
        }
        let element = self.core.element_of::<T>()?;
        self.core.write_with(element, shape, bytes, &Belongings::attributes(attributes))
    }

    /// Returns a loan of the next value's memory, to be filled without a copy.
    ///
    /// [`Loan::publish`] makes it the current value.
    ///
    /// The elements start with whatever is there: zeros, or an older value. Time does not depend on
    /// the size, except where memory has to be found for it, and for `bool`, whose bytes are
    /// checked.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyDims`], [`Error::TooLarge`], [`Error::AllSlotsPinned`],
    /// [`Error::OutOfMemory`], as [`write`](Self::write).
    pub fn loan(&mut self, shape: &[usize]) -> Result<Loan<'_, T>> {
        Loan::new(&mut self.core, shape)
    }

    /// Publishes a copy of an [`ndarray`](::ndarray) array in C order; returns its sequence number.
    ///
    /// Takes owned arrays, views and slices, whatever their strides.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyDims`], [`Error::TooLarge`], [`Error::AllSlotsPinned`],
    /// [`Error::OutOfMemory`], as [`write`](Self::write).
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let mut writer = ndsharray::Options::new().dir(dir.path()).create::<i32>("doc-array")?;
    /// let matrix = ndarray::array![[1, 2, 3], [4, 5, 6]];
    /// writer.write_array(&matrix)?;
    /// writer.write_array(&matrix.t())?;
    /// # let mut reader = ndsharray::Options::new().dir(dir.path()).open("doc-array")?;
    /// let sample = reader.latest()?.unwrap();
    /// assert_eq!(sample.shape(), [3, 2]);
    /// assert_eq!(sample.view::<i32>()?.as_slice(), [1, 4, 2, 5, 3, 6]);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "ndarray")]
    pub fn write_array<D: ndarray::Dimension>(&mut self, array: &ndarray::ArrayRef<T, D>) -> Result<u64> {
        arrays::write(&mut self.core, array)
    }

    /// The same channel with another dtype from here on; readers go on reading.
    #[must_use]
    pub fn into_dtype<U: ShElement>(mut self) -> Writer<U> {
        self.core.forget_unit();
        Writer { core: self.core, element: PhantomData }
    }
}

/// The one writer of a channel, for arrays of any dtype; otherwise as [`Writer`](crate::Writer).
///
/// ```
/// use ndsharray::DType;
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let mut writer = ndsharray::Options::new().dir(&dir).create_any("sensor")?;
/// writer.write_bytes(DType::I16, &[2], &[1, 0, 2, 0])?;
/// # Ok(())
/// # }
/// ```
pub type AnyWriter = Writer<Dyn>;

impl<T: ShElement> From<Writer<T>> for AnyWriter {
    /// The same channel for values of any dtype from here on.
    fn from(writer: Writer<T>) -> Self {
        Self { core: writer.core, element: PhantomData }
    }
}

impl<T: Typing> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut this = f.debug_struct("Writer");
        this.field("name", &self.name());
        if let Some(dtype) = T::DTYPE {
            this.field("dtype", &dtype);
        }
        this.finish_non_exhaustive()
    }
}

impl Options {
    /// Makes the channel `name`, or takes it over from a dead writer; see [`Writer::create`].
    ///
    /// A channel that is taken over keeps its number of slots and readers, because its readers do.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create<T: ShElement>(&self, name: &str) -> Result<Writer<T>> {
        self.create_typed(name)
    }

    /// Removes the channel `name`; see [`remove`].
    ///
    /// # Errors
    ///
    /// As [`remove`].
    pub fn remove(&self, name: &str) -> Result<()> {
        self.at(name, |location| remove::remove(location, self, Readers::MayLive))
    }

    /// Removes the channel `name` if no living process uses it, as writer or reader.
    ///
    /// The kernel's locks are the proof, and they are held until all files are gone.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] when a reader lives; otherwise as [`remove`].
    pub fn remove_unused(&self, name: &str) -> Result<()> {
        self.at(name, |location| remove::remove(location, self, Readers::MustBeGone))
    }

    /// As [`create`](Self::create), for a writer whose dtype is chosen at run time.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create_any(&self, name: &str) -> Result<AnyWriter> {
        self.create_typed(name)
    }

    /// As [`create_any`](Self::create_any), for values that have their numbers from elsewhere.
    pub(crate) fn create_import(&self, name: &str, incarnation: Uuid, after: u64) -> Result<AnyWriter> {
        in_range_of_numbers(after)?;
        let before = Before::of_import(incarnation, after);
        let core = self.at(name, |location| RawWriter::create_after(location.clone(), self, before.clone()))?;
        Ok(Writer { core, element: PhantomData })
    }

    fn create_typed<T: Typing>(&self, name: &str) -> Result<Writer<T>> {
        let core = self.at(name, |location| RawWriter::create(location.clone(), self))?;
        Ok(Writer { core, element: PhantomData })
    }
}

/// Removes the channel `name` if it has no living writer.
///
/// A killed writer left it, or [`Options::persist`] kept it. Readers that hold its values keep
/// them.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such channel; [`Error::WriterExists`] when its writer
/// lives.
pub fn remove(name: &str) -> Result<()> {
    Options::new().remove(name)
}
