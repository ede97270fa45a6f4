//! Single elements of a shared array.

use crate::elements::array::{self, Element};
use crate::errors::to_exception;
use crate::shared::handle::Handle;
use ndsharray::raw::LockMode;
use ndsharray::{
    AtomicElement, AtomicGuard, AtomicInteger, Complex, DType, DateTime64, ElementType, F8E4M3FN, F8E5M2, F8E8M0FNU,
    TimeDelta64, bf16, f16,
};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;

/// An access to one element. Each returns the value before it.
#[derive(Clone, Copy)]
pub(crate) enum Operation<'a, 'py> {
    Load,
    Store(&'a Bound<'py, PyAny>),
    Swap(&'a Bound<'py, PyAny>),
    CompareExchange(&'a Bound<'py, PyAny>, &'a Bound<'py, PyAny>),
    FetchAdd(&'a Bound<'py, PyAny>),
    FetchSub(&'a Bound<'py, PyAny>),
}

/// An element that converts to NumPy's bytes and back.
trait Value: AtomicElement {
    fn from_element(element: &Element) -> Self;
    fn to_element(self) -> Element;
}

macro_rules! numbers {
    ($($ty:ty),*) => {
        $(impl Value for $ty {
            fn from_element(element: &Element) -> Self {
                Self::from_ne_bytes(element.front())
            }

            fn to_element(self) -> Element {
                Element::new(&self.to_ne_bytes())
            }
        })*
    };
}

numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64);

/// Elements around an integer.
macro_rules! around {
    ($($ty:ident($from:ident, $to:ident)),*) => {
        $(impl Value for $ty {
            fn from_element(element: &Element) -> Self {
                $from!($ty, element)
            }

            fn to_element(self) -> Element {
                Element::new(&$to!(self))
            }
        })*
    };
}

macro_rules! from_time {
    ($ty:ident, $element:ident) => {
        $ty(i64::from_ne_bytes($element.front()))
    };
}

macro_rules! to_time {
    ($value:ident) => {
        $value.0.to_ne_bytes()
    };
}

macro_rules! from_byte {
    ($ty:ident, $element:ident) => {{
        let [bits] = $element.front();
        $ty::from_bits(bits)
    }};
}

macro_rules! to_byte {
    ($value:ident) => {
        [$value.to_bits()]
    };
}

around! {
    DateTime64(from_time, to_time), TimeDelta64(from_time, to_time),
    F8E4M3FN(from_byte, to_byte), F8E5M2(from_byte, to_byte), F8E8M0FNU(from_byte, to_byte)
}

impl Value for bool {
    fn from_element(element: &Element) -> Self {
        element.front::<1>() != [0]
    }

    fn to_element(self) -> Element {
        Element::new(&[u8::from(self)])
    }
}

impl Value for Complex<f32> {
    fn from_element(element: &Element) -> Self {
        let [a, b, c, d, e, f, g, h] = element.front();
        Self::new(f32::from_ne_bytes([a, b, c, d]), f32::from_ne_bytes([e, f, g, h]))
    }

    fn to_element(self) -> Element {
        let [a, b, c, d] = self.re.to_ne_bytes();
        let [e, f, g, h] = self.im.to_ne_bytes();
        Element::new(&[a, b, c, d, e, f, g, h])
    }
}

/// Accesses the element at the position or positions `index`.
pub(crate) fn apply<'py>(
    py: Python<'py>,
    handle: &Handle,
    index: &Bound<'py, PyAny>,
    operation: Operation<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let array = &handle.array;
    let dtype = array.element_type();
    let index = flat_index(index, array.shape())?;
    let with = Request { py, handle, dtype, index, operation };
    match dtype.dtype() {
        DType::Bool => with.other::<bool>(),
        DType::I8 => with.integer::<i8>(),
        DType::I16 => with.integer::<i16>(),
        DType::I32 => with.integer::<i32>(),
        DType::I64 => with.integer::<i64>(),
        DType::U8 => with.integer::<u8>(),
        DType::U16 => with.integer::<u16>(),
        DType::U32 => with.integer::<u32>(),
        DType::U64 => with.integer::<u64>(),
        DType::F16 => with.other::<f16>(),
        DType::BF16 => with.other::<bf16>(),
        DType::F32 => with.other::<f32>(),
        DType::F64 => with.other::<f64>(),
        DType::C64 => with.other::<Complex<f32>>(),
        DType::DateTime64 => with.other::<DateTime64>(),
        DType::TimeDelta64 => with.other::<TimeDelta64>(),
        DType::F8E4M3FN => with.other::<F8E4M3FN>(),
        DType::F8E5M2 => with.other::<F8E5M2>(),
        DType::F8E8M0FNU => with.other::<F8E8M0FNU>(),
        _ => Err(PyTypeError::new_err(format!(
            "elements of dtype {dtype} cannot be accessed atomically: take the lock, with read() or write()"
        ))),
    }
}

