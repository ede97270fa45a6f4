//! Guards of arrays whose dtype is known at run time.

use super::{Borrowed, Lent};
use crate::element::dispatch::dispatch_dtype;
use crate::element::dtype::DType;
use crate::error::{Error, Poisoned, Result};
use crate::shared::any::AnySharedArray;
use crate::shared::attachment::{Entered, Hold, Kind};
use crate::shared::patience::{Never, Waiting};
use crate::view::ArrayView;
use crate::view::any::AnyArrayView;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What both guards are made of.
struct Elements<'a> {
    hold: Borrowed<'a>,
    dtype: DType,
    shape: &'a [usize],
}

/// Shared access to elements whose dtype is known at run time: they do not change while this lives. From [`AnySharedArray::read`].
#[must_use = "the lock is given back when the guard is dropped"]
pub struct AnyReadGuard<'a>(Elements<'a>);

/// Exclusive access to elements whose dtype is known at run time: nobody else sees or changes them while this lives. From [`AnySharedArray::write`].
///
/// If the thread panics while the guard lives, the array is poisoned.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct AnyWriteGuard<'a> {
    elements: Elements<'a>,
    /// Whether the bytes of bools may be others than 0 and 1, as they have been lent to be changed.
    is_unchecked: bool,
}

impl Elements<'_> {
    fn as_bytes(&self) -> &[u8] {
        let memory = self.hold.at().memory();
        // SAFETY: the hold keeps those who change elements out until it is dropped, after the last use of the slice, which borrows `self`; see
        // `lock`. Where the hold is a writer's, its mutable slice borrows the guard mutably. Those who change elements without the lock do so in
        // unsafe code, which promises not to.
        unsafe { memory.bytes(0..memory.byte_len()) }.unwrap_or(&[])
    }

    /// Whether all elements are values of the dtype.
    fn check(&self) -> Result<()> {
        AnyArrayView::from_bytes(self.dtype, self.as_bytes(), self.shape)?;
        Ok(())
    }

    /// The array. Its elements have been [checked](Self::check) since they were last changed.
    fn view(&self) -> AnyArrayView<'_> {
        let bytes = self.as_bytes();
        dispatch_dtype!(self.dtype, T => {
            // SAFETY: the bytes are `len` elements of the array's dtype, which begin at a multiple of 64 in a mapping that starts at a page. They are values
            // of `T`: for bool they were checked under this hold, for all others any bytes are. They are borrowed for as long as the slice.
            let elements = unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast::<T>(), bytes.len() / size_of::<T>()) };
            match ArrayView::new(elements, self.shape) {
                Ok(view) => view.into(),
                Err(error) => unreachable!("an array has as many elements as its shape: {error}"),
            }
        })
    }
}

impl<'a> AnyReadGuard<'a> {
    fn new(hold: Borrowed<'a>, array: &'a AnySharedArray) -> Result<Self> {
        let elements = Elements { hold, dtype: array.dtype(), shape: array.shape() };
        elements.check()?;
        Ok(Self(elements))
    }

    /// The array, with its shape.
    #[must_use]
    pub fn view(&self) -> AnyArrayView<'_> {
        self.0.view()
    }

    /// The elements' bytes, in C order and this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'a> AnyWriteGuard<'a> {
    fn new(hold: Borrowed<'a>, array: &'a AnySharedArray) -> Result<Self> {
        let elements = Elements { hold, dtype: array.dtype(), shape: array.shape() };
        elements.check()?;
        Ok(Self { elements, is_unchecked: false })
    }

    /// The array, with its shape.
    ///
    /// # Panics
    ///
    /// When a byte of a `bool` array is neither 0 nor 1, because [`as_mut_bytes`](Self::as_mut_bytes) was used to make it so.
    #[must_use]
    #[track_caller]
    pub fn view(&self) -> AnyArrayView<'_> {
        if self.is_unchecked
            && let Err(error) = self.elements.check()
        {
            wrong(&error);
        }
        self.elements.view()
    }

    /// The elements' bytes, in C order and this machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.elements.as_bytes()
    }

    /// The elements' bytes, in C order and this machine's byte order, to be changed. For `bool` each must be 0 or 1 in the end: whoever takes the array next gets
    /// [`Error::InvalidBool`] otherwise.
    #[must_use]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        self.is_unchecked = self.elements.dtype == DType::Bool;
        let memory = self.elements.hold.at().memory();
        // SAFETY: the hold has the array alone until it is dropped, after the last use of the slice, which borrows the guard mutably; see `lock`, and
        // `Elements::as_bytes`.
        unsafe { memory.bytes_mut(0..memory.byte_len()) }.unwrap_or(&mut [])
    }
}

