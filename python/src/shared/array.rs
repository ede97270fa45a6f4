//! One array for all.

use crate::atomics::{self, Operation};
use crate::dtypes;
use crate::errors::{self, closed_handle, no_array, to_exception};
use crate::forks::Home;
use crate::guard::ArrayGuard;
use crate::memory::{self, Access, Shape};
use crate::options::{Owners, Place};
use ndsharray::{AnySharedArray, ArrayOptions, DType, raw::ArrayMapping};
use numpy::{PyArrayDescr, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A named array in shared memory that everybody who opens it changes in place.
///
/// Made by `create` or `from_array`, opened by `open`; `attach_raw` takes a block that somebody else made, such as
/// `multiprocessing.shared_memory.SharedMemory`. `with array.write() as elements` and `with array.read() as elements` lend all elements under a reader-writer lock that works across
/// processes and survives the death of its holder; `load`, `store` and their like access one element atomically; `unlocked` is for those who know by other means who is where.
///
/// The array lives until its name is removed (`unlink`, `remove_array`) and the last handle is gone. Closing a handle closes that handle alone.
///
/// Pickled, as by `multiprocessing`, it is opened by name in the other process; inherited by a forked
/// child, it opens itself there by name at its first use. Threads may share one.
///
/// Examples
/// --------
/// >>> from ndsharray_rs import SharedArray
/// >>> matrix = SharedArray.create("doc-matrix", (2, 3))
/// >>> with matrix.write() as elements:
/// ...     elements[1] = 1.5
/// >>> with SharedArray.open("doc-matrix") as same, same.read() as elements:
/// ...     elements.tolist()
/// [[0.0, 0.0, 0.0], [1.5, 1.5, 1.5]]
/// >>> matrix.store((0, 1), 7)
/// >>> matrix.load((0, 1))
/// np.float64(7.0)
/// >>> matrix.unlink()
#[pyclass(frozen, module = "ndsharray_rs")]
pub(crate) struct SharedArray {
    name: String,
    /// This process's. Locked for moments, with the interpreter lock, so that no fork finds it locked.
    inner: Mutex<Option<Arc<Handle>>>,
    place: Place,
    /// Whether it is a block without a head.
    raw: bool,
}

/// An open array, and the panes that no guard uses just now.
pub(crate) struct Handle {
    pub(crate) home: Home,
    pub(crate) array: AnySharedArray,
    panes: Mutex<Vec<ArrayMapping>>,
}

/// Keeps the mapping for arrays without the lock.
#[pyclass(frozen, module = "ndsharray_rs._native")]
pub(crate) struct SharedMemory {
    _handle: Arc<Handle>,
}

pub(crate) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    fn new(array: AnySharedArray) -> Self {
        Self { home: Home::here(), array, panes: Mutex::new(Vec::new()) }
    }

    /// The elements mapped for one guard.
    pub(crate) fn pane(&self) -> PyResult<ArrayMapping> {
        let spare = unpoisoned(&self.panes).pop();
        spare.map_or_else(|| self.array.pane().map_err(to_exception), Ok)
    }

    pub(crate) fn put_back(&self, pane: ArrayMapping) {
        unpoisoned(&self.panes).push(pane);
    }
}

impl SharedArray {
    fn of(array: AnySharedArray, place: Place, raw: bool) -> Self {
        Self { name: array.name().to_owned(), inner: Mutex::new(Some(Arc::new(Handle::new(array)))), place, raw }
    }

    /// The handle, of whatever process.
    fn any(&self) -> PyResult<Arc<Handle>> {
        unpoisoned(&self.inner).clone().ok_or_else(|| closed_handle("SharedArray"))
    }

    /// This process's handle. In a forked child, which inherited its parent's, the array is opened anew.
    fn get(&self, py: Python<'_>) -> PyResult<Arc<Handle>> {
        let handle = self.any()?;
        if handle.home.is_here() {
            return Ok(handle);
        }
        let inherited = &handle.array;
        let opened = reopen(py, &self.name, self.raw, inherited.dtype(), inherited.shape(), &self.place)?;
        let opened = Arc::new(Handle::new(opened));
        let replaced = {
            let mut inner = unpoisoned(&self.inner);
            match &*inner {
                None => return Err(closed_handle("SharedArray")),
                // Another thread of this process was quicker.
                Some(other) if other.home.is_here() => return Ok(Arc::clone(other)),
                Some(_) => inner.replace(Arc::clone(&opened)),
            }
        };
        drop(replaced);
        Ok(opened)
    }
}

