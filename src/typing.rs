//! Whether an element type is known at compile time.

use crate::dtype::DType;
use crate::element::ShElement;

/// Stands in for an element type that is chosen at run time.
///
/// `Writer<Dyn>` is [`AnyWriter`](crate::AnyWriter): each of its values says its own dtype. No value of this type exists.
#[derive(Clone, Copy, Debug)]
pub enum Dyn {}

/// An element type, or [`Dyn`] where it is chosen at run time.
///
/// Implemented for [`Dyn`] and for every [`ShElement`]; the trait is sealed.
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
    /// Closes [`Typing`](super::Typing).
    pub trait Sealed {}

    impl<T: crate::element::ShElement> Sealed for T {}
    impl Sealed for super::Dyn {}
}
