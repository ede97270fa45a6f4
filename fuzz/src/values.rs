//! Arrays to be written, from a few bytes of input.

use super::input::Input;
use crate::element::dtype::DType;
use crate::owned_array::OwnedArray;

/// Some value: any dtype; a scalar, empty, flat, deep or large shape; elements that tell one value from the next.
pub(super) fn value(input: &mut Input<'_>) -> OwnedArray {
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
    filled(dtype, &shape, input.u8())
}

/// An array whose elements depend on `seed`.
pub(super) fn filled(dtype: DType, shape: &[usize], seed: u8) -> OwnedArray {
    let mut array = OwnedArray::zeros(dtype, shape).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(seed) << 17;
    let mask = if dtype == DType::Bool { 1 } else { 0xff };
    for byte in array.bytes_mut() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        *byte = (state >> 56) as u8 & mask;
    }
    array
}