#[pymethods]
impl SharedArray {
    /// Makes the array `name`, all zeros; float64 by default, as in NumPy. All its memory is reserved.
    ///
    /// Parameters
    /// ----------
    /// name, dir, owners
    ///     As for `Writer`.
    /// mode
    ///     Permission bits of the file, by default `0o600`. All who take part need write permission.
    /// max_handles
    ///     Handles at once, 1 to 448, by default 64.
    /// prefault
    ///     Whether it is mapped with all its pages present.
    ///
    /// Raises
    /// ------
    /// AlreadyExists
    ///     When the name is taken.
    /// OutOfMemory, TooLarge, TooManyDims, InvalidName, InvalidOption, ForeignOwner, PermissionDenied, Io
    #[staticmethod]
    #[pyo3(signature = (name, shape, dtype=None, *, dir=None, mode=None, max_handles=None, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn create(
        py: Python<'_>,
        name: &str,
        shape: Shape,
        dtype: Option<&Bound<'_, PyAny>>,
        dir: Option<PathBuf>,
        mode: Option<u32>,
        max_handles: Option<usize>,
        prefault: bool,
        owners: Option<Owners>,
    ) -> PyResult<Self> {
        let dtype = dtypes::parse(py, dtype)?;
        let place = Place::new(dir, owners)?;
        let options = making(&place, mode, max_handles, prefault);
        // Finding the memory takes its time.
        let array = py.detach(|| options.create_any(name, dtype, &shape.0, |_| ())).map_err(to_exception)?;
        Ok(Self::of(array, place, false))
    }

    /// Makes the array `name` with a copy of another. Whoever opens it finds all of it.
    ///
    /// Raises
    /// ------
    /// As `create`; InvalidBool.
    #[staticmethod]
    #[pyo3(signature = (name, array, *, dir=None, mode=None, max_handles=None, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn from_array(
        py: Python<'_>,
        name: &str,
        array: &Bound<'_, PyAny>,
        dir: Option<PathBuf>,
        mode: Option<u32>,
        max_handles: Option<usize>,
        prefault: bool,
        owners: Option<Owners>,
    ) -> PyResult<Self> {
        let array = memory::as_array(py, array)?;
        let dtype = dtypes::from_numpy(&array.dtype())?;
        let place = Place::new(dir, owners)?;
        let options = making(&place, mode, max_handles, prefault);
        let mut copied = Ok(());
        // A copy, as another thread may give the array a new shape, which frees the memory of this one.
        let shape = array.shape().to_vec();
        let array = array.unbind();
        // The interpreter lock is given back while memory is found, and taken for copying alone.
        let fill = |bytes: &mut [u8]| {
            copied = Python::attach(|py| memory::copy_to(array.bind(py), dtype, bytes))
                // SAFETY: a slice's own pointer and length.
                .and_then(|()| unsafe { memory::check_bools(dtype, bytes.as_ptr(), bytes.len()) });
            if copied.is_err() {
                bytes.fill(0);
            }
        };
        let made = py.detach(|| options.create_any(name, dtype, &shape, fill)).map_err(to_exception)?;
        if let Err(error) = copied {
            made.unlink().map_err(to_exception)?;
            return Err(error);
        }
        Ok(Self::of(made, place, false))
    }

    /// Opens the array `name`, with the dtype and shape that it was made with.
    ///
    /// Raises
    /// ------
    /// NotFound, TooManyReaders, Corrupt, ForeignOwner, PermissionDenied, InvalidName, Io
    #[staticmethod]
    #[pyo3(signature = (name, *, dir=None, owners=None))]
    fn open(name: &str, dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<Self> {
        let place = Place::new(dir, owners)?;
        let array = place.array_options().open_any(name).map_err(to_exception)?;
        Ok(Self::of(array, place, false))
    }

    /// Takes the shared memory block `name`, which holds elements and no head, for an array. It has no lock: `read` and `write` raise `Unsupported`.
    ///
    /// Raises
    /// ------
    /// ShapeMismatch
    ///     When the block is shorter than the array.
    /// NotFound, TooLarge, TooManyDims, InvalidName, ForeignOwner, PermissionDenied, Io
    #[staticmethod]
    #[pyo3(signature = (name, shape, dtype=None, *, dir=None, owners=None))]
    fn attach_raw(
        py: Python<'_>,
        name: &str,
        shape: Shape,
        dtype: Option<&Bound<'_, PyAny>>,
        dir: Option<PathBuf>,
        owners: Option<Owners>,
    ) -> PyResult<Self> {
        let dtype = dtypes::parse(py, dtype)?;
        let place = Place::new(dir, owners)?;
        let array = place.array_options().attach_raw_any(name, dtype, &shape.0).map_err(to_exception)?;
        Ok(Self::of(array, place, true))
    }

    /// A context manager that waits until nobody changes the array, and lends the elements to be looked at. Any number may have it at once.
    ///
    /// The wait goes on without the interpreter lock and answers signals. A thread that has the array and asks for it again may wait for itself.
    ///
    /// Parameters
    /// ----------
    /// timeout
    ///     Seconds to wait; by default for ever.
    /// accept_poison
    ///     Whether to take the array although a holder died while it could change the elements.
    ///
    /// Raises, when the block begins
    /// -----------------------------
    /// TimeoutError, Poisoned, InvalidBool, Unsupported, Forked
    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn read(&self, py: Python<'_>, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard::new(self.get(py)?, Access::Read, timeout, accept_poison))
    }

    /// A context manager that waits until nobody has the array, and lends the elements to be changed. As `read`, but alone.
    ///
    /// When the block ends, also by an exception, the lock goes back. The lent array is empty and read-only then; views made of it lead to private memory, see `Writer.loan`.
    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn write(&self, py: Python<'_>, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard::new(self.get(py)?, Access::Write, timeout, accept_poison))
    }

    /// All elements as a writable NumPy array, without the lock, for as long as anybody wants it.
    ///
    /// Nothing keeps others away, nor you from them: who reads while somebody writes may see a mixture, and who writes while somebody has the lock breaks what that one was promised.
    ///
    /// Single elements of a bool array can be read while others write them, also with NumPy below
    /// 2.4, which by itself would end the process by that.
    #[getter]
    fn unlocked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let handle = self.get(py)?;
        let array = &handle.array;
        let (dtype, shape, data) = (array.dtype(), array.shape().to_vec(), array.as_mut_ptr());
        // SAFETY: the handle has so many bytes mapped. Others may change them meanwhile, which is what the caller asks for; the check finds bytes that are no bools at
        // all.
        unsafe { memory::check_bools(dtype, data, array.byte_len()) }?;
        let owner = Bound::new(py, SharedMemory { _handle: handle })?.into_any();
        // SAFETY: the owner keeps the mapping, which is valid for reads and writes, and whose elements are aligned (those of a raw block start at a page). Bools have
        // been checked.
        unsafe { memory::array_over(owner, dtype, &shape, data, Access::Write) }
    }

    /// One element, loaded atomically. `index` is a position on each axis: an integer where there is one axis, else a tuple; from the end, where negative.
    ///
    /// Waits while somebody has the array to write. A thread that has it itself would wait for itself.
    ///
    /// Raises
    /// ------
    /// IndexError
    /// TypeError
    ///     For complex128, longdouble and clongdouble, which no machine loads as one.
    fn load<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Load)
    }

    /// Replaces one element atomically. As the others, it waits while somebody has the array to read or to write.
    fn store<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Store(value)).map(|_| ())
    }

    /// Replaces one element; returns the one before.
    fn swap<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Swap(value))
    }

    /// Replaces one element by `new` if it is, bit by bit, `current`; returns the one before, whether or not it has been replaced.
    fn compare_exchange<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        current: &Bound<'py, PyAny>,
        new: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::CompareExchange(current, new))
    }

    /// Adds to one integer, wrapping around; returns the one before.
    fn fetch_add<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::FetchAdd(value))
    }

    /// Subtracts from one integer, wrapping around; returns the one before.
    fn fetch_sub<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::FetchSub(value))
    }

    /// Has this handle see the elements, in C order, in another shape with as many of them. Other handles keep theirs.
    ///
    /// Raises
    /// ------
    /// ShapeMismatch
    fn reshape(&self, py: Python<'_>, shape: Shape) -> PyResult<()> {
        let mut array = self.get(py)?.array.clone();
        array.reshape(&shape.0).map_err(to_exception)?;
        let old = unpoisoned(&self.inner).replace(Arc::new(Handle::new(array)));
        drop(old);
        Ok(())
    }

    /// Removes the array's name, if this is still the array that has it. Whoever has it open, also this handle, goes on with it.
    fn unlink(&self, py: Python<'_>) -> PyResult<()> {
        self.get(py)?.array.unlink().map_err(to_exception)
    }

    /// Whether a holder died while it could change the elements, so that they may be in pieces.
    #[getter]
    fn is_poisoned(&self, py: Python<'_>) -> PyResult<bool> {
        self.get(py)?.array.is_poisoned().map_err(to_exception)
    }

    /// Declares the elements sound again.
    fn clear_poison(&self, py: Python<'_>) -> PyResult<()> {
        self.get(py)?.array.clear_poison().map_err(to_exception)
    }

    /// The array's name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The dtype of the elements.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDescr>> {
        dtypes::to_numpy(py, self.any()?.array.dtype())
    }

    /// The length of each axis, as this handle sees it.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.any()?.array.shape())
    }

    /// How many axes there are.
    #[getter]
    fn ndim(&self) -> PyResult<usize> {
        Ok(self.any()?.array.shape().len())
    }

    /// How many elements there are.
    #[getter]
    fn size(&self) -> PyResult<usize> {
        Ok(self.any()?.array.shape().iter().product())
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> PyResult<usize> {
        Ok(self.any()?.array.byte_len())
    }

    /// Whether this handle has been closed.
    #[getter]
    fn closed(&self) -> bool {
        unpoisoned(&self.inner).is_none()
    }

    /// Closes this handle. Arrays from `unlocked` live on.
    fn close(&self) {
        let taken = unpoisoned(&self.inner).take();
        drop(taken);
    }

    // Without this NumPy would make an array of one object.
    #[pyo3(signature = (dtype=None, *, copy=None))]
    fn __array__(&self, dtype: Option<&Bound<'_, PyAny>>, copy: Option<bool>) -> PyResult<()> {
        let _ = (dtype, copy);
        Err(no_array(
            "SharedArray",
            "`with shared.read() as array` lends its elements, and `shared.unlocked` is an array without the lock",
        ))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _trace: &Bound<'_, PyAny>) {
        self.close();
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let Ok(handle) = self.any() else { return Ok(format!("SharedArray(name='{}', closed)", self.name)) };
        let shape = PyTuple::new(py, handle.array.shape())?;
        Ok(format!("SharedArray(name='{}', dtype={}, shape={shape})", self.name, handle.array.dtype()))
    }

    // By name: the other process opens the array anew.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let handle = self.any()?;
        let array = &handle.array;
        let (dir, owners) = (self.place.dir.as_ref(), self.place.owners.clone());
        let arguments = (&self.name, self.raw, array.dtype().name(), PyTuple::new(py, array.shape())?, dir, owners);
        Ok((py.import("ndsharray_rs._native")?.getattr("_reopen_array")?, arguments.into_pyobject(py)?))
    }
}

