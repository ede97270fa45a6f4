//! Whether an element type is known at compile time.

use super::ShElement;
use super::dtype::DType;
use super::element_type::ElementType;

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
    note = "elements are bool, i8 to i64, u8 to u64, f16, bf16, f32, f64, Complex<f32>, Complex<f64>, LongDouble, \
            ComplexLongDouble, DateTime64, TimeDelta64, F8E4M3FN, F8E5M2, F8E8M0FNU, FixedBytes, FixedText and Void; \
            the trait is sealed",
    note = "for a struct: `#[derive(Clone, Copy, ndsharray::Record)] #[repr(C)]`, with the feature `derive`",
    note = "for a dtype that is known only at run time: `Dyn`, as in `AnyWriter`, which is `Writer<Dyn>`, or `AnySharedArray`"
)]
pub trait Typing: sealed::Sealed {
    /// The dtype, if it is known at compile time.
    const DTYPE: Option<DType>;

    /// The dtype with its parameter, if it is known at compile time.
    const ELEMENT: Option<ElementType>;
}

impl<T: ShElement> Typing for T {
    const DTYPE: Option<DType> = Some(<T as ShElement>::DTYPE);
    const ELEMENT: Option<ElementType> = Some(<T as ShElement>::ELEMENT);
}

impl Typing for Dyn {
    const DTYPE: Option<DType> = None;
    const ELEMENT: Option<ElementType> = None;
}

mod sealed {
    use super::Dyn;
    use crate::element::dtype::DType;
    use crate::element::element_type::ElementType;
    use crate::element::record::layout::RecordLayout;
    use crate::element::{ShElement, is_element};

    /// Closes [`Typing`](super::Typing).
    pub trait Sealed {
        /// What a handle keeps of its element type: nothing, where the Rust type says it.
        type Known: Copy + Send + Sync;

        /// What to keep of `element`, which is of the Rust type where there is one.
        fn known(element: ElementType) -> Self::Known;

        /// The dtype of what was kept.
        fn dtype_of(known: Self::Known) -> DType;

        /// What a record consists of, where the Rust type is one.
        const RECORD: Option<&'static RecordLayout>;

        /// Whether arrays of `element` have such elements.
        fn takes(element: ElementType) -> bool;

        /// Bytes of one element.
        fn size_of(known: Self::Known) -> usize;
    }

    impl<T: ShElement> Sealed for T {
        type Known = ();
        const RECORD: Option<&'static RecordLayout> = T::RECORD;

        #[inline(always)]
        fn known(_: ElementType) {}

        #[inline(always)]
        fn dtype_of((): ()) -> DType {
            T::DTYPE
        }

        fn takes(element: ElementType) -> bool {
            is_element::<T>(element)
        }

        #[inline(always)]
        fn size_of((): ()) -> usize {
            size_of::<T>()
        }
    }

    impl Sealed for Dyn {
        type Known = ElementType;
        const RECORD: Option<&'static RecordLayout> = None;

        #[inline(always)]
        fn known(element: ElementType) -> ElementType {
            element
        }

        #[inline(always)]
        fn dtype_of(known: ElementType) -> DType {
            known.dtype()
        }

        fn takes(_: ElementType) -> bool {
            true
        }

        #[inline(always)]
        fn size_of(known: ElementType) -> usize {
            known.size()
        }
    }
}
