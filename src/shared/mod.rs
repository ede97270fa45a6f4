//! One array that all parties change in place.

mod access;
mod attachment;
pub(crate) mod guards;
pub(crate) mod held;
pub(crate) mod lend;
pub(crate) mod memory;
pub(crate) mod open;
pub(crate) mod snapshot;
mod waiter;

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::typing::{Dyn, Typing};
use crate::error::{Error, Result};
use crate::options::{ArrayOptions, Options};
use crate::view::{self, shape};
use attachment::Attachment;
use std::fmt;
use std::sync::Arc;

/// A named array in shared memory that everybody who opens it changes in place.
///
/// Where a channel ([`Writer`](crate::Writer), [`Reader`](crate::Reader)) carries one value after
/// another from one party to others, this is one piece of memory for all. Who may touch it when is
/// settled by a reader–writer lock that lies beside the elements and works across processes:
///
/// - [`read`](Self::read) and [`write`](Self::write) lend all elements, as a slice or a view;
/// - [`load`](Self::load), [`store`](Self::store), [`fetch_add`](Self::fetch_add) and their like
///   access one element atomically, and [`atomic`](Self::atomic) lends that access for as long as
///   one likes;
/// - [`part_mut_unlocked`](Self::part_mut_unlocked) and its like are for those who know by other
///   means who is where, and unsafe.
///
/// Taking and giving back a free lock costs some tens of nanoseconds and no system call; who has to
/// wait sleeps. A holder that is killed does not lock the others out: the kernel tells that it is
/// dead, after ten milliseconds at most somebody asks, and if it was a writer, the next one to come
/// gets [`Error::Poisoned`], with the lock in it. A stopped process is not dead.
///
/// # Life-time
///
/// The array lives until somebody removes its name, with [`unlink`](Self::unlink) or
/// [`remove_array`], and the last handle is gone. Dropping a handle closes that handle only: an
/// array without a handle keeps its elements, like a file, until the machine restarts. After
/// `unlink` those who have the array open go on with it; nobody can open it any more, and the name
/// is free. What a maker left that was killed before the array was complete is no array: `open`
/// does not find it, and `create` makes it anew.
///
/// # Threads and forks
///
/// A handle can be shared between threads; guards exclude each other among threads as among
/// processes. A forked child must open the array anew ([`Error::Forked`]).
///
/// # Example
///
/// ```
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use ndsharray::ArrayOptions;
///
/// // In one process (`SharedArray::create` does the same, with the defaults):
/// let options = ArrayOptions::new().dir(dir.path());
/// let matrix = options.create::<f64>("matrix", &[2, 3])?; // all zeros
/// matrix.write()?[4] = 1.5;
///
/// // In another:
/// let matrix = options.open::<f64>("matrix")?;
/// assert_eq!(matrix.read()?.view()[[1, 1]], 1.5);
/// matrix.store(0, -1.0); // one element, atomically
/// matrix.unlink()?;
/// # Ok(())
/// # }
/// ```
pub struct SharedArray<T: Typing> {
    at: Arc<Attachment>,
    known: T::Known,
    shape: Vec<usize>,
    name: String,
}

/// A [`SharedArray`] whose dtype is known at run time.
///
/// Its elements can be reached through [`read`](SharedArray::read) and
/// [`write`](SharedArray::write), as views and bytes; through [`typed`](Self::typed), which gives a
/// typed handle over the same mapping and lock; or by address, under a [`hold`](Self::hold).
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
pub type AnySharedArray = SharedArray<Dyn>;

static_assertions::assert_impl_all!(SharedArray<f32>: Send, Sync);
static_assertions::assert_impl_all!(AnySharedArray: Send, Sync);
static_assertions::assert_impl_all!(Error: Send, Sync, std::error::Error);

