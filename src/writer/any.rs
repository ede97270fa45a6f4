//! A writer whose dtype is chosen at run time.

use super::core::Core;
use crate::any_view::AnyArrayView;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::shape;
use std::fmt;

/// The one writer of a channel, for arrays of any dtype; otherwise as [`Writer`](crate::Writer).
///
/// ```
/// use ndsharray::DType;
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let mut writer = ndsharray::Options::new().dir(dir.path()).create_any("doc-any")?;
/// # /*
/// let mut writer = ndsharray::AnyWriter::create("sensor")?;
/// # */
/// writer.write_bytes(DType::I16, &[2], &[1, 0, 2, 0])?;
/// # Ok(())
/// # }
/// ```
pub struct AnyWriter {
    pub(super) core: Core,
}

impl AnyWriter {
    pub(super) fn new(core: Core) -> Self {
        Self { core }
    }

    /// Makes the channel `name` with default [`Options`], or takes it over from a dead writer.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`](crate::Writer::create).
    pub fn create(name: &str) -> Result<Self> {
        Options::new().create_any(name)
    }

    /// Publishes a copy of `array`; returns its sequence number.
    ///
    /// # Errors
    ///
    /// [`Error::AllSlotsPinned`], [`Error::OutOfMemory`], as [`Writer::write`](crate::Writer::write).
    pub fn write_any(&mut self, array: &AnyArrayView<'_>) -> Result<u64> {
        self.core.write(array.dtype(), array.shape(), array.as_bytes())
    }

    /// Publishes a copy of `bytes`, the elements in C order and this machine's byte order, as an array of `dtype` and
    /// `shape`; returns its sequence number. The bytes need no alignment.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when `bytes` is not as long as the array; [`Error::InvalidBool`] when a `bool` is neither 0 nor 1; and as
    /// [`Writer::write`](crate::Writer::write).
    pub fn write_bytes(&mut self, dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let expected = shape::byte_len(shape, dtype.size())?;
        if expected != bytes.len() {
            return Err(Error::ShapeMismatch { expected, found: bytes.len() });
        }
        if dtype == DType::Bool {
            check_bools(bytes)?;
        }
        self.core.write(dtype, shape, bytes)
    }

    /// The channel's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.location().name()
    }

    /// The file name of the current value's payload; `None` before the first publication.
    #[must_use]
    pub fn payload_name(&self) -> Option<String> {
        self.core.payload_name()
    }
}

impl fmt::Debug for AnyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyWriter").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Fails at the first byte that is neither 0 nor 1.
pub(super) fn check_bools(bytes: &[u8]) -> Result<()> {
    const CHUNK: usize = 4096;
    // By chunks, without a way out in between: so the compiler looks at many bytes at once.
    let wrong = |chunk: &[u8]| chunk.iter().fold(0, |all, byte| all | byte) > 1;
    let Some(number) = bytes.chunks(CHUNK).position(wrong) else { return Ok(()) };
    match bytes.iter().enumerate().skip(number * CHUNK).find(|(_, byte)| **byte > 1) {
        Some((index, &value)) => Err(Error::InvalidBool { index, value }),
        None => Ok(()),
    }
}
