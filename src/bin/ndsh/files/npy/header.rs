//! What stands before the elements of a `.npy` file.

use super::{MAGIC, types};
use crate::failure::{Failure, Result};
use crate::files::bad_file;
use ndsharray::DType;
use py_literal::Value;
use std::io::{self, Read};

/// The longest header that is read; NumPy's own limit.
const LONGEST_HEADER: usize = 10_000;
/// The deepest header: a dictionary with tuples in it, and some to spare.
const DEEPEST_HEADER: usize = 8;
/// What stands before the elements.
pub(super) struct Header {
    pub(super) dtype: DType,
    /// Bytes that are to be reversed at a time; 0 for none.
    pub(super) swap: usize,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

/// Reads the header of the next array in a stream; `None` at its end.
pub(super) fn read(from: &mut impl Read) -> Result<Option<Header>> {
    let mut start = [0; 8];
    match fill(from, &mut start)? {
        0 => return Ok(None),
        8 if start.starts_with(MAGIC) => {}
        _ => return Err(bad_file(".npy", "it does not start as a .npy file")),
    }
    let mut len = [0; 4];
    let [.., major, _] = start;
    match major {
        1 => from.read_exact(len.split_at_mut(2).0),
        2 | 3 => from.read_exact(&mut len),
        _ => return Err(bad_file(".npy", format!("version {major} of the format is not known"))),
    }
    .map_err(cut)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > LONGEST_HEADER {
        return Err(bad_file(".npy", format!("its header claims {len} bytes, and {LONGEST_HEADER} are possible")));
    }
    let mut text = vec![0; len];
    from.read_exact(&mut text).map_err(cut)?;
    let text = str::from_utf8(&text).map_err(|_| bad_file(".npy", "its header is no text"))?;
    parse(text.trim()).map(Some)
}

fn parse(text: &str) -> Result<Header> {
    // The parser calls itself for each level.
    let opening = text.chars().filter(|c| matches!(c, '(' | '[' | '{')).count();
    if opening > DEEPEST_HEADER {
        return Err(structured());
    }
    let Ok(Value::Dict(entries)) = text.parse() else {
        return Err(bad_file(".npy", format!("its header is no dictionary: {text}")));
    };
    let find = |key: &str| {
        let entry = entries.iter().find(|(found, _)| found.as_string().is_some_and(|found| found == key));
        entry.map(|(_, value)| value).ok_or_else(|| bad_file(".npy", format!("its header has no {key:?}")))
    };
    let fortran = find("fortran_order")?
        .as_boolean()
        .ok_or_else(|| bad_file(".npy", "fortran_order is neither True nor False"))?;
    let axes = find("shape")?.as_tuple().ok_or_else(|| bad_file(".npy", "its shape is no tuple"))?;
    let shape = axes
        .iter()
        .map(|axis| axis.as_integer().and_then(|axis| usize::try_from(axis).ok()))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| bad_file(".npy", "its shape has an axis that is no length"))?;
    let (dtype, swap) = types::parse(find("descr")?.as_string().ok_or_else(structured)?)?;
    Ok(Header { dtype, swap, fortran, shape })
}

/// Reads until `room` is full or the stream ends.
fn fill(from: &mut impl Read, room: &mut [u8]) -> Result<usize> {
    let mut found = 0;
    while let Some(rest) = room.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn structured() -> Failure {
    bad_file(".npy", "its elements have fields").advise("save one field: array['field']")
}

/// An end in the middle of something is no end of a stream.
fn cut(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => bad_file(".npy", "it ends within its header"),
        _ => error.into(),
    }
}
