//! Which elements are times.

use super::ShElement;
use super::element_type::ElementType;
use super::time::unit::TimeUnit;
use super::time::{DateTime64, TimeDelta64};

/// [`DateTime64`] or [`TimeDelta64`]: elements whose unit belongs to the array. Sealed.
pub trait TimeElement: ShElement {
    /// The element type of such times in `unit`.
    #[must_use]
    fn in_unit(unit: TimeUnit) -> ElementType;
}

impl TimeElement for DateTime64 {
    fn in_unit(unit: TimeUnit) -> ElementType {
        ElementType::datetime64(unit)
    }
}

impl TimeElement for TimeDelta64 {
    fn in_unit(unit: TimeUnit) -> ElementType {
        ElementType::timedelta64(unit)
    }
}
