//! The Python class of a shared array.

use crate::elements::array::{self, Access, Shape};
use crate::elements::described::Elements;
use crate::elements::dtypes;
use crate::errors::{self, closed_handle, no_array, to_exception};
use crate::fork::own::unpoisoned;
use crate::options::{Location, Owners};
use crate::shared::atomics::{self, Operation};
use crate::shared::guard::ArrayGuard;
use crate::shared::handle::{Handle, SharedMemory, elements};
use ndsharray::{AnySharedArray, ArrayOptions, ElementType};
use numpy::{PyArrayDescr, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A named array in shared memory, which all processes that open it change in place.
///
/// `create` and `from_array` make an array, `open` opens one. `attach_raw` takes a block of another
/// package, such as `multiprocessing.shared_memory.SharedMemory`.
///
/// `with array.write() as elements` and `with array.read() as elements` lend all elements. They
/// take a reader-writer lock that works across processes and survives the death of its holder.
/// `load`, `store` and their like access one element atomically. `unlocked` is for programs that
/// coordinate their processes by other means.
///
/// The array lives until its name is removed (`unlink`, `remove_array`) and the last handle is
/// gone. Closing a handle closes that handle alone.
///
/// Threads may share a handle. When it is pickled, as by `multiprocessing`, the other process opens
/// the array by name. A forked child that inherits a handle opens the array by name at first use.
/// Where the name is gone by then, the first use raises `NotFound`.
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
/// >>> print(matrix.load((0, 1)))
/// 7.0
/// >>> matrix.unlink()
#[pyclass(frozen, weakref, module = "ndsharray_rs")]
pub(crate) struct SharedArray {
    name: String,
    /// Locked for moments, under the interpreter lock: no fork finds it locked.
    inner: Mutex<Inner>,
    location: Location,
    /// Whether it is a block without a header.
    raw: bool,
}

enum Inner {
    /// Of this process, or of a parent.
    Open(Arc<Handle>),
    /// Pickled, and not to be had when it was unpickled. It is opened at its first use.
    Unopened(Elements, Vec<usize>),
    Closed,
}

impl SharedArray {
    fn of(array: AnySharedArray, location: Location, raw: bool) -> Self {
        let (name, inner) = (array.name().to_owned(), Inner::Open(Arc::new(Handle::new(array))));
        Self { name, inner: Mutex::new(inner), location, raw }
    }

    /// Makes an array by `make`, without the interpreter lock, as memory is reserved.
    fn made(
        py: Python<'_>,
        dtype: Option<&Bound<'_, PyAny>>,
        location: Location,
        options: &ArrayOptions,
        make: impl FnOnce(&Elements, &ArrayOptions) -> ndsharray::Result<AnySharedArray> + Send,
    ) -> PyResult<Self> {
        let elements = dtypes::parse(py, dtype)?;
        let array = py.detach(|| make(&elements, options)).map_err(to_exception)?;
        Ok(Self::of(array, location, false))
    }

    /// Returns the elements, and the shape in which this handle sees them.
    fn described(&self) -> PyResult<(Elements, Vec<usize>)> {
        match &*unpoisoned(&self.inner) {
            Inner::Open(handle) => Ok((elements(&handle.array), handle.array.shape().to_vec())),
            Inner::Unopened(elements, shape) => Ok((elements.clone(), shape.clone())),
            Inner::Closed => Err(closed_handle("SharedArray")),
        }
    }

    /// Returns this process's handle. A forked child opens the array for that.
    fn get(&self, py: Python<'_>) -> PyResult<Arc<Handle>> {
        if let Inner::Open(handle) = &*unpoisoned(&self.inner)
            && handle.home.is_here()
        {
            return Ok(Arc::clone(handle));
        }
        let (elements, shape) = self.described()?;
        let opened = reopen(py, &self.name, self.raw, &elements, &shape, &self.location)?;
        let opened = Arc::new(Handle::new(opened));
        let replaced = {
            let mut inner = unpoisoned(&self.inner);
            match &*inner {
                Inner::Closed => return Err(closed_handle("SharedArray")),
                // Another thread of this process was first.
                Inner::Open(other) if other.home.is_here() => return Ok(Arc::clone(other)),
                Inner::Open(_) | Inner::Unopened(..) => {
                    std::mem::replace(&mut *inner, Inner::Open(Arc::clone(&opened)))
                }
            }
        };
        drop(replaced);
        Ok(opened)
    }
}

#[pymethods]
impl SharedArray {
    /// Makes the array `name`, filled with zeros, and reserves all its memory.
    ///
    /// Parameters
    /// ----------
    /// name, dir, owners
    ///     As for `Writer`.
    /// shape
    ///     The length of each axis: a tuple, or an integer for one axis.
    /// dtype
    ///     The elements' dtype, by default float64, as in NumPy.
    /// mode
    ///     Permission bits of the file, by default `0o600`. Every process needs write permission.
    /// max_handles
    ///     Most handles open at once, 1 to 448, by default 64.
    /// prefault
    ///     Whether to map the array with all its pages present.
    ///
    /// Raises
    /// ------
    /// AlreadyExists
    ///     When the name is taken.
    /// OutOfMemory, TooLarge, TooManyDims, InvalidName, InvalidOption, ForeignOwner,
    /// PermissionDenied, Io
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
        let location = Location::new(dir, owners)?;
        let options = making(&location, mode, max_handles, prefault);
        Self::made(py, dtype, location, &options, |elements, options| elements.create(options, name, &shape.0, |_| ()))
    }

    /// Makes the array `name` with a copy of another. Others can open it once the copy is complete.
    ///
    /// Takes any object that NumPy takes for an array. Dtype and shape are that array's.
    ///
    /// Raises
    /// ------
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1.
    /// AlreadyExists, OutOfMemory, TooLarge, TooManyDims, InvalidName, InvalidOption, ForeignOwner,
    /// PermissionDenied, Io
    ///     As `create`.
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
        let array = array::as_array(py, array)?;
        let elements = dtypes::from_numpy(&array.dtype())?;
        let location = Location::new(dir, owners)?;
        let options = making(&location, mode, max_handles, prefault);
        let mut copied = Ok(());
        // A copy: another thread may give the array a new shape, which frees the old one's memory.
        let shape = array.shape().to_vec();
        let array = array.unbind();
        // The interpreter lock is released while memory is reserved, and acquired for the copy.
        let fill = |bytes: &mut [u8]| {
            copied = Python::attach(|py| array::copy_to(array.bind(py), &elements, bytes))
                // SAFETY: a slice's own pointer and length.
                .and_then(|()| unsafe { array::check_bools(&elements, bytes.as_ptr(), bytes.len()) });
            if copied.is_err() {
                bytes.fill(0);
            }
        };
        let made = py.detach(|| elements.create(&options, name, &shape, fill)).map_err(to_exception)?;
        if let Err(error) = copied {
            made.unlink().map_err(to_exception)?;
            return Err(error);
        }
        Ok(Self::of(made, location, false))
    }

    /// Opens the array `name`, with the dtype and shape that its maker chose.
    ///
    /// Raises
    /// ------
    /// NotFound, TooManyReaders, Corrupt, ForeignOwner, PermissionDenied, InvalidName, Io
    #[staticmethod]
    #[pyo3(signature = (name, *, dir=None, owners=None))]
    fn open(name: &str, dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<Self> {
        let location = Location::new(dir, owners)?;
        let array = location.array_options().open_any(name).map_err(to_exception)?;
        Ok(Self::of(array, location, false))
    }

    /// Opens the array `name`, or makes it, filled with zeros, if there is none.
    ///
    /// An array that exists must have this dtype and as many elements. This handle sees them in
    /// `shape`. The options beside `dir` and `owners` are for a new one.
    ///
    /// Raises
    /// ------
    /// DTypeMismatch, ShapeMismatch
    ///     When the array exists, and is another one.
    /// AlreadyExists
    ///     When the name is taken by something else than an array.
    /// OutOfMemory, TooLarge, TooManyDims, TooManyReaders, Corrupt, InvalidName, InvalidOption,
    /// ForeignOwner, PermissionDenied, Io
    ///     As `create` and `open`.
    #[staticmethod]
    #[pyo3(signature = (name, shape, dtype=None, *, dir=None, mode=None, max_handles=None, prefault=false, owners=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn open_or_create(
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
        let location = Location::new(dir, owners)?;
        let options = making(&location, mode, max_handles, prefault);
        // Waits for a process that is just making it.
        Self::made(py, dtype, location, &options, |elements, options| elements.open_or_create(options, name, &shape.0))
    }

    /// Opens the shared memory block `name`, which holds elements alone, as an array.
    ///
    /// A block has no lock: `read` and `write` raise `Unsupported`.
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
        let elements = dtypes::parse(py, dtype)?;
        let location = Location::new(dir, owners)?;
        let array = elements.attach_raw(&location.array_options(), name, &shape.0).map_err(to_exception)?;
        Ok(Self::of(array, location, true))
    }

    /// Lends the elements read-only, in a `with` block, while no other party changes them.
    ///
    /// Any number of readers may hold the lock at once. The block begins by waiting for it, without
    /// the interpreter lock; signals are answered. A thread that already holds the lock and asks
    /// again may wait for itself.
    ///
    /// Parameters
    /// ----------
    /// timeout
    ///     Seconds to wait; by default without an end.
    /// accept_poison
    ///     Whether to accept an array whose holder died while it could change the elements.
    ///
    /// Raises
    /// ------
    /// TimeoutError
    ///     When the lock has not become free in `timeout` seconds. This, and what follows, is
    ///     raised where the block begins.
    /// Poisoned
    ///     When a holder died while it could change the elements, unless `accept_poison` is set.
    /// InvalidBool
    ///     When a byte of a bool array is neither 0 nor 1.
    /// Unsupported
    ///     When the array is a block without a lock; see `attach_raw`.
    /// Forked
    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn read(&self, py: Python<'_>, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard::new(self.get(py)?, Access::Read, timeout, accept_poison))
    }

    /// Lends the elements writable, in a `with` block, while no other party holds the lock.
    ///
    /// The wait is that of `read`. The end of the block releases the lock, also after an exception.
    /// Then the lent array is empty and read-only, and views made of it lead to private memory, as
    /// with `Writer.loan`.
    ///
    /// Raises
    /// ------
    /// TimeoutError, Poisoned, InvalidBool, Unsupported, Forked
    ///     As `read`.
    #[pyo3(signature = (timeout=None, *, accept_poison=false))]
    fn write(&self, py: Python<'_>, timeout: Option<f64>, accept_poison: bool) -> PyResult<ArrayGuard> {
        Ok(ArrayGuard::new(self.get(py)?, Access::Write, timeout, accept_poison))
    }

    /// All elements as a writable NumPy array, without the lock. It keeps its memory.
    ///
    /// The lock protects no party here. A read beside a write may see a mixture of old and new. A
    /// write changes the elements under the eyes of a party that holds the lock.
    ///
    /// Single elements of a bool array can be read while others write them. This holds for NumPy
    /// below 2.4 too, which by itself would end the process.
    #[getter]
    fn unlocked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyUntypedArray>> {
        let handle = self.get(py)?;
        let array = &handle.array;
        let (elements, shape, data) = (elements(array), array.shape().to_vec(), array.as_mut_ptr());
        // SAFETY: the handle has so many bytes mapped. Others may change them meanwhile, as the
        // caller has chosen. The check finds bytes that are no bools at all.
        unsafe { array::check_bools(&elements, data, array.byte_len()) }?;
        let owner = Bound::new(py, SharedMemory::new(handle))?.into_any();
        // SAFETY: the owner keeps the mapping, which is valid for reads and writes. Its elements
        // are aligned; those of a raw block start at a page. Bools are checked.
        unsafe { array::array_over(owner, &elements, &shape, data, Access::Write) }
    }

    /// Loads one element atomically.
    ///
    /// `index` is a position on each axis: an integer where there is one axis, otherwise a tuple.
    /// Negative positions count from the end.
    ///
    /// Waits while a guard holds the lock to write. A thread that holds it itself would wait for
    /// itself.
    ///
    /// Raises
    /// ------
    /// IndexError
    /// TypeError
    ///     For complex128, long doubles, text and records, which no machine loads in one step.
    fn load<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Load)
    }

    /// Replaces one element atomically. Like all changes, it waits while a guard holds the lock.
    ///
    /// `index` is that of `load`.
    ///
    /// Raises
    /// ------
    /// IndexError, TypeError
    ///     As `load`.
    /// OverflowError
    ///     When `value` is beyond the range of an integer dtype, with NumPy 2.
    fn store<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Store(value)).map(|_| ())
    }

    /// Replaces one element; returns the one before. Index and errors are those of `store`.
    fn swap<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::Swap(value))
    }

    /// Replaces one element by `new` if it is `current`, bit by bit.
    ///
    /// Returns the one before, replaced or not. Index and errors are those of `store`.
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
    ///
    /// `index` is that of `load`.
    ///
    /// Raises
    /// ------
    /// IndexError
    /// TypeError
    ///     When the elements are no integers.
    /// OverflowError
    ///     When `value` is beyond the range of the dtype, with NumPy 2.
    fn fetch_add<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::FetchAdd(value))
    }

    /// Subtracts from one integer, wrapping around; returns the one before.
    ///
    /// Index and errors are those of `fetch_add`.
    fn fetch_sub<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        atomics::apply(py, &*self.get(py)?, index, Operation::FetchSub(value))
    }

    /// Changes the shape in which this handle sees the elements, in C order.
    ///
    /// The new shape has as many elements. Other handles keep theirs.
    ///
    /// Raises
    /// ------
    /// ShapeMismatch
    fn reshape(&self, py: Python<'_>, shape: Shape) -> PyResult<()> {
        let mut array = self.get(py)?.array.clone();
        array.reshape(&shape.0).map_err(to_exception)?;
        let old = std::mem::replace(&mut *unpoisoned(&self.inner), Inner::Open(Arc::new(Handle::new(array))));
        drop(old);
        Ok(())
    }

    /// Removes the array's name, unless it already names another array.
    ///
    /// Open handles, this one too, go on working.
    fn unlink(&self, py: Python<'_>) -> PyResult<()> {
        self.get(py)?.array.unlink().map_err(to_exception)
    }

    /// Whether a holder died while it could change the elements. They may be in pieces.
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
        dtypes::to_numpy(py, &self.described()?.0)
    }

    /// The length of each axis, as this handle sees it.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.described()?.1)
    }

    /// How many axes there are.
    #[getter]
    fn ndim(&self) -> PyResult<usize> {
        Ok(self.described()?.1.len())
    }

    /// How many elements there are.
    #[getter]
    fn size(&self) -> PyResult<usize> {
        Ok(count(&self.described()?.1))
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> PyResult<usize> {
        let (elements, shape) = self.described()?;
        Ok(elements.size().saturating_mul(count(&shape)))
    }

    /// Whether this handle has been closed.
    #[getter]
    fn closed(&self) -> bool {
        matches!(*unpoisoned(&self.inner), Inner::Closed)
    }

    /// Closes this handle. Arrays from `unlocked` live on.
    fn close(&self) {
        let taken = std::mem::replace(&mut *unpoisoned(&self.inner), Inner::Closed);
        drop(taken);
    }

    // Without this, NumPy would make an array of one object.
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
        let Ok((elements, shape)) = self.described() else {
            return Ok(format!("SharedArray(name='{}', closed)", self.name));
        };
        let shape = PyTuple::new(py, shape)?;
        Ok(format!("SharedArray(name='{}', dtype={elements}, shape={shape})", self.name))
    }

    // By name: the other process opens the array for itself.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (elements, shape) = self.described()?;
        let (dir, owners) = (self.location.dir.as_ref(), self.location.owners.clone());
        // A name, where there is one: a dtype of another package cannot be unpickled without that.
        let dtype = match elements {
            Elements::Plain(element) => element.to_string().into_pyobject(py)?.into_any(),
            records @ Elements::Records(_) => dtypes::to_numpy(py, &records)?.into_any(),
        };
        let arguments = (&self.name, self.raw, dtype, PyTuple::new(py, shape)?, dir, owners);
        Ok((py.import("ndsharray_rs._native")?.getattr("_reopen_array")?, arguments.into_pyobject(py)?))
    }
}

