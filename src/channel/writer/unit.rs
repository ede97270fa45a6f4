//! The unit of the times that a writer writes.

use super::Writer;
use super::raw::RawWriter;
use crate::element::element_type::ElementType;
use crate::element::time::unit::TimeUnit;
use crate::element::time_element::TimeElement;
use crate::error::{Error, Result};

/// # Times
impl<T: TimeElement> Writer<T> {
    /// Sets the unit in which this writer's times are counted, before the first of them.
    ///
    /// Nanoseconds unless it is set. It belongs to each array as its shape does, and readers find
    /// it there. No number is converted.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] after the first value, or the first loan.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// use ndsharray::{DateTime64, TimeUnit};
    ///
    /// let mut writer = options.create::<DateTime64>("ticks")?; // or `Writer::create`
    /// writer.set_unit(TimeUnit::MILLISECOND)?;
    /// writer.write(&[1], &[DateTime64(1_700_000_000_000)])?;
    /// # let mut reader = options.open("ticks")?;
    /// let sample = reader.latest()?.unwrap();
    /// assert_eq!(sample.element_type().to_string(), "datetime64[ms]");
    /// assert_eq!(sample.view::<DateTime64>()?[[0]], DateTime64(1_700_000_000_000));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_unit(&mut self, unit: TimeUnit) -> Result<()> {
        if self.core.unit_is_set && unit != self.unit() {
            return Err(Error::Unsupported { what: "another unit of time after the first value" });
        }
        self.core.unit = Some(unit);
        Ok(())
    }

    /// The unit in which this writer's times are counted.
    #[must_use]
    pub fn unit(&self) -> TimeUnit {
        self.core.unit.unwrap_or(TimeUnit::NANOSECOND)
    }
}

impl RawWriter {
    /// The element type of times of `T`, in the unit that is set. It stays from here on.
    pub(super) fn times(&mut self, by_default: ElementType) -> ElementType {
        self.unit_is_set = true;
        match self.unit {
            // A unit is a parameter of both.
            Some(unit) => ElementType::new(by_default.dtype(), unit.to_parameter()).unwrap_or(by_default),
            None => by_default,
        }
    }

    /// Values of another type follow.
    pub(super) fn forget_unit(&mut self) {
        self.unit = None;
        self.unit_is_set = false;
    }
}