/// The options for making an array.
fn making(place: &Place, mode: Option<u32>, max_handles: Option<usize>, prefault: bool) -> ArrayOptions {
    let mut options = place.array_options().prefault(prefault);
    if let Some(mode) = mode {
        options = options.mode(mode);
    }
    if let Some(handles) = max_handles {
        options = options.max_handles(handles);
    }
    options
}

/// Opens an array that has been pickled.
#[pyfunction]
pub(crate) fn _reopen_array(
    py: Python<'_>,
    name: &str,
    raw: bool,
    dtype: &str,
    shape: Shape,
    dir: Option<PathBuf>,
    owners: Option<Owners>,
) -> PyResult<SharedArray> {
    let place = Place::new(dir, owners)?;
    let dtype = dtype.parse().map_err(|_| PyValueError::new_err(format!("no dtype is called {dtype:?}")))?;
    let array = reopen(py, name, raw, dtype, &shape.0, &place)?;
    Ok(SharedArray::of(array, place, raw))
}

/// Opens an array by name in another process: one of this dtype, and with as many elements.
fn reopen(
    py: Python<'_>,
    name: &str,
    raw: bool,
    dtype: DType,
    shape: &[usize],
    place: &Place,
) -> PyResult<AnySharedArray> {
    let options = place.array_options();
    let open = || if raw { options.attach_raw_any(name, dtype, shape) } else { options.open_any(name) };
    let mut array = py.detach(open).map_err(to_exception)?;
    if array.dtype() != dtype {
        return Err(errors::dtype_mismatch(py, dtype.name(), array.dtype().name())?);
    }
    array.reshape(shape).map_err(to_exception)?;
    Ok(array)
}

/// Removes the name of the array `name`, whatever its dtype. Those who have it open go on with it.
///
/// Raises
/// ------
/// NotFound, ForeignOwner, PermissionDenied, InvalidName, Io
#[pyfunction]
#[pyo3(signature = (name, *, dir=None, owners=None))]
pub(crate) fn remove_array(name: &str, dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<()> {
    Place::new(dir, owners)?.options().remove_array(name).map_err(to_exception)
}