impl<T: ShElement> SharedArray<T> {
    /// Makes the array `name`, all zeros, with default [`ArrayOptions`].
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`]; [`Error::OutOfMemory`], before anything is written, as all memory
    /// is reserved; [`Error::TooLarge`]; [`Error::TooManyDims`]; [`Error::InvalidName`];
    /// [`Error::ForeignOwner`] when somebody else has put something under the name;
    /// [`Error::PermissionDenied`]; [`Error::Io`].
    pub fn create(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().create(name, shape)
    }

    /// Makes the array `name` with a copy of `data`, in C order. Whoever opens it finds all of it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); [`Error::ShapeMismatch`] when `data` has not as many elements
    /// as the shape.
    pub fn from_slice(name: &str, shape: &[usize], data: &[T]) -> Result<Self> {
        ArrayOptions::new().from_slice(name, shape, data)
    }

    /// Makes the array `name` with a copy of an [`ndarray`](::ndarray) array, whatever its strides,
    /// in C order.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    #[cfg(feature = "ndarray")]
    pub fn from_array<D: ndarray::Dimension>(name: &str, array: &ndarray::ArrayView<'_, T, D>) -> Result<Self> {
        ArrayOptions::new().from_array(name, array)
    }

    /// Opens the array `name`, or makes it, all zeros, if there is none: for parties that start in
    /// any order.
    ///
    /// This handle sees the elements in `shape`, as after [`reshape`](Self::reshape), whoever has
    /// made it. Of several that come at once one makes the array, and the others wait for it.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// let options = ndsharray::ArrayOptions::new().dir(dir.path());
    /// let counters = options.open_or_create::<u64>("doc-either", &[16])?;
    /// let same = options.open_or_create::<u64>("doc-either", &[16])?;
    /// counters.fetch_add(3, 1);
    /// assert_eq!(same.load(3), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`open`](Self::open), but not [`Error::NotFound`] for the
    /// array; [`Error::AlreadyExists`] when there is something else under the name, or its maker
    /// does not finish; [`Error::ShapeMismatch`] when it has another number of elements.
    pub fn open_or_create(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().open_or_create(name, shape)
    }

    /// Takes the shared memory block `name` for an array of this shape: one that somebody else
    /// made, with elements and no head, such as Python's
    /// `multiprocessing.shared_memory.SharedMemory(name)` or an array of the Python package
    /// SharedArray (`shm://name`).
    ///
    /// The block may be longer than the array, as blocks are rounded up to pages, or hold something
    /// else behind it. It has no lock: `read`, `write` and their like are [`Error::Unsupported`],
    /// single elements can be accessed atomically, all of them through the unsafe functions. It is
    /// never made longer or shorter, and it is unlinked only by [`unlink`](Self::unlink).
    ///
    /// Files of this library are no blocks, and their names are refused: there is a lock, or a
    /// protocol, that such a handle would not know. Attach to a block with one dtype: two handles
    /// of different dtypes mix atomic accesses of different sizes to the same bytes, which hardware
    /// bears and the language's memory model does not describe.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::ShapeMismatch`] when the block is shorter than the array;
    /// [`Error::TooLarge`]; [`Error::TooManyDims`]; [`Error::InvalidName`], also for a file of this
    /// library; [`Error::ForeignOwner`]; [`Error::PermissionDenied`]; [`Error::Io`].
    pub fn attach_raw(name: &str, shape: &[usize]) -> Result<Self> {
        ArrayOptions::new().attach_raw(name, shape)
    }

    /// Removes the array's name, if this is still the array that has it. Others who have it open go
    /// on with it.
    ///
    /// # Errors
    ///
    /// [`Error::PermissionDenied`]; [`Error::InUse`] when another process is stopped while it
    /// removes the name; [`Error::Forked`]; [`Error::Io`].
    pub fn unlink(self) -> Result<()> {
        open::unlink(&self.at, &self.name)
    }
}

impl<T: Typing> SharedArray<T> {
    /// Opens the array `name`. Its shape is that which it was made with.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no array of that name, or it is not complete yet;
    /// [`Error::DTypeMismatch`]; [`Error::TooManyReaders`] when it has no entry for one more
    /// handle; [`Error::Corrupt`] when the file is not of this library and version;
    /// [`Error::ForeignOwner`]; [`Error::PermissionDenied`], also when the file cannot be written;
    /// [`Error::InvalidName`]; [`Error::Io`].
    pub fn open(name: &str) -> Result<Self> {
        ArrayOptions::new().open(name)
    }

    /// Has this handle see the elements, in C order, in another shape with as many of them. Other
    /// handles keep theirs, and the shape in the file stays.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] when the shape has another number of elements; [`Error::TooLarge`];
    /// [`Error::TooManyDims`].
    pub fn reshape(&mut self, shape: &[usize]) -> Result<()> {
        self.shape = self.at.reshaped(self.dtype(), shape)?;
        Ok(())
    }

    /// The length of each axis, as this handle sees it.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many axes there are.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// How many elements there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.at.memory().byte_len() / self.dtype().size()
    }

    /// Whether there are no elements, that is, whether an axis is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    #[must_use]
    #[inline]
    pub fn dtype(&self) -> DType {
        T::dtype_of(self.known)
    }

    /// The array's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `dtype` is the one that `T` names, if it names one.
    fn new(at: Attachment, dtype: DType, shape: &[usize], name: &str) -> Self {
        Self { at: Arc::new(at), known: T::known(dtype), shape: shape.to_vec(), name: name.to_owned() }
    }
}

