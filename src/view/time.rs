//! A view of times, which knows their unit.

use super::ArrayView;
use super::error::ViewError;
use super::look::AnyView;
use crate::element::element_type::ElementType;
use crate::element::time::unit::TimeUnit;
use crate::element::time_element::TimeElement;
use crate::element::{ShElement, is_element};
use core::ops::Deref;

/// An [`ArrayView`] of times, with the unit that they are counted in.
///
/// It derefs to the view. From [`AnyArrayView`](crate::AnyArrayView).
///
/// ```
/// use ndsharray::{AnyArrayView, DateTime64, ElementType, TimeUnit};
///
/// let bytes = [0; 16];
/// let element = ElementType::datetime64(TimeUnit::DAY);
/// if let Ok(AnyArrayView::DateTime64(days)) = AnyArrayView::from_bytes(element, &[2], &bytes) {
///     assert_eq!((days.unit(), days[[1]]), (TimeUnit::DAY, DateTime64(0)));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeArrayView<'a, T> {
    view: ArrayView<'a, T>,
    unit: TimeUnit,
}

impl<'a, T: TimeElement> TimeArrayView<'a, T> {
    /// The times of `view`, counted in `unit`.
    #[must_use]
    pub fn new(view: ArrayView<'a, T>, unit: TimeUnit) -> Self {
        Self { view, unit }
    }

    /// The unit that the times are counted in.
    #[must_use]
    pub fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// The view, without the unit.
    #[must_use]
    pub fn view(&self) -> ArrayView<'a, T> {
        self.view
    }
}

impl<'a, T> Deref for TimeArrayView<'a, T> {
    type Target = ArrayView<'a, T>;

    fn deref(&self) -> &ArrayView<'a, T> {
        &self.view
    }
}

impl<'a, T: TimeElement> AnyView<'a> for TimeArrayView<'a, T> {
    fn from_bytes(element: ElementType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
        let unit = element.unit().unwrap_or(TimeUnit::NANOSECOND);
        Ok(Self { view: ArrayView::from_bytes(bytes, shape)?, unit })
    }

    fn element_type(&self) -> ElementType {
        T::in_unit(self.unit)
    }

    fn shape(&self) -> &'a [usize] {
        self.view.shape()
    }

    fn len(&self) -> usize {
        self.view.len()
    }

    fn as_bytes(&self) -> &'a [u8] {
        self.view.as_bytes()
    }

    fn as_typed<U: ShElement>(&self) -> Option<ArrayView<'a, U>> {
        if is_element::<U>(self.element_type()) { self.view.as_typed() } else { None }
    }
}