struct Request<'a, 'py> {
    py: Python<'py>,
    handle: &'a Handle,
    dtype: ElementType,
    index: usize,
    operation: Operation<'a, 'py>,
}

impl<'py> Request<'_, 'py> {
    fn integer<T: Value + AtomicInteger>(&self) -> PyResult<Bound<'py, PyAny>> {
        match self.operation {
            Operation::FetchAdd(value) => {
                let value = self.value::<T>(value)?;
                self.with(|guard| guard.fetch_add(self.index, value))
            }
            Operation::FetchSub(value) => {
                let value = self.value::<T>(value)?;
                self.with(|guard| guard.fetch_sub(self.index, value))
            }
            _ => self.other::<T>(),
        }
    }

    fn other<T: Value>(&self) -> PyResult<Bound<'py, PyAny>> {
        match self.operation {
            Operation::Load => self.with(|guard: &AtomicGuard<'_, T>| guard.load(self.index)),
            Operation::Store(value) | Operation::Swap(value) => {
                let value = self.value::<T>(value)?;
                self.with(|guard| guard.swap(self.index, value))
            }
            Operation::CompareExchange(current, new) => {
                let (current, new) = (self.value::<T>(current)?, self.value::<T>(new)?);
                self.with(|guard| guard.compare_exchange(self.index, current, new).unwrap_or_else(|now| now))
            }
            Operation::FetchAdd(_) | Operation::FetchSub(_) => {
                Err(PyTypeError::new_err(format!("elements of dtype {} cannot be added to atomically", self.dtype)))
            }
        }
    }

    fn value<T: Value>(&self, given: &Bound<'py, PyAny>) -> PyResult<T> {
        Ok(T::from_element(&array::to_element(self.dtype, given)?))
    }

    fn with<T: Value>(&self, f: impl FnOnce(&AtomicGuard<'_, T>) -> T) -> PyResult<Bound<'py, PyAny>> {
        let lock = self.handle.acquire(self.py, LockMode::Atomic, None)?;
        let value = f(&lock.atomic::<T>().map_err(to_exception)?);
        drop(lock);
        array::from_element(self.py, self.dtype, value.to_element())
    }
}

/// Writes a shape as Python does.
fn shown(shape: &[usize]) -> String {
    match shape {
        [len] => format!("({len},)"),
        lens => format!("({})", lens.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Returns the place of an element in C order. Negative positions count from the end.
fn flat_index(index: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<usize> {
    let outside =
        || PyIndexError::new_err(format!("there is no element {index} in an array of shape {}", shown(shape)));
    let within = |position: isize, len: usize| {
        let position = if position < 0 { len.checked_add_signed(position) } else { usize::try_from(position).ok() };
        position.filter(|&position| position < len).ok_or_else(outside)
    };
    let positions: Vec<isize> = match index.extract() {
        Ok(position) => vec![position],
        Err(_) => index.extract().map_err(|_| {
            PyTypeError::new_err(format!("an element's index is an integer, or several in a tuple, not {index}"))
        })?,
    };
    if positions.len() != shape.len() {
        return Err(PyIndexError::new_err(format!(
            "an array of shape {shape} has {} axes, and an element a position on each, in a tuple: {index} has {}",
            shape.len(),
            positions.len(),
            shape = shown(shape)
        )));
    }
    let mut flat = 0;
    for (&position, &len) in positions.iter().zip(shape) {
        flat = flat * len + within(position, len)?;
    }
    Ok(flat)
}