macro_rules! tell_what_they_are {
    ($($guard:ident: $elements:tt)*) => {$(
        impl<'a> $guard<'a> {
            /// The element type.
            #[must_use]
            pub fn dtype(&self) -> DType {
                self.$elements.dtype
            }

            /// The length of each axis.
            #[must_use]
            pub fn shape(&self) -> &'a [usize] {
                self.$elements.shape
            }
        }

        impl fmt::Debug for $guard<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($guard))
                    .field("dtype", &self.dtype())
                    .field("shape", &self.shape())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

tell_what_they_are!(AnyReadGuard: 0 AnyWriteGuard: elements);

/// # The elements
impl AnySharedArray {
    /// Waits until nobody changes the array, and lends the elements to be looked at; see [`SharedArray::read`](crate::SharedArray::read).
    ///
    /// ```
    /// # use ndsharray::{AnyArrayView, ArrayOptions, DType};
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let options = ArrayOptions::new().dir(dir.path());
    /// let array = options.create_any("doc-any-guards", DType::U8, &[2, 3], |_| ())?;
    /// array.write()?.as_mut_bytes()[5] = 7;
    /// match array.read()?.view() {
    ///     AnyArrayView::U8(view) => assert_eq!(view[[1, 2]], 7),
    ///     other => panic!("{}", other.dtype()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`SharedArray::read`](crate::SharedArray::read); [`Error::Poisoned`] becomes a guard through [`Poisoned::into_any_read_guard`].
    pub fn read(&self) -> Result<AnyReadGuard<'_>> {
        let entered = self.at.enter(Kind::Read, &mut Waiting::for_ever(self.at.sleepers()));
        match self.entered(Kind::Read, entered)? {
            Some(hold) => AnyReadGuard::new(hold, self),
            None => Err(Error::Contended { attempts: 0 }),
        }
    }

    /// [`read`](Self::read) without waiting: `None` when a writer has the array, or is waiting for it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_read(&self) -> Result<Option<AnyReadGuard<'_>>> {
        let hold = self.entered(Kind::Read, self.at.enter(Kind::Read, &mut Never))?;
        hold.map(|hold| AnyReadGuard::new(hold, self)).transpose()
    }

    /// [`read`](Self::read), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, timeout: Duration) -> Result<Option<AnyReadGuard<'_>>> {
        let entered = self.at.enter(Kind::Read, &mut Waiting::at_most(timeout, self.at.sleepers()));
        self.entered(Kind::Read, entered)?.map(|hold| AnyReadGuard::new(hold, self)).transpose()
    }

    /// Waits until nobody has the array, and lends the elements to be changed; see [`SharedArray::write`](crate::SharedArray::write).
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Poisoned`] becomes a guard through [`Poisoned::into_any_write_guard`].
    pub fn write(&self) -> Result<AnyWriteGuard<'_>> {
        let entered = self.at.enter(Kind::Write, &mut Waiting::for_ever(self.at.sleepers()));
        match self.entered(Kind::Write, entered)? {
            Some(hold) => AnyWriteGuard::new(hold, self),
            None => Err(Error::Contended { attempts: 0 }),
        }
    }

    /// [`write`](Self::write) without waiting: `None` when somebody has the array.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn try_write(&self) -> Result<Option<AnyWriteGuard<'_>>> {
        let hold = self.entered(Kind::Write, self.at.try_enter_alone(&mut Never))?;
        hold.map(|hold| AnyWriteGuard::new(hold, self)).transpose()
    }

    /// [`write`](Self::write), waiting no longer than `timeout`: `None` when that was not enough.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_timeout(&self, timeout: Duration) -> Result<Option<AnyWriteGuard<'_>>> {
        let entered = self.at.enter(Kind::Write, &mut Waiting::at_most(timeout, self.at.sleepers()));
        self.entered(Kind::Write, entered)?.map(|hold| AnyWriteGuard::new(hold, self)).transpose()
    }

    fn entered(&self, kind: Kind, entered: Entered) -> Result<Option<Borrowed<'_>>> {
        match entered {
            Entered::Sound => Ok(Some(Hold::of(&*self.at, kind))),
            Entered::Late => Ok(None),
            Entered::Poisoned => Err(Error::Poisoned(Poisoned::new(Hold::of(Arc::clone(&self.at), kind)))),
            Entered::Refused => Err(self.at.lock().err().unwrap_or(Error::Forked)),
        }
    }
}

/// # For arrays whose dtype is known at run time
impl Poisoned {
    /// The guard that [`AnySharedArray::read`] would have returned.
    ///
    /// # Errors
    ///
    /// As [`into_read_guard`](Self::into_read_guard).
    pub fn into_any_read_guard(self, array: &AnySharedArray) -> Result<AnyReadGuard<'_>> {
        AnyReadGuard::new(self.hold_any(array, Kind::Read)?, array)
    }

    /// The guard that [`AnySharedArray::write`] would have returned.
    ///
    /// # Errors
    ///
    /// As [`into_write_guard`](Self::into_write_guard).
    pub fn into_any_write_guard(self, array: &AnySharedArray) -> Result<AnyWriteGuard<'_>> {
        AnyWriteGuard::new(self.hold_any(array, Kind::Write)?, array)
    }

    fn hold_any(self, array: &AnySharedArray, kind: Kind) -> Result<Borrowed<'_>> {
        match self.into_held::<Lent>() {
            Some(hold) => super::poisoned::through(hold, &array.at, kind),
            None => Err(super::poisoned::another()),
        }
    }
}

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "the caller's own bytes, better told than ignored")]
fn wrong(error: &Error) -> ! {
    panic!("the elements cannot be viewed: {error}")
}