impl<T: Typing> fmt::Debug for SharedArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedArray")
            .field("name", &self.name)
            .field("dtype", &self.dtype())
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl ArrayOptions {
    /// Makes the array `name`; see [`SharedArray::create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::create`]; [`Error::InvalidOption`].
    pub fn create<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        self.make(name, shape, |_| ())
    }

    /// Makes the array `name` with a copy of `data`; see [`SharedArray::from_slice`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::from_slice`]; [`Error::InvalidOption`].
    pub fn from_slice<T: ShElement>(&self, name: &str, shape: &[usize], data: &[T]) -> Result<SharedArray<T>> {
        let expected = shape::byte_len(shape, size_of::<T>())? / size_of::<T>();
        if expected != data.len() {
            return Err(Error::ShapeMismatch { expected, found: data.len() });
        }
        self.make(name, shape, |elements: &mut [T]| elements.copy_from_slice(data))
    }

    /// Makes the array `name` with a copy of an `ndarray` array; see [`SharedArray::from_array`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::from_array`]; [`Error::InvalidOption`].
    #[cfg(feature = "ndarray")]
    pub fn from_array<T: ShElement, D: ndarray::Dimension>(
        &self,
        name: &str,
        array: &ndarray::ArrayView<'_, T, D>,
    ) -> Result<SharedArray<T>> {
        self.make(name, array.shape(), |elements: &mut [T]| match array.as_slice() {
            Some(data) => elements.copy_from_slice(data),
            None => elements.iter_mut().zip(array).for_each(|(element, &value)| *element = value),
        })
    }

    /// Opens the array `name`; see [`SharedArray::open`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open`].
    pub fn open<T: Typing>(&self, name: &str) -> Result<SharedArray<T>> {
        let (at, dtype, shape) = self.at(name, |location| open::open(location, self, T::DTYPE))?;
        Ok(SharedArray::new(at, dtype, &shape, name))
    }

    /// Opens the array `name`, or makes it; see [`SharedArray::open_or_create`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::open_or_create`]; [`Error::InvalidOption`].
    pub fn open_or_create<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        let at = open::open_or_create(&self.location(name)?, self, T::DTYPE, shape)?;
        Ok(SharedArray::new(at, T::DTYPE, shape, name))
    }

    /// Takes a block of memory for an array; see [`SharedArray::attach_raw`].
    ///
    /// # Errors
    ///
    /// As [`SharedArray::attach_raw`].
    pub fn attach_raw<T: ShElement>(&self, name: &str, shape: &[usize]) -> Result<SharedArray<T>> {
        let at = self.at(name, |location| open::attach_raw(location, self, T::DTYPE, shape))?;
        Ok(SharedArray::new(at, T::DTYPE, shape, name))
    }

    fn make<T: ShElement>(&self, name: &str, shape: &[usize], fill: impl FnOnce(&mut [T])) -> Result<SharedArray<T>> {
        let fill = |bytes: &mut [u8]| {
            // The cast cannot fail: elements begin at a page, and zero is a value of every type.
            if let Ok(elements) = view::slice_mut::<T>(bytes) {
                fill(elements);
            }
        };
        let at = self.at(name, |location| open::create(location, self, T::DTYPE, shape, fill))?;
        Ok(SharedArray::new(at, T::DTYPE, shape, name))
    }
}

/// # Shared arrays
impl Options {
    /// Removes the array `name`; see [`remove_array`].
    ///
    /// # Errors
    ///
    /// As [`remove_array`].
    pub fn remove_array(&self, name: &str) -> Result<()> {
        self.at(name, |location| open::remove(location, self.owners))
    }

    /// Removes the array `name` if no living process has a handle of it, and none is making it: the
    /// kernel's locks are the proof.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] when somebody has it; otherwise as [`remove_array`].
    pub fn remove_unused_array(&self, name: &str) -> Result<()> {
        self.at(name, |location| open::remove_unused(location, self.owners))
    }
}

/// Removes the name of the array `name`, whatever its dtype and whether or not it is complete.
/// Those who have it open go on with it.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Corrupt`] when the file is not one that a maker of arrays has
/// left, and stays; [`Error::InUse`] when somebody living is just making it;
/// [`Error::ForeignOwner`]; [`Error::PermissionDenied`]; [`Error::InvalidName`]; [`Error::Io`].
pub fn remove_array(name: &str) -> Result<()> {
    Options::new().remove_array(name)
}
