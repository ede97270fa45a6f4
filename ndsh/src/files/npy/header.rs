//! The header of a `.npy` file, before the elements.

use super::literal::{self, Literal};
use super::{records, types};
use crate::failure::{Failure, Result};
use crate::files::bad_file;
use ndsharray::{ElementType, NpyRecord};
use std::io::{self, Read};

/// How every file starts.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header, in bytes: that of the longest description of records, with room to spare.
const LONGEST_HEADER: usize = 1 << 18;
/// The keys of a header; all must be there, and no others.
const KEYS: [&str; 3] = ["descr", "fortran_order", "shape"];

/// The content of a header.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) element: ElementType,
    /// What the elements consist of if they are records, and whose byte order each field has.
    pub(super) record: Option<NpyRecord>,
    /// Length of the groups of bytes to reverse; 0 for this machine's byte order.
    pub(super) swap: usize,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// What the file is, for messages.
    pub(super) format: &'static str,
}

impl Header {
    /// Whether the elements have to change places to be in C order.
    pub(super) fn is_turned(&self) -> bool {
        self.fortran && self.shape.len() > 1
    }
}

/// Reads the header of the next array in a stream; `None` at its end.
pub(super) fn read(from: &mut impl Read) -> Result<Option<Header>> {
    let mut start = [0; 8];
    match read_up_to(from, &mut start)? {
        0 => return Ok(None),
        8 if start.starts_with(MAGIC) => {}
        _ => return Err(bad_file(".npy", "it does not start as a .npy file")),
    }
    let mut len = [0; 4];
    let [.., major, minor] = start;
    match (major, minor) {
        (1, 0) => from.read_exact(len.split_at_mut(2).0),
        (2 | 3, 0) => from.read_exact(&mut len),
        _ => return Err(bad_file(".npy", format!("version {major}.{minor} of the format is not known"))),
    }
    .map_err(cut)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > LONGEST_HEADER {
        return Err(bad_file(".npy", format!("its header claims {len} bytes, and {LONGEST_HEADER} are possible")));
    }
    let mut text = vec![0; len];
    from.read_exact(&mut text).map_err(cut)?;
    let text = match (major, String::from_utf8(text)) {
        (_, Ok(text)) if major == 3 || text.is_ascii() => text,
        (3, _) => return Err(bad_file(".npy", "its header is no text")),
        // Before version 3 each byte is a character.
        (_, Ok(text)) => text.bytes().map(char::from).collect(),
        (_, Err(error)) => error.into_bytes().into_iter().map(char::from).collect(),
    };
    parse(text.trim(), major < 3).map(Some)
}

/// Parses the dictionary as NumPy does; versions 1 and 2 allow Python 2's syntax.
fn parse(text: &str, python2: bool) -> Result<Header> {
    let Some(Literal::Dict(entries)) = literal::parse(text, python2) else {
        return Err(bad_file(".npy", format!("its header is no dictionary: {text}")));
    };
    let known = |key: &Literal| matches!(key, Literal::Text(key) if KEYS.contains(&key.as_str()));
    if let Some((key, _)) = entries.iter().find(|(key, _)| !known(key)) {
        return Err(bad_file(".npy", format!("its header has an unknown key: {key:?}")));
    }
    let find = |wanted: &str| {
        // Of equal keys the last counts, as in Python.
        let mut found = entries.iter().rev().filter(|(key, _)| matches!(key, Literal::Text(key) if key == wanted));
        found.next().map(|(_, value)| value).ok_or_else(|| bad_file(".npy", format!("its header has no {wanted:?}")))
    };
    let Literal::Truth(fortran) = *find("fortran_order")? else {
        return Err(bad_file(".npy", "fortran_order is neither True nor False"));
    };
    let Literal::Tuple(axes) = find("shape")? else { return Err(bad_file(".npy", "its shape is no tuple")) };
    let axis = |axis: &Literal| match axis {
        Literal::Number(len) => usize::try_from(*len).ok(),
        // Python takes these for the numbers 1 and 0.
        Literal::Truth(len) => Some(usize::from(*len)),
        _ => None,
    };
    let shape = axes
        .iter()
        .map(axis)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| bad_file(".npy", "its shape has an axis that is no length"))?;
    let (element, record, swap) = match find("descr")? {
        Literal::Text(descr) => {
            let (element, swap) = types::parse(descr)?;
            (element, None, swap)
        }
        Literal::List(fields) => {
            let (element, record) = records::parse(fields)?;
            (element, Some(record), 0)
        }
        _ => return Err(bad_file(".npy", "its dtype is neither a name nor a list of fields")),
    };
    Ok(Header { element, record, swap, fortran, shape, format: ".npy" })
}

/// Reads until `room` is full or the stream ends.
pub(super) fn read_up_to(from: &mut impl Read, room: &mut [u8]) -> Result<usize> {
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

/// The failure of a stream that ends within a header.
fn cut(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => bad_file(".npy", "it ends within its header"),
        _ => error.into(),
    }
}
