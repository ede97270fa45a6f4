//! Guards that lend the elements as a slice.

use super::Borrowed;
use crate::element::ShElement;
use crate::error::Result;
use crate::view::{self, ArrayView};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// What both guards are made of.
struct Elements<'a, T: ShElement> {
    // A pointer and not a slice: a guard that is passed to a function by value may end its life there.
    data: NonNull<T>,
    len: usize,
    shape: &'a [usize],
    _hold: Borrowed<'a>,
}

/// Shared access to the elements: they do not change while this lives. From [`SharedArray::read`](crate::SharedArray::read).
///
/// Derefs to a slice of all elements in C order.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct ReadGuard<'a, T: ShElement>(Elements<'a, T>);

/// Exclusive access to the elements: nobody else sees or changes them while this lives. From [`SharedArray::write`](crate::SharedArray::write).
///
/// Derefs to a mutable slice of all elements in C order. If the thread panics while the guard lives, the array is poisoned.
///
/// A forked child has its parent's guard, and must not use it: the memory is the parent's. That is not checked at each access.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct WriteGuard<'a, T: ShElement>(Elements<'a, T>);

impl<T: ShElement> Elements<'_, T> {
    #[inline(always)]
    fn as_slice(&self) -> &[T] {
        // SAFETY: pointer and length are those of the slice that the guard was made from, whose mapping and lock last as long as `self`. Where it
        // was a mutable one, nobody has it from `as_mut_slice` while `self` is borrowed shared.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    #[inline(always)]
    fn view(&self) -> ArrayView<'_, T> {
        match ArrayView::new(self.as_slice(), self.shape) {
            Ok(view) => view,
            Err(error) => unreachable!("an array has as many elements as its shape: {error}"),
        }
    }
}

impl<'a, T: ShElement> ReadGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(hold: Borrowed<'a>, shape: &'a [usize]) -> Result<Self> {
        // SAFETY: the hold shares the array with others who only look at it, until it is dropped, after the guard's last use of the
        // elements; see `lock`. Those who change elements without the lock do so in unsafe code, which promises not to.
        let bytes = unsafe { hold.at().memory().bytes(0..hold.at().memory().byte_len()) };
        let elements = view::slice::<T>(bytes.unwrap_or(&[]))?;
        Ok(Self(Elements { data: NonNull::from(elements).cast(), len: elements.len(), shape, _hold: hold }))
    }
}

impl<'a, T: ShElement> WriteGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(hold: Borrowed<'a>, shape: &'a [usize]) -> Result<Self> {
        // SAFETY: the hold has the array alone until it is dropped, after the guard's last use of the elements; see `lock`, and `ReadGuard::new`.
        let bytes = unsafe { hold.at().memory().bytes_mut(0..hold.at().memory().byte_len()) };
        let elements = view::slice_mut::<T>(bytes.unwrap_or(&mut []))?;
        let len = elements.len();
        Ok(Self(Elements { data: NonNull::from(elements).cast(), len, shape, _hold: hold }))
    }

    /// All elements, in C order, to be changed.
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: pointer and length are those of the mutable slice in `new`, whose mapping and lock last as long as `self`, and `self` is
        // borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.0.data.as_ptr(), self.0.len) }
    }

    /// The array as an `ndarray` view, to be changed.
    #[cfg(feature = "ndarray")]
    #[must_use]
    pub fn view_mut(&mut self) -> ndarray::ArrayViewMutD<'_, T> {
        let shape = ndarray::IxDyn(self.0.shape);
        match ndarray::ArrayViewMutD::from_shape(shape, self.as_mut_slice()) {
            Ok(view) => view,
            Err(error) => unreachable!("the slice has as many elements as the shape: {error}"),
        }
    }
}

impl<T: ShElement> DerefMut for WriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

macro_rules! look_at_elements {
    ($($guard:ident)*) => {$(
        impl<'a, T: ShElement> $guard<'a, T> {
            /// All elements, in C order.
            #[inline]
            #[must_use]
            pub fn as_slice(&self) -> &[T] {
                self.0.as_slice()
            }

            /// The length of each axis.
            #[must_use]
            pub fn shape(&self) -> &'a [usize] {
                self.0.shape
            }

            /// The array, with its shape.
            #[must_use]
            pub fn view(&self) -> ArrayView<'_, T> {
                self.0.view()
            }

            /// The array as an `ndarray` view.
            #[cfg(feature = "ndarray")]
            #[must_use]
            pub fn to_ndarray(&self) -> ndarray::ArrayViewD<'_, T> {
                self.view().to_ndarray()
            }
        }

        impl<T: ShElement> Deref for $guard<'_, T> {
            type Target = [T];

            #[inline]
            fn deref(&self) -> &[T] {
                self.as_slice()
            }
        }

        impl<T: ShElement + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($guard)).field("view", &self.view()).finish()
            }
        }
    )*};
}

look_at_elements!(ReadGuard WriteGuard);
