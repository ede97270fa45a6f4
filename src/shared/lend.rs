//! A shared array whose dtype is known at run time, and a hold on its lock that borrows nothing: for callers that cannot hand out typed slices
//! with a lifetime, such as bindings for other languages.

use super::SharedArray;
use super::attachment::{Attachment, Entered, Hold, Kind};
use super::guards::atomic::AtomicGuard;
use super::make;
use super::memory::ArrayMemory;
use super::patience::{Never, WhileAsked};
use crate::element::ShElement;
use crate::element::atomic::AtomicElement;
use crate::element::dtype::DType;
use crate::error::{Error, Result};
use crate::files::mapping::DetachedMemory;
use crate::options::ArrayOptions;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A [`SharedArray`] whose dtype is known at run time.
///
/// Its elements can be reached through [`read`](Self::read) and [`write`](Self::write), as views and bytes; through [`typed`](Self::typed), which gives another handle's worth of
/// methods over the same mapping and lock; or by address, under a [`hold`](Self::hold).
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let options = ndsharray::ArrayOptions::new().dir(dir.path());
/// # let _made = options.create::<f32>("doc-any-array", &[2, 3])?;
/// let array = options.open_any("doc-any-array")?; // or `AnySharedArray::open`, with the defaults
/// if array.dtype() == ndsharray::DType::F32 {
///     array.typed::<f32>()?.write()?[4] = 1.5;
/// }
/// # Ok(())
/// # }
/// ```
///
/// A clone is the same handle once more.
#[derive(Clone)]
pub struct AnySharedArray {
    pub(super) at: Arc<Attachment>,
    dtype: DType,
    shape: Vec<usize>,
    name: String,
}

/// How an array is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// As by [`SharedArray::read`]: together with others who only look.
    Read,
    /// As by [`SharedArray::write`]: alone.
    Write,
    /// As by [`SharedArray::atomic`]: together with others who access single elements.
    Atomic,
}

/// The lock of an array, held until this is dropped. From [`AnySharedArray::hold`]; it keeps the array mapped.
#[must_use = "the lock is given back when the hold is dropped"]
pub struct ArrayLockGuard {
    at: Arc<Attachment>,
    /// `None` for an array without a lock, which can be held for atomic access alone.
    lock: Option<Hold<Arc<Attachment>>>,
    dtype: DType,
    poisoned: bool,
}

static_assertions::assert_impl_all!(AnySharedArray: Send, Sync);
static_assertions::assert_impl_all!(ArrayLockGuard: Send, Sync);

impl AnySharedArray {
    /// Makes the array `name`, all zeros, with default [`ArrayOptions`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`].
    pub fn create(name: &str, dtype: DType, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().create_any(name, dtype, shape, |_| ())
    }

    /// Opens the array `name`, whatever its dtype.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open`].
    pub fn open(name: &str) -> Result<Self> {
        ArrayOptions::new().open_any(name)
    }

    /// The array, if its elements are `T`: the same handle once more, with the same place at the lock.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`].
    pub fn typed<T: ShElement>(&self) -> Result<SharedArray<T>> {
        if self.dtype != T::DTYPE {
            return Err(Error::DTypeMismatch { expected: T::DTYPE, found: self.dtype });
        }
        Ok(SharedArray {
            at: Arc::clone(&self.at),
            shape: self.shape.clone(),
            name: self.name.clone(),
            element: std::marker::PhantomData,
        })
    }

    /// Takes the lock, waiting for as long as `go_on` says so; it is asked every ten milliseconds, and not when the lock is free. `None` when it said no.
    ///
    /// A poisoned array is held like any other; [`ArrayLockGuard::is_poisoned`] tells.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock, unless it is for atomic access; [`Error::Forked`].
    pub fn hold(&self, kind: LockMode, go_on: impl FnMut() -> bool) -> Result<Option<ArrayLockGuard>> {
        self.enter(kind, |at, kind| at.enter(kind, &mut WhileAsked::new(at.sleepers(), go_on)))
    }

    /// [`hold`](Self::hold) without waiting: `None` when somebody is in the way.
    ///
    /// # Errors
    ///
    /// As [`hold`](Self::hold).
    pub fn try_hold(&self, kind: LockMode) -> Result<Option<ArrayLockGuard>> {
        self.enter(kind, |at, kind| match kind {
            Kind::Write => at.try_enter_alone(&mut Never),
            other => at.enter(other, &mut Never),
        })
    }

    fn enter(
        &self,
        kind: LockMode,
        enter: impl FnOnce(&Attachment, Kind) -> Entered,
    ) -> Result<Option<ArrayLockGuard>> {
        let at = Arc::clone(&self.at);
        let kind = match kind {
            LockMode::Read => Kind::Read,
            LockMode::Write => Kind::Write,
            LockMode::Atomic if !at.has_lock() => {
                at.check_process()?;
                return Ok(Some(ArrayLockGuard { at, lock: None, dtype: self.dtype, poisoned: false }));
            }
            LockMode::Atomic => Kind::Atomic,
        };
        let entered = enter(&at, kind);
        match entered {
            Entered::Sound | Entered::Poisoned => {
                let lock = Some(Hold::of(Arc::clone(&at), kind));
                Ok(Some(ArrayLockGuard { at, lock, dtype: self.dtype, poisoned: entered == Entered::Poisoned }))
            }
            Entered::Late => Ok(None),
            Entered::Refused => Err(at.lock().err().unwrap_or(Error::Forked)),
        }
    }

