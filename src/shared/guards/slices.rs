//! Guards that give access to all elements.

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::typing::{Dyn, Typing};
use crate::error::Result;
use crate::shared::SharedArray;
use crate::shared::held::Borrowed;
use crate::view::ArrayView;
use crate::view::any::AnyArrayView;
use crate::view::cast::check_bools;
use crate::view::error::ViewError;
use crate::view::record::{RecordView, check_records};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// What both guards consist of.
struct Elements<'a, T: Typing> {
    // A pointer and not a slice: a guard that is passed to a function by value may end its life
    // there.
    data: NonNull<u8>,
    /// The number of elements; bytes, if the type is known only at run time.
    len: usize,
    shape: &'a [usize],
    known: T::Known,
    held: Borrowed<'a>,
}

/// Shared access to the elements: they do not change while this lives.
///
/// From [`SharedArray::read`]. Derefs to a slice of all elements in C order, if their type is known
/// at compile time.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ReadGuard<'a, T: Typing>(Elements<'a, T>);

/// Exclusive access to the elements: no other party sees or changes them.
///
/// From [`SharedArray::write`]. Derefs to a mutable slice of all elements in C order, if their type
/// is known at compile time. If the thread panics while the guard lives, the array is poisoned.
///
/// A forked child inherits its parent's guard and must not use it: the memory is the parent's.
/// Accesses do not check that.
#[must_use = "the lock is released when the guard is dropped"]
pub struct WriteGuard<'a, T: Typing>(Elements<'a, T>);

/// A [`ReadGuard`] of elements whose dtype is known at run time.
pub type AnyReadGuard<'a> = ReadGuard<'a, Dyn>;

/// A [`WriteGuard`] of elements whose dtype is known at run time.
pub type AnyWriteGuard<'a> = WriteGuard<'a, Dyn>;

// SAFETY: the pointer stands for a borrowed slice of elements, all of whose types may be sent and
// shared. A handle holds the lock, not a thread.
unsafe impl<T: Typing> Send for Elements<'_, T> {}
// SAFETY: as above; only a guard that is borrowed mutably gives mutable access to its elements.
unsafe impl<T: Typing> Sync for Elements<'_, T> {}

impl<'a, T: Typing> Elements<'a, T> {
    /// `bytes` are all of the array's, borrowed from what `held` points to.
    #[inline(always)]
    fn new(bytes: NonNull<[u8]>, held: Borrowed<'a>, array: &'a SharedArray<T>) -> Self {
        let len = T::ELEMENT.map_or(bytes.len(), |element| bytes.len() / element.size());
        Self { data: bytes.cast(), len, shape: array.shape(), known: T::known(array.element), held }
    }

    #[inline(always)]
    fn dtype(&self) -> DType {
        T::dtype_of(self.known)
    }
}

impl<T: ShElement> Elements<'_, T> {
    #[inline(always)]
    fn as_slice(&self) -> &[T] {
        // SAFETY: the pointer is that of the bytes that the guard was made from, whose mapping and
        // lock last as long as `self`. They are `len` elements, which begin at a multiple of 64 in
        // a mapping that starts at a page. They are values of `T`: bools have been checked, and any
        // bytes are values of the other types. Where they were borrowed mutably, no slice from
        // `as_mut_slice` lives while `self` is borrowed shared.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr().cast::<T>(), self.len) }
    }

    #[inline(always)]
    fn view(&self) -> ArrayView<'_, T> {
        match ArrayView::new(self.as_slice(), self.shape) {
            Ok(view) => view,
            Err(error) => unreachable!("an array has as many elements as its shape: {error}"),
        }
    }
}

impl Elements<'_, Dyn> {
    fn as_bytes(&self) -> &[u8] {
        // SAFETY: pointer and length are those of the bytes that the guard was made from, whose
        // mapping and lock last as long as `self`. Where they were borrowed mutably, no slice from
        // `as_mut_bytes` lives while `self` is borrowed shared.
        unsafe { core::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// The array. Its elements have been checked since their last change.
    fn view(&self) -> AnyArrayView<'_> {
        let bytes = self.as_bytes();
        let view = match self.known.dtype() {
            DType::Record => return self.records(bytes),
            DType::Bool => {
                // SAFETY: the bytes are 0 or 1, as was checked under this lock. They are borrowed
                // for as long as the slice.
                let elements = unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast::<bool>(), bytes.len()) };
                ArrayView::new(elements, self.shape).map(AnyArrayView::from)
            }
            // Looks at no element: any bytes are values of the other types.
            _ => AnyArrayView::from_bytes(self.known, self.shape, bytes),
        };
        match view {
            Ok(view) => view,
            Err(error) => unreachable!("an array is aligned, and has as many elements as its shape: {error}"),
        }
    }

    fn records<'s>(&'s self, bytes: &'s [u8]) -> AnyArrayView<'s> {
        let Some(record) = self.held.at().elements().record_type() else {
            unreachable!("an array of records has their description")
        };
        match RecordView::new(record, self.shape, bytes) {
            Ok(view) => view.into(),
            Err(error) => unreachable!("an array has as many elements as its shape: {error}"),
        }
    }
}

