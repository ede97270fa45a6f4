//! A view whose dtype is known at run time only.

use super::ArrayView;
use super::error::ViewError;
use super::look::AnyView;
use super::record::RecordView;
use super::time::TimeArrayView;
use super::wide::WideArrayView;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::fixed::{FixedBytes, FixedText, Void};
use crate::element::record::record_type::RecordType;
use crate::element::table::for_each_dtype;
use crate::element::time::unit::TimeUnit;
use crate::element::time::{DateTime64, TimeDelta64};

/// The view that the enum has of a dtype, by the rule of the dtype's parameter.
macro_rules! view_of {
    (unit, $lifetime:lifetime, $ty:ty) => { TimeArrayView<$lifetime, $ty> };
    (bytes, $lifetime:lifetime, $ty:ty) => { WideArrayView<$lifetime> };
    (chars, $lifetime:lifetime, $ty:ty) => { WideArrayView<$lifetime> };
    ($rule:ident, $lifetime:lifetime, $ty:ty) => { ArrayView<$lifetime, $ty> };
}

/// Converts a typed view, where the dtype alone says its type.
macro_rules! convert_one {
    (plain, $ty:ty, $variant:ident) => { convert_one!(@ $ty, $variant); };
    (format, $ty:ty, $variant:ident) => { convert_one!(@ $ty, $variant); };
    (unit, $ty:ty, $variant:ident) => {
        impl<'a> From<TimeArrayView<'a, $ty>> for AnyArrayView<'a> {
            fn from(view: TimeArrayView<'a, $ty>) -> Self {
                Self::$variant(view)
            }
        }
    };
    (bytes, $ty:ty, $variant:ident) => {};
    (chars, $ty:ty, $variant:ident) => {};
    (@ $ty:ty, $variant:ident) => {
        impl<'a> From<ArrayView<'a, $ty>> for AnyArrayView<'a> {
            fn from(view: ArrayView<'a, $ty>) -> Self {
                Self::$variant(view)
            }
        }
    };
}

/// Converts a view of times, in the unit that arrays have by default.
macro_rules! convert_times {
    ($($ty:ident)*) => {$(
        impl<'a> From<ArrayView<'a, $ty>> for AnyArrayView<'a> {
            /// Counted in nanoseconds: a [`TimeArrayView`] says another unit.
            fn from(view: ArrayView<'a, $ty>) -> Self {
                TimeArrayView::new(view, TimeUnit::NANOSECOND).into()
            }
        }
    )*};
}

convert_times!(DateTime64 TimeDelta64);

/// Converts a view of elements of any width.
macro_rules! convert_wide {
    ($($ty:ident $variant:ident)*) => {$(
        impl<'a, const N: usize> From<ArrayView<'a, $ty<N>>> for AnyArrayView<'a> {
            fn from(view: ArrayView<'a, $ty<N>>) -> Self {
                match WideArrayView::from_bytes($ty::<N>::ELEMENT, view.shape(), view.as_bytes()) {
                    Ok(view) => Self::$variant(view),
                    Err(error) => unreachable!("a view's bytes are those of its elements: {error}"),
                }
            }
        }
    )*};
}

convert_wide!(FixedBytes Bytes FixedText Text Void Void);

