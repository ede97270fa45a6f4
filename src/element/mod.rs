//! Which Rust types can be elements of a shared array.

pub(crate) mod atomic;
pub(crate) mod cast;
#[cfg(test)]
pub(crate) mod dispatch;
pub(crate) mod dtype;
pub(crate) mod element_type;
pub(crate) mod fixed;
pub(crate) mod float8;
pub(crate) mod long_double;
pub(crate) mod npy;
pub(crate) mod parse;
pub(crate) mod record;
pub(crate) mod rule;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod time_element;
pub(crate) mod typing;
pub(crate) mod validity;

use dtype::DType;
use element_type::ElementType;
use fixed::{FixedBytes, FixedText, Void};
use rule::CHAR;
use table::for_each_dtype;

/// A type that arrays in shared memory can be made of.
///
/// Implemented for `bool`, `i8` to `i64`, `u8` to `u64`, [`f16`](struct@crate::f16),
/// [`bf16`](struct@crate::bf16), `f32`, `f64`, [`Complex<f32>`](crate::Complex),
/// [`Complex<f64>`](crate::Complex), [`LongDouble`](crate::LongDouble) and
/// [`ComplexLongDouble`](crate::ComplexLongDouble). For times, [`DateTime64`](crate::DateTime64)
/// and [`TimeDelta64`](crate::TimeDelta64). For [`F8E4M3FN`](crate::F8E4M3FN),
/// [`F8E5M2`](crate::F8E5M2) and [`F8E8M0FNU`](crate::F8E8M0FNU). For elements of a fixed width,
/// [`FixedBytes`](crate::FixedBytes), [`FixedText`](crate::FixedText) and [`Void`](crate::Void).
/// And for structs with `#[derive(Record)]`.
///
/// The trait is sealed. Bytes from another process become values of these types; that each of them
/// can bear it is proved here once, or by the derive macro, so that users owe no proof. All of them
/// are free of padding and pointers, have one layout in Rust, C and NumPy, and take any bytes for a
/// value. `bool` alone does not, and is checked whenever it is read.
///
/// # Examples
///
/// ```
/// use ndsharray::{DType, ShElement};
///
/// fn dtype_of<T: ShElement>(_: T) -> DType {
///     T::DTYPE
/// }
/// assert_eq!(dtype_of(1.5_f32), DType::F32);
/// ```
///
/// Other types are refused by the compiler:
///
/// ```compile_fail,E0277
/// use ndsharray::{DType, ShElement};
///
/// fn dtype_of<T: ShElement>(_: T) -> DType {
///     T::DTYPE
/// }
/// dtype_of('x'); // four bytes like f32, but not all of them are a char
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of an array in shared memory",
    label = "not an element type",
    note = "elements are bool, i8 to i64, u8 to u64, f16, bf16, f32, f64, Complex<f32>, Complex<f64>, LongDouble, \
            ComplexLongDouble, DateTime64, TimeDelta64, F8E4M3FN, F8E5M2, F8E8M0FNU, FixedBytes, FixedText and Void; \
            the trait is sealed",
    note = "for a struct: `#[derive(Clone, Copy, ndsharray::Record)] #[repr(C)]`, with the feature `derive`",
    note = "for a dtype that is known only at run time: `AnyWriter`, `AnySharedArray`, `AnyArrayView`"
)]
pub trait ShElement: Copy + Send + Sync + 'static + sealed::Sealed {
    /// The dtype that stands for this type at run time.
    const DTYPE: DType;

    /// The dtype with its parameter, as new arrays of this type have it by default.
    const ELEMENT: ElementType = ElementType::from_dtype(Self::DTYPE);
}

/// Whether arrays of the dtype of `T` have elements of `T`, whatever the dtype's parameter.
#[inline(always)]
pub(crate) const fn decides<T: ShElement>() -> bool {
    !T::DTYPE.rule().tells_types_apart()
}

/// Whether arrays of `element` have elements of the Rust type `T`.
#[inline(always)]
pub(crate) fn is_element<T: ShElement>(element: ElementType) -> bool {
    if decides::<T>() { element.tag() == T::DTYPE.tag() } else { element == T::ELEMENT }
}

mod sealed {
    use super::cast::CastError;
    use super::record::layout::RecordLayout;

    /// Closes [`ShElement`](super::ShElement) to other crates.
    ///
    /// It is implemented for the types of the table, by way of the crate that casts, and for each
    /// [`Record`](super::record::layout::Record), whose maker promises what the casts need.
    pub trait Sealed: Sized {
        /// Whether any bytes are a value.
        const TAKES_ANY_BYTES: bool;