    /// Where the elements begin, in this process: valid for reads and writes of [`byte_len`](Self::byte_len) bytes as long as the handle, or an
    /// [`ArrayLockGuard`] of it, lives. What others do there meanwhile is for the lock, or the caller, to say.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.at.memory().as_mut_ptr()
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.at.memory().byte_len()
    }

    /// Whether a writer died or panicked while it had the array.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::is_poisoned`].
    pub fn is_poisoned(&self) -> Result<bool> {
        Ok(self.at.lock()?.is_poisoned())
    }

    /// Declares the elements sound again.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::clear_poison`].
    pub fn clear_poison(&self) -> Result<()> {
        self.at.lock()?.clear_poison();
        Ok(())
    }

    /// Has this handle see the elements in another shape; see [`SharedArray::reshape`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::reshape`].
    pub fn reshape(&mut self, shape: &[usize]) -> Result<()> {
        self.shape = self.at.reshaped(self.dtype, shape)?;
        Ok(())
    }

    /// Removes the array's name, if this is still the array that has it. Whoever has it open, this handle included, can go on with it.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::unlink`].
    pub fn unlink(&self) -> Result<()> {
        make::unlink(&self.at, &self.name)
    }

    /// The length of each axis, as this handle sees it.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The array's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The elements of an array, mapped once more, to be lent by address under a hold and taken back by [`sever`](Self::sever). From [`AnySharedArray::pane`].
pub struct ArrayMapping {
    memory: ArrayMemory,
    path: PathBuf,
}

static_assertions::assert_impl_all!(ArrayMapping: Send, Sync);

impl AnySharedArray {
    /// Maps the elements once more.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an array without a lock; [`Error::Forked`]; [`Error::Io`].
    pub fn pane(&self) -> Result<ArrayMapping> {
        Ok(ArrayMapping { memory: self.at.map_again()?, path: self.at.path().to_owned() })
    }
}

impl ArrayMapping {
    /// Where the elements begin: valid for reads and writes of as many bytes as the array has, as long as the pane lives or until it is severed. The lock says
    /// who may do it when.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.memory.as_mut_ptr()
    }

    /// Parts the addresses lent so far from the array: from now on they lead to private memory, all zeros, valid as long as what is returned lives (`None`: there are no
    /// elements). The pane shows the array at another address. Does not depend on nobody's using the addresses at the same time, in other threads.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the operating system cannot; then nothing has changed.
    pub fn sever(&mut self) -> Result<Option<DetachedMemory>> {
        self.memory.sever(&self.path)
    }
}

impl ArrayLockGuard {
    /// Whether a writer died or panicked while it had the array, so that its elements may be in pieces.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Atomic access to single elements, under a [hold](AnySharedArray::hold) for it.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`]; [`Error::Unsupported`] when the array is held in another way.
    pub fn atomic<T: AtomicElement>(&self) -> Result<AtomicGuard<'_, T>> {
        if self.dtype != T::DTYPE {
            return Err(Error::DTypeMismatch { expected: T::DTYPE, found: self.dtype });
        }
        if self.lock.as_ref().is_none_or(|lock| lock.is(Kind::Atomic)) {
            return Ok(AtomicGuard::under(&self.at));
        }
        Err(Error::Unsupported { what: "atomic access under a lock to read or write" })
    }
}

impl fmt::Debug for AnySharedArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySharedArray")
            .field("name", &self.name)
            .field("dtype", &self.dtype)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ArrayMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayMapping").finish_non_exhaustive()
    }
}

impl fmt::Debug for ArrayLockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayLockGuard").field("poisoned", &self.poisoned).finish_non_exhaustive()
    }
}

impl ArrayOptions {
    /// Makes the array `name`; `fill` is given the bytes of its elements, all zero, before anybody else can see them. For `bool` they must stay 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`]; [`Error::InvalidOption`].
    pub fn create_any(
        &self,
        name: &str,
        dtype: DType,
        shape: &[usize],
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<AnySharedArray> {
        let at = self.at(name, |location| make::create(location, self, dtype, shape, fill))?;
        Ok(AnySharedArray { at: Arc::new(at), dtype, shape: shape.to_vec(), name: name.to_owned() })
    }

    /// Opens the array `name`; see [`AnySharedArray::open`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open`].
    pub fn open_any(&self, name: &str) -> Result<AnySharedArray> {
        let (at, dtype, shape) = self.at(name, |location| make::open(location, self, None))?;
        Ok(AnySharedArray { at: Arc::new(at), dtype, shape, name: name.to_owned() })
    }

    /// Opens the array `name`, or makes it; see [`SharedArray::open_or_create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open_or_create`]; [`Error::InvalidOption`].
    pub fn open_or_create_any(&self, name: &str, dtype: DType, shape: &[usize]) -> Result<AnySharedArray> {
        let at = make::open_or_create(&self.location(name)?, self, dtype, shape)?;
        Ok(AnySharedArray { at: Arc::new(at), dtype, shape: shape.to_vec(), name: name.to_owned() })
    }

    /// Takes a block of memory for an array; see [`SharedArray::attach_raw`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw_any(&self, name: &str, dtype: DType, shape: &[usize]) -> Result<AnySharedArray> {
        let at = self.at(name, |location| make::attach_raw(location, self, dtype, shape))?;
        Ok(AnySharedArray { at: Arc::new(at), dtype, shape: shape.to_vec(), name: name.to_owned() })
    }
}
