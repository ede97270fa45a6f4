//! The writing ends.

use super::channel::{OwnedChannel, check_dtype};
use super::options::Options;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::typing::{Dyn, Typing};
use crate::error::{Error, Result};
use crate::view::any::AnyArrayView;
use crate::view::cast::check_bools;
use crate::view::shape;
use std::fmt;
use std::marker::PhantomData;

/// Writes arrays of `T` for Python's `NdShArray(name, r_w="r")`, or for a
/// [`Reader`](super::Reader).
///
/// A tag file that exists already is taken over, with the readers that are attached to it, unless
/// another writer of this library owns it. This library cannot detect that the other writer is a
/// Python process. Make sure that there is only one writer, as Python's package demands too.
///
/// Dropping the writer removes its files. A value that it published less than 50 milliseconds
/// before stays for that long, for readers that poll. Python readers that are still attached keep
/// their last value. They do not notice a later writer, unless [`Options::persist`] is set.
///
/// # Example
///
/// [`Writer::create`] is for the default directory; here the options name one:
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let options = ndsharray::compat::Options::new().dir(&dir);
/// let mut writer = options.create::<u8>("camera")?;
/// writer.write(&[2, 3], &[1, 2, 3, 4, 5, 6])?;
/// # Ok(())
/// # }
/// ```
///
/// and in Python, with the package from PyPI:
///
/// ```python
/// reader = NdShArray("camera", r_w="r")
/// valid, frame = reader.read()
/// ```
pub struct Writer<T: Typing> {
    channel: OwnedChannel,
    element: PhantomData<T>,
}

/// A [`Writer`] for arrays whose dtype is chosen at run time.
pub type AnyWriter = Writer<Dyn>;

impl<T: Typing> Writer<T> {
    /// Makes the channel `name` with default [`Options`].
    ///
    /// Until the first value is written, Python's reader reads "not valid".
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] also for names that are not ASCII, and for those of this library's
    /// files; [`Error::Unsupported`] also for a dtype that Python's package does not know;
    /// [`Error::WriterExists`] while another writer of this library lives; [`Error::NotOurs`] when
    /// the name is that of a file which is neither a tag file nor the start of one;
    /// [`Error::ForeignOwner`] when it is another user's, a link, or no file.
    pub fn create(name: &str) -> Result<Self> {
        Options::new().create_typed(name)
    }

    /// The channel's name (Python: `name`).
    #[must_use]
    pub fn name(&self) -> &str {
        self.channel.name()
    }

    /// The file name of the current value (Python: `ndarray_mmap_name`); `None` before the first.
    #[must_use]
    pub fn payload_name(&self) -> Option<String> {
        self.channel.payload_name()
    }
}

impl<T: ShElement> Writer<T> {
    /// Publishes a copy of `data`, in C order, as an array of `shape`.
    ///
    /// Returns the value's number among those of this writer, from 1 on. The format has no numbers,
    /// so readers do not learn it.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when the length of `data` is not that of the shape;
    /// [`Error::TooManyDims`]; [`Error::TooLarge`]; [`Error::OutOfMemory`]. The last value stays
    /// current then.
    pub fn write(&mut self, shape: &[usize], data: &[T]) -> Result<u64> {
        let bytes = T::bytes(data);
        if shape::byte_len(shape, size_of::<T>())? != bytes.len() {
            return Err(Error::ShapeMismatch { expected: shape::element_count(shape)?, found: data.len() });
        }
        self.channel.write(T::DTYPE, shape, bytes)
    }

    /// Publishes a copy of an [`ndarray`](::ndarray) array in C order.
    ///
    /// It may be owned or a view, with any strides.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[cfg(feature = "ndarray")]
    pub fn write_array<D: ndarray::Dimension>(&mut self, array: &ndarray::ArrayRef<T, D>) -> Result<u64> {
        match array.as_slice() {
            Some(data) => self.write(array.shape(), data),
            None => self.write(array.shape(), &array.iter().copied().collect::<Vec<_>>()),
        }
    }

    /// Continues the same channel with another dtype.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a dtype that Python's package does not know; the channel is
    /// closed then.
    pub fn into_dtype<U: ShElement>(self) -> Result<Writer<U>> {
        check_dtype(self.channel.table(), U::DTYPE)?;
        Ok(Writer { channel: self.channel, element: PhantomData })
    }
}

impl Writer<Dyn> {
    /// Publishes a copy of `array`; returns the value's number, from 1 on.
    ///
    /// # Errors
    ///
    /// As [`Writer::write`]; [`Error::Unsupported`] for a dtype that Python's package does not
    /// know.
    pub fn write_any(&mut self, array: &AnyArrayView<'_>) -> Result<u64> {
        self.channel.write(array.dtype(), array.shape(), array.as_bytes())
    }

    /// Publishes a copy of `bytes` as an array of `element` and `shape`.
    ///
    /// They are the elements in C order and this machine's byte order; they need no alignment.
    /// Returns the value's number, as [`write_any`](Self::write_any) does.
    ///
    /// # Errors
    ///
    /// As [`write_any`](Self::write_any); [`Error::ShapeMismatch`] when `bytes` is not as long as
    /// the array; [`Error::InvalidBool`] when a `bool` is neither 0 nor 1.
    pub fn write_bytes(&mut self, element: impl Into<ElementType>, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let element = element.into();
        let dtype = element.dtype();
        let expected = shape::byte_len(shape, element.size())?;
        if expected != bytes.len() {
            return Err(Error::ShapeMismatch { expected, found: bytes.len() });
        }
        if dtype == DType::Bool {
            check_bools(bytes)?;
        }
        self.channel.write(dtype, shape, bytes)
    }
}

impl<T: ShElement> From<Writer<T>> for AnyWriter {
    /// Continues the same channel with values of any dtype.
    fn from(writer: Writer<T>) -> Self {
        Self { channel: writer.channel, element: PhantomData }
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
    /// As [`Writer::create`], with these options.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create<T: ShElement>(&self, name: &str) -> Result<Writer<T>> {
        self.create_typed(name)
    }

    /// As [`create`](Self::create), for a writer whose dtype is chosen at run time.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create_any(&self, name: &str) -> Result<AnyWriter> {
        self.create_typed(name)
    }

    fn create_typed<T: Typing>(&self, name: &str) -> Result<Writer<T>> {
        if let Some(dtype) = T::DTYPE {
            check_dtype(self.table, dtype)?;
        }
        let channel = self.explain(name, OwnedChannel::create(name, self))?;
        Ok(Writer { channel, element: PhantomData })
    }
}