        /// What a record consists of.
        const RECORD: Option<&'static RecordLayout> = None;

        fn bytes(elements: &[Self]) -> &[u8];

        /// Reads bytes as elements. Their number must be a multiple of the item size.
        fn elements(bytes: &[u8]) -> Result<&[Self], CastError>;

        /// As `elements`, to be written through.
        fn elements_mut(bytes: &mut [u8]) -> Result<&mut [Self], CastError>;

        /// The bytes of elements, to be overwritten with any others; `None` where not any will do.
        fn bytes_mut(elements: &mut [Self]) -> Option<&mut [u8]>;

        fn zeroed() -> Self;

        /// The element that consists of these bytes, wherever they lie.
        fn read(bytes: &[u8]) -> Option<Self>;
    }
}

/// Implements `Sealed` for a type of which the crate that casts knows enough.
macro_rules! seal {
    ([$($generic:tt)*] $ty:ty, takes any bytes: $any:expr) => {
        impl<$($generic)*> $crate::element::sealed::Sealed for $ty {
            const TAKES_ANY_BYTES: bool = $any;

            #[inline]
            fn bytes(elements: &[Self]) -> &[u8] {
                ::bytemuck::cast_slice(elements)
            }

            #[inline(always)]
            fn elements(bytes: &[u8]) -> Result<&[Self], $crate::element::cast::CastError> {
                $crate::element::cast::elements(bytes)
            }

            fn elements_mut(bytes: &mut [u8]) -> Result<&mut [Self], $crate::element::cast::CastError> {
                $crate::element::cast::elements_mut(bytes)
            }

            fn bytes_mut(elements: &mut [Self]) -> Option<&mut [u8]> {
                $crate::element::cast::bytes_mut(elements)
            }

            #[inline]
            fn zeroed() -> Self {
                ::bytemuck::Zeroable::zeroed()
            }

            #[inline]
            fn read(bytes: &[u8]) -> Option<Self> {
                $crate::element::cast::read(bytes)
            }
        }
    };
}

/// Implements the trait row by row.
///
/// Checks at compile time what the table claims about each type.
macro_rules! implement {
    (
        $($(#[$doc:meta])* $variant:ident = $tag:literal: $ty:ty, $size:literal, $name:literal $(| $alias:literal)*, $kind:literal, $rule:ident;)*
    ) => {
        $(
            implement_one!($rule, $ty, $variant);

            const _: () = {
                let dtype = <$ty as ShElement>::DTYPE;
                assert!(dtype.tag() != 0, "0 means no dtype");
                assert!(size_of::<$ty>() == dtype.size(), "the table's size is the type's");
                assert!(align_of::<$ty>() == dtype.align());
                assert!(dtype.size().is_multiple_of(dtype.align()), "elements lie side by side");
                assert!(dtype.align() <= MAX_ALIGN);
            };
        )*
    };
}

/// A type with a rule that tells types apart is generic, and implements the trait by itself.
macro_rules! implement_one {
    (bytes, $ty:ty, $variant:ident) => {};
    (chars, $ty:ty, $variant:ident) => {};
    ($rule:ident, $ty:ty, $variant:ident) => {
        seal!([] $ty, takes any bytes: validity::takes_any_bytes(ElementType::from_dtype(DType::$variant)));

        impl ShElement for $ty {
            const DTYPE: DType = DType::$variant;
        }
    };
}

/// Implements the trait for a type whose parameter is a width, in units of so many bytes.
macro_rules! implement_wide {
    ($($name:ident, $variant:ident, $bytes:expr;)*) => {$(
        seal!([const N: usize] $name<N>, takes any bytes: true);

        impl<const N: usize> ShElement for $name<N> {
            const DTYPE: DType = DType::$variant;
            // Evaluated when a program that uses the width is compiled: a width that no array can
            // have is an error then.
            const ELEMENT: ElementType = ElementType::of_width(DType::$variant, N, $bytes);
        }
    )*};
}

implement_wide! {
    FixedBytes, Bytes, 1;
    FixedText, Text, CHAR as usize;
    Void, Void, 1;
}

/// No element needs more than the alignment of a cache line, hence of a page.
const MAX_ALIGN: usize = 64;

for_each_dtype!(implement);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::dispatch::dispatch_dtype;

    fn zero_bytes<T: ShElement>() -> Vec<u8> {
        T::bytes(&[T::zeroed()]).to_vec()
    }

    #[test]
    fn zero_is_a_value_of_every_type() {
        for dtype in DType::ALL {
            assert_eq!(dispatch_dtype!(*dtype, T => zero_bytes::<T>()), vec![0; dtype.size()]);
        }
    }
}
