//! NumPy's type strings.

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::bad_file;
use ndsharray::DType;
use npyz::{Endianness, TypeChar, TypeStr};

/// The type string of a dtype, in this machine's byte order.
pub(super) fn of(dtype: DType) -> Result<TypeStr> {
    let kind = match dtype {
        DType::Bool => 'b',
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 'i',
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 'u',
        DType::F16 | DType::F32 | DType::F64 | DType::LongDouble => 'f',
        DType::C64 | DType::C128 | DType::ComplexLongDouble => 'c',
        DType::BF16 => 'V',
        _ => return Err(Failure::new(Exit::Failure, format!("NumPy files have no dtype {dtype}"))),
    };
    let order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    let text = format!("{order}{kind}{}", dtype.size());
    text.parse().map_err(|error| Failure::new(Exit::Failure, format!("{dtype}: {error}")))
}

/// The dtype that a type string stands for, and how many bytes to reverse at a time.
pub(super) fn parse(text: &str) -> Result<(DType, usize)> {
    let unknown = || {
        bad_file(".npy", format!("there is no dtype for {text:?}")).advise(match text.get(1..2) {
            Some("M" | "m") => "save it as int64: array.view(numpy.int64)",
            Some("O") => "save it as numbers: array.astype(float)",
            _ => "save it as another dtype: array.astype(...)",
        })
    };
    let parsed: TypeStr = text.parse().map_err(|_| unknown())?;
    let dtype = match (parsed.type_char(), parsed.size_field()) {
        (TypeChar::Bool, 1) => DType::Bool,
        (TypeChar::Int, 1) => DType::I8,
        (TypeChar::Int, 2) => DType::I16,
        (TypeChar::Int, 4) => DType::I32,
        (TypeChar::Int, 8) => DType::I64,
        (TypeChar::Uint, 1) => DType::U8,
        (TypeChar::Uint, 2) => DType::U16,
        (TypeChar::Uint, 4) => DType::U32,
        (TypeChar::Uint, 8) => DType::U64,
        (TypeChar::Float, 2) => DType::F16,
        (TypeChar::RawData, 2) => DType::BF16,
        (TypeChar::Float, 4) => DType::F32,
        (TypeChar::Float, 8) => DType::F64,
        (TypeChar::Float, 16) => DType::LongDouble,
        (TypeChar::Complex, 8) => DType::C64,
        (TypeChar::Complex, 16) => DType::C128,
        (TypeChar::Complex, 32) => DType::ComplexLongDouble,
        _ => return Err(unknown()),
    };
    let foreign = match parsed.endianness() {
        Endianness::Irrelevant => false,
        order => order != Endianness::of_machine(),
    };
    // The parts of a complex number are turned one by one.
    let part = if parsed.type_char() == TypeChar::Complex { dtype.size() / 2 } else { dtype.size() };
    Ok((dtype, if foreign { part } else { 0 }))
}
