//! Whether an element type is known at compile time.

use super::ShElement;
use super::dtype::DType;

/// Stands in for an element type that is chosen at run time.
///
/// `Writer<Dyn>` is [`AnyWriter`](crate::AnyWriter), and each of its values says its own dtype.
/// `SharedArray<Dyn>` is [`AnySharedArray`](crate::AnySharedArray), whose file says the dtype. No
/// value of this type exists.
#[derive(Clone, Copy, Debug)]
pub enum Dyn {}

/// An element type, or [`Dyn`] where it is chosen at run time.
///
/// Implemented for [`Dyn`] and for every [`ShElement`]; the trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an element type nor `Dyn`",
    label = "not an element type",
    note = "elements are bool, i8 to i64, u8 to u64, f16, bf16, f32, f64, Complex<f32>, Complex<f64>, LongDouble and \
            ComplexLongDouble; the trait is sealed",
    note = "for a struct: share each of its fields as an array of its own, or its bytes as `u8` with one more axis",
    note = "for a dtype that is known only at run time: `Dyn`, as in `AnyWriter`, which is `Writer<Dyn>`, or `AnySharedArray`"
)]
pub trait Typing: sealed::Sealed {
    /// The dtype, if it is known at compile time.
    const DTYPE: Option<DType>;
}

impl<T: ShElement> Typing for T {
    const DTYPE: Option<DType> = Some(<T as ShElement>::DTYPE);
}

impl Typing for Dyn {
    const DTYPE: Option<DType> = None;
}

mod sealed {
    use super::Dyn;
    use crate::element::ShElement;
    use crate::element::dtype::DType;

    /// Closes [`Typing`](super::Typing).
    pub trait Sealed {
        /// What a handle keeps of its dtype: nothing, where the type says it.
        type Known: Copy + Send + Sync;

        /// What to keep of `dtype`, which is the type's own where it has one.
        fn known(dtype: DType) -> Self::Known;

        /// The dtype that was kept.
        fn dtype_of(known: Self::Known) -> DType;
    }

    impl<T: ShElement> Sealed for T {
        type Known = ();

        #[inline(always)]
        fn known(_: DType) {}

        #[inline(always)]
        fn dtype_of((): ()) -> DType {
            T::DTYPE
        }
    }

    impl Sealed for Dyn {
        type Known = DType;

        #[inline(always)]
        fn known(dtype: DType) -> DType {
            dtype
        }

        #[inline(always)]
        fn dtype_of(known: DType) -> DType {
            known
        }
    }
}