/// Counts elements. A shape that has been unpickled may be any.
fn count(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().fold(1, |all, &len| all.saturating_mul(len)) }
}

/// Collects the options for making an array.
fn making(location: &Location, mode: Option<u32>, max_handles: Option<usize>, prefault: bool) -> ArrayOptions {
    let mut options = location.array_options().prefault(prefault);
    if let Some(mode) = mode {
        options = options.mode(mode);
    }
    if let Some(handles) = max_handles {
        options = options.max_handles(handles);
    }
    options
}

/// Opens an array that has been pickled.
///
/// Where that fails, it is left to the handle's first use, as for a reader.
#[pyfunction]
pub(crate) fn _reopen_array(
    py: Python<'_>,
    name: &str,
    raw: bool,
    dtype: &Bound<'_, PyAny>,
    shape: Shape,
    dir: Option<PathBuf>,
    owners: Option<Owners>,
) -> PyResult<SharedArray> {
    let location = Location::new(dir, owners)?;
    let elements = match dtype.extract::<&str>() {
        Ok(name) => match name.parse::<ElementType>() {
            Ok(element) => element.into(),
            Err(_) => return Err(PyValueError::new_err(format!("no dtype is called {name:?}"))),
        },
        Err(_) => dtypes::parse(py, Some(dtype))?,
    };
    let inner = match reopen(py, name, raw, &elements, &shape.0, &location) {
        Ok(array) => Inner::Open(Arc::new(Handle::new(array))),
        Err(_) => Inner::Unopened(elements, shape.0),
    };
    Ok(SharedArray { name: name.to_owned(), inner: Mutex::new(inner), location, raw })
}

/// Opens an array by name in another process. It must have this dtype and as many elements.
fn reopen(
    py: Python<'_>,
    name: &str,
    raw: bool,
    expected: &Elements,
    shape: &[usize],
    location: &Location,
) -> PyResult<AnySharedArray> {
    let options = location.array_options();
    let open = || if raw { expected.attach_raw(&options, name, shape) } else { options.open_any(name) };
    let mut array = py.detach(open).map_err(to_exception)?;
    let found = elements(&array);
    if found != *expected {
        return Err(errors::dtype_mismatch(py, &expected.to_string(), &found.to_string())?);
    }
    array.reshape(shape).map_err(to_exception)?;
    Ok(array)
}

/// Removes the name of the array `name`, of any dtype. Open handles go on working.
///
/// Raises
/// ------
/// NotFound, ForeignOwner, PermissionDenied, InvalidName, Io
#[pyfunction]
#[pyo3(signature = (name, *, dir=None, owners=None))]
pub(crate) fn remove_array(name: &str, dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<()> {
    Location::new(dir, owners)?.options().remove_array(name).map_err(to_exception)
}
