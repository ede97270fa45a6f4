//! The pattern of the values.

use anyhow::{Context, Result, ensure};
use ndsharray::{Complex, ComplexLongDouble, DType, LongDouble, bf16, f16};

const SHAPES: [&[usize]; 6] = [&[], &[5], &[0, 3], &[4, 6], &[64, 64], &[2, 1, 3, 2]];

/// The number of different values: they are exact in all dtypes but `bool`.
const NUMBERS: u64 = 102;

/// The dtypes of the values: the numbers that have no parameter, which come first.
const DTYPES: usize = 17;

/// Returns the value `number`.
pub fn value(number: u64) -> (DType, &'static [usize], Vec<u8>) {
    let number = number % NUMBERS;
    let dtype = pick(DType::ALL.get(..DTYPES).unwrap_or(DType::ALL), number);
    let shape = pick(&SHAPES, number);
    (dtype, shape, element(dtype, number).repeat(shape.iter().product()))
}

fn pick<T: Copy>(from: &[T], number: u64) -> T {
    let index = usize::try_from(number).unwrap_or(0) % from.len();
    from.iter().copied().nth(index).unwrap_or_else(|| from[0])
}

/// Returns an element that is `number`. Half of it is a complex one's imaginary part.
fn element(dtype: DType, number: u64) -> Vec<u8> {
    let byte = u8::try_from(number).unwrap_or(u8::MAX);
    let real = f32::from(byte);
    let wide = f64::from(byte);
    let raw = |bytes: &[u8]| bytes.to_vec();
    match dtype {
        DType::Bool => raw(&[byte % 2]),
        DType::I8 | DType::U8 => raw(&[byte]),
        DType::I16 | DType::U16 => raw(&u16::from(byte).to_ne_bytes()),
        DType::I32 | DType::U32 => raw(&u32::from(byte).to_ne_bytes()),
        DType::I64 | DType::U64 => raw(&u64::from(byte).to_ne_bytes()),
        DType::F16 => raw(&f16::from_f32(real).to_ne_bytes()),
        DType::BF16 => raw(&bf16::from_f32(real).to_ne_bytes()),
        DType::F32 => raw(&real.to_ne_bytes()),
        DType::F64 => raw(&wide.to_ne_bytes()),
        DType::C64 => [real.to_ne_bytes(), (real / 2.0).to_ne_bytes()].concat(),
        DType::C128 => [wide.to_ne_bytes(), (wide / 2.0).to_ne_bytes()].concat(),
        DType::LongDouble => raw(&LongDouble::from(wide).to_bytes()),
        DType::ComplexLongDouble => raw(&ComplexLongDouble::from(Complex::new(wide, wide / 2.0)).to_bytes()),
        other => unreachable!("no pattern for {other}"),
    }
}

/// Checks that the value is whole, and one of those that are written.
pub fn check(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<()> {
    let bytes = &without_padding(dtype, bytes);
    let (_, _, expected) = (0..NUMBERS)
        .map(value)
        .find(|(dt, sh, all)| (*dt, *sh) == (dtype, shape) && all.get(..dtype.size()) == bytes.get(..dtype.size()))
        .context("no such value is written")?;
    ensure!(expected == *bytes, "torn");
    Ok(())
}

/// Zeroes the padding of long doubles, which NumPy leaves as it finds it.
fn without_padding(dtype: DType, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if cfg!(any(target_arch = "x86", target_arch = "x86_64"))
        && matches!(dtype, DType::LongDouble | DType::ComplexLongDouble)
    {
        bytes.chunks_mut(16).filter_map(|number| number.get_mut(10..)).for_each(|padding| padding.fill(0));
    }
    bytes
}