/// Builds the enum and its conversions from the table of dtypes.
macro_rules! define_any_view {
    (
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        /// An [`ArrayView`] of any dtype: match on it, or ask with [`as_typed`](Self::as_typed).
        ///
        /// Of times it says the unit too ([`TimeArrayView`]). Elements of a width that is known at
        /// run time alone are looked at as bytes ([`WideArrayView`]).
        ///
        /// # Example
        ///
        /// ```
        /// use ndsharray::{AnyArrayView, ArrayView};
        ///
        /// fn total(view: AnyArrayView<'_>) -> Option<f64> {
        ///     match view {
        ///         AnyArrayView::F64(view) => Some(view.iter().sum()),
        ///         AnyArrayView::U8(view) => Some(view.iter().map(|&n| f64::from(n)).sum()),
        ///         _ => None,
        ///     }
        /// }
        ///
        /// let view = ArrayView::new(&[1_u8, 2, 3, 4], &[2, 2])?;
        /// assert_eq!(total(view.into()), Some(10.0));
        /// # Ok::<(), ndsharray::ViewError>(())
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum AnyArrayView<'a> {
            $(
                $(#[$doc])*
                $variant(view_of!($rule, 'a, $ty)),
            )*
            /// Records, whose fields are found by name.
            Record(RecordView<'a>),
        }

        $(convert_one!($rule, $ty, $variant);)*

        impl<'a> AnyArrayView<'a> {
            fn of_dtype(element: ElementType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
                match element.dtype() {
                    $(DType::$variant => AnyView::from_bytes(element, shape, bytes).map(Self::$variant),)*
                    DType::Record => Err(ViewError::NoRecordType),
                }
            }
        }
    };
}

for_each_dtype!(define_any_view);

/// Evaluates an expression with the typed view inside: `with_view!(any, view => view.len())`.
macro_rules! with_view {
    ($any:expr, $view:ident => $body:expr) => {
        for_each_dtype!(with_view_arms, [$any, $view, $body])
    };
}

/// The `match` behind `with_view`.
macro_rules! with_view_arms {
    (
        [$any:expr, $view:ident, $body:expr]
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        match $any {
            $(AnyArrayView::$variant($view) => $body,)*
            AnyArrayView::Record($view) => $body,
        }
    };
}

impl<'a> From<RecordView<'a>> for AnyArrayView<'a> {
    fn from(view: RecordView<'a>) -> Self {
        Self::Record(view)
    }
}

impl<'a> AnyArrayView<'a> {
    /// Looks at bytes as an array of this element type and shape.
    ///
    /// The bytes are the elements in C order and this machine's byte order. Costs nothing per
    /// element, except for `bool`, whose bytes are all looked at.
    ///
    /// # Errors
    ///
    /// - [`ViewError::Length`] when there are more or fewer bytes than the array takes.
    /// - [`ViewError::Misaligned`] when the first byte does not lie where an element may lie.
    /// - [`ViewError::InvalidBool`] for a `bool` that is neither 0 nor 1.
    /// - [`ViewError::Shape`] when no array has this shape: too many axes, or too large.
    /// - [`ViewError::NoRecordType`] for records, which [`RecordView::new`] takes.
    ///
    /// ```
    /// use ndsharray::{AnyArrayView, DType, ElementType};
    ///
    /// let view = AnyArrayView::from_bytes(ElementType::from(DType::U8), &[2, 2], &[1, 2, 3, 4])?;
    /// assert_eq!(view.as_typed::<u8>().unwrap()[[1, 0]], 3);
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    pub fn from_bytes(element: impl Into<ElementType>, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, ViewError> {
        Self::of_dtype(element.into(), shape, bytes)
    }

    /// As [`from_bytes`](Self::from_bytes), with what the elements consist of if they are records.
    pub(crate) fn of(
        element: ElementType,
        record: Option<&'a RecordType>,
        shape: &'a [usize],
        bytes: &'a [u8],
    ) -> Result<Self, ViewError> {
        match record {
            Some(record) => RecordView::new(record, shape, bytes).map(Self::Record),
            None => Self::from_bytes(element, shape, bytes),
        }
    }

    /// What the elements are.
    ///
    /// ```
    /// # use ndsharray::{AnyArrayView, ArrayView, DType};
    /// let view = AnyArrayView::from(ArrayView::new(&[true], &[])?);
    /// assert_eq!(view.dtype(), DType::Bool);
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.element_type().dtype()
    }

    /// What the elements are, with the parameter of their dtype.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        with_view!(self, view => AnyView::element_type(view))
    }

    /// The length of each axis, in elements; `[]` for a 0-d array.
    #[must_use]
    pub fn shape(&self) -> &'a [usize] {
        with_view!(self, view => AnyView::shape(view))
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// How many elements there are, over all axes.
    #[must_use]
    pub fn len(&self) -> usize {
        with_view!(self, view => AnyView::len(view))
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as they lie in memory, in this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        with_view!(self, view => AnyView::as_bytes(view))
    }

    /// The view inside, when its elements are `T`. Costs nothing per element.
    ///
    /// ```
    /// # use ndsharray::{AnyArrayView, ArrayView};
    /// let any = AnyArrayView::from(ArrayView::new(&[1.5_f32], &[1])?);
    /// assert_eq!(any.as_typed::<f32>().map(|view| view[[0]]), Some(1.5));
    /// assert_eq!(any.as_typed::<f64>(), None);
    /// # Ok::<(), ndsharray::ViewError>(())
    /// ```
    #[must_use]
    pub fn as_typed<T: ShElement>(&self) -> Option<ArrayView<'a, T>> {
        with_view!(self, view => AnyView::as_typed(view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::dispatch::dispatch_dtype;
    use proptest::prelude::*;

    static_assertions::assert_impl_all!(AnyArrayView<'static>: Copy, Send, Sync);

    /// Two elements of any dtype, at an address that suits it.
    #[repr(align(64))]
    struct Aligned([u8; 64]);

    fn is_typed<T: ShElement>(any: &AnyArrayView<'_>) -> bool {
        any.as_typed::<T>().is_some_and(|view| view.as_bytes() == any.as_bytes() && view.shape() == any.shape())
    }

    #[test]
    fn wrong_bools_are_refused() {
        let answer = AnyArrayView::from_bytes(DType::Bool, &[4], &[0, 1, 2, 3]);
        assert_eq!(answer, Err(ViewError::InvalidBool { index: 2, value: 2 }));
    }

    #[test]
    fn debug_names_the_dtype() {
        let any = AnyArrayView::from_bytes(DType::U8, &[2], &[1, 2]);
        assert_eq!(format!("{any:?}"), "Ok(U8(ArrayView { shape: [2], data: [1, 2] }))");
    }

    proptest! {
        #[test]
        fn every_dtype_is_itself_and_no_other(
            dtype in proptest::sample::select(DType::ALL),
            other in proptest::sample::select(DType::ALL),
        ) {
            let memory = Aligned([1; 64]);
            let bytes = &memory.0[..2 * dtype.size()];
            let any = AnyArrayView::from_bytes(dtype, &[1, 2], bytes).unwrap();
            prop_assert_eq!(any.dtype(), dtype);
            prop_assert_eq!(any.shape(), [1, 2]);
            prop_assert_eq!((any.ndim(), any.len(), any.is_empty()), (2, 2, false));
            prop_assert_eq!(any.as_bytes(), bytes);
            prop_assert!(dispatch_dtype!(dtype, T => is_typed::<T>(&any)));
            prop_assert_eq!(dispatch_dtype!(other, T => is_typed::<T>(&any)), dtype == other);
        }

        #[test]
        fn length_and_alignment_are_checked(
            dtype in proptest::sample::select(DType::ALL),
            start in 0_usize..16,
            len in 0_usize..=48,
            axis in 0_usize..=3,
        ) {
            let memory = Aligned([0; 64]);
            let answer = AnyArrayView::from_bytes(dtype, core::slice::from_ref(&axis), &memory.0[start..start + len]);
            let fits = len == axis * dtype.size() && (len == 0 || start.is_multiple_of(dtype.align()));
            prop_assert_eq!(answer.is_ok(), fits, "{:?}", answer);
        }
    }
}