/// Whether all elements are values of `T`, or of the dtype where `T` names none.
///
/// The fields of records are looked at when they are asked for, unless `T` has them.
#[inline(always)]
fn check_all<T: Typing>(dtype: DType, bytes: &[u8]) -> std::result::Result<(), ViewError> {
    match T::RECORD {
        Some(layout) => check_records(layout, bytes),
        None => check(dtype, bytes),
    }
}

/// Whether all elements are values of the dtype.
#[inline(always)]
fn check(dtype: DType, bytes: &[u8]) -> std::result::Result<(), ViewError> {
    // Any bytes are values of every other type.
    if dtype == DType::Bool { check_bools(bytes) } else { Ok(()) }
}

impl<'a, T: Typing> ReadGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(held: Borrowed<'a>, array: &'a SharedArray<T>) -> Result<Self> {
        let memory = held.at().memory();
        // SAFETY: the lock is shared with other readers alone until it is released, after the
        // guard's last use of the elements; see `lock`. Code that changes elements without the lock
        // is unsafe, and promises not to do so meanwhile.
        let bytes = unsafe { memory.bytes(0..memory.byte_len()) }.unwrap_or(&[]);
        check_all::<T>(array.dtype(), bytes)?;
        Ok(Self(Elements::new(NonNull::from(bytes), held, array)))
    }
}

impl<'a, T: Typing> WriteGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(held: Borrowed<'a>, array: &'a SharedArray<T>) -> Result<Self> {
        let memory = held.at().memory();
        // SAFETY: the lock is held exclusively until it is released, after the guard's last use of
        // the elements; see `lock`, and `ReadGuard::new`.
        let bytes = unsafe { memory.bytes_mut(0..memory.byte_len()) }.unwrap_or(&mut []);
        check_all::<T>(array.dtype(), bytes)?;
        Ok(Self(Elements::new(NonNull::from(bytes), held, array)))
    }
}

impl<T: ShElement> WriteGuard<'_, T> {
    /// All elements, in C order, to be changed.
    #[inline]
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: pointer and length are those of the mutable bytes in `new`, whose mapping and
        // lock last as long as `self`, and `self` is borrowed mutably. They are values of `T`; see
        // `Elements::as_slice`.
        unsafe { core::slice::from_raw_parts_mut(self.0.data.as_ptr().cast::<T>(), self.0.len) }
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

impl ReadGuard<'_, Dyn> {
    /// The array, with its shape.
    #[must_use]
    pub fn view(&self) -> AnyArrayView<'_> {
        self.0.view()
    }
}

impl WriteGuard<'_, Dyn> {
    /// The array, with its shape.
    ///
    /// The elements of a `bool` array are checked each time.
    ///
    /// # Panics
    ///
    /// When a byte of a `bool` array is neither 0 nor 1, because
    /// [`as_mut_bytes`](Self::as_mut_bytes) was used to make it so.
    #[must_use]
    #[track_caller]
    pub fn view(&self) -> AnyArrayView<'_> {
        if let Err(error) = check(self.0.known.dtype(), self.0.as_bytes()) {
            wrong(&error);
        }
        self.0.view()
    }

    /// The elements' bytes, in C order and this machine's byte order, to be changed.
    ///
    /// For `bool` each must be 0 or 1 in the end. Otherwise the next guard is
    /// [`Error::InvalidBool`](crate::Error::InvalidBool).
    #[must_use]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        // SAFETY: pointer and length are those of the mutable bytes in `new`, whose mapping and
        // lock last as long as `self`, and `self` is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.0.data.as_ptr(), self.0.len) }
    }
}

macro_rules! look_at_elements {
    ($($guard:ident)*) => {$(
        impl<'a, T: Typing> $guard<'a, T> {
            /// The dtype of the elements.
            #[must_use]
            pub fn dtype(&self) -> DType {
                self.0.dtype()
            }

            /// The length of each axis.
            #[must_use]
            pub fn shape(&self) -> &'a [usize] {
                self.0.shape
            }
        }

        impl<T: ShElement> $guard<'_, T> {
            /// All elements, in C order.
            #[inline]
            #[must_use]
            pub fn as_slice(&self) -> &[T] {
                self.0.as_slice()
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

        impl $guard<'_, Dyn> {
            /// The elements' bytes, in C order and this machine's byte order.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
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

        impl fmt::Debug for $guard<'_, Dyn> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($guard))
                    .field("dtype", &self.dtype())
                    .field("shape", &self.shape())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

look_at_elements!(ReadGuard WriteGuard);

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "the caller's own bytes are at fault, which is reported and not ignored")]
fn wrong(error: &ViewError) -> ! {
    panic!("the elements cannot be viewed: {error}")
}
