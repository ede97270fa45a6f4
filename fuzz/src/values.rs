//! Arrays of any dtype, made of a few bytes of input.

use crate::input::Input;
use bytemuck::CheckedBitPattern;
use ndsharray::{AnyArrayView, ArrayView, DType, MAX_ATTRIBUTES, MAX_NDIM, ShElement};

/// Evaluates an expression with the Rust type of a dtype: `dispatch_dtype!(dtype, T => f::<T>())`.
macro_rules! dispatch_dtype {
    ($dtype:expr, $element:ident => $body:expr) => {
        $crate::values::dispatch_dtype!(@ $dtype, $element, $body;
            Bool: bool, I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64,
            F16: ndsharray::f16, BF16: ndsharray::bf16, F32: f32, F64: f64,
            C64: ndsharray::Complex<f32>, C128: ndsharray::Complex<f64>,
            LongDouble: ndsharray::LongDouble, ComplexLongDouble: ndsharray::ComplexLongDouble,
            DateTime64: ndsharray::DateTime64, TimeDelta64: ndsharray::TimeDelta64,
            F8E4M3FN: ndsharray::F8E4M3FN, F8E5M2: ndsharray::F8E5M2, F8E8M0FNU: ndsharray::F8E8M0FNU,
            Bytes: ndsharray::FixedBytes<1>, Text: ndsharray::FixedText<1>, Void: ndsharray::Void<1>)
    };
    (@ $dtype:expr, $element:ident, $body:expr; $($variant:ident: $ty:ty),*) => {
        match $dtype {
            $(ndsharray::DType::$variant => {
                type $element = $ty;
                $body
            })*
            dtype => panic!("the fuzzer's list of dtypes lacks {dtype}"),
        }
    };
}
pub(crate) use dispatch_dtype;

/// An array of any dtype.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// The elements, in C order and this machine's byte order.
    pub(crate) bytes: Vec<u8>,
    /// What is published beside it.
    pub(crate) attributes: Vec<u8>,
}

impl Value {
    /// Makes some array, whose elements tell it from the next.
    ///
    /// It has any dtype, and is a scalar, empty, flat, deep or large.
    pub(crate) fn from_input(input: &mut Input<'_>) -> Self {
        let dtype = *input.pick(DType::ALL).unwrap();
        let kind = input.u8();
        let n = usize::from(kind >> 3);
        let shape = match kind & 7 {
            0 => vec![],
            1 => vec![n],
            2 => vec![2, n, 1],
            3 => vec![n, 0, 3],
            4 => vec![1; 64],
            5 => vec![1 + n % 2; 12],
            6 => vec![n + 1, 67],
            _ => vec![16, n + 1, 65],
        };
        let seed = input.u8();
        // Of its own bytes, so that what inputs mean stays as it is.
        let len = match seed & 7 {
            0 => usize::from(seed >> 3),
            1 => MAX_ATTRIBUTES - usize::from(seed >> 3),
            2 => 16 * usize::from(seed),
            _ => 0,
        };
        let attributes = Self::filled(DType::U8, &[len], seed).bytes;
        Self { attributes, ..Self::filled(dtype, &shape, seed) }
    }

    /// Makes an array whose elements depend on `seed`.
    pub(crate) fn filled(dtype: DType, shape: &[usize], seed: u8) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(seed) << 17;
        let mask = if dtype == DType::Bool { 1 } else { 0xff };
        let next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 56) as u8 & mask
        };
        let bytes = std::iter::repeat_with(next).take(byte_len(shape, dtype.size())).collect();
        Self { dtype, shape: shape.to_vec(), bytes, attributes: Vec::new() }
    }

    /// Copies the elements, which are `T`.
    pub(crate) fn elements<T: ShElement + CheckedBitPattern>(&self) -> Vec<T> {
        assert_eq!(self.dtype, T::DTYPE);
        self.bytes.chunks_exact(size_of::<T>()).map(bytemuck::checked::pod_read_unaligned).collect()
    }

    /// Calls `f` with a view of the array.
    pub(crate) fn with_view<R>(&self, f: impl FnOnce(&AnyArrayView<'_>) -> R) -> R {
        dispatch_dtype!(self.dtype, T => f(&ArrayView::new(&self.elements::<T>(), &self.shape).unwrap().into()))
    }
}

/// Returns the bytes of an array, and panics where no array has such a shape.
pub(crate) fn byte_len(shape: &[usize], itemsize: usize) -> usize {
    assert!(shape.len() <= MAX_NDIM);
    let axes = shape.iter().filter(|&&len| len != 0);
    let bytes = axes.copied().try_fold(itemsize, usize::checked_mul).expect("the shape of an array");
    assert!(isize::try_from(bytes).is_ok(), "the shape of an array");
    if shape.contains(&0) { 0 } else { bytes }
}
