//! One value as the bytes of a message: an `.npy` file with a note behind it.
//!
//! | bytes | content |
//! |---|---|
//! | `header` | of an `.npy` file |
//! | | the elements |
//! | 8 for each axis | the lengths of the axes |
//! | `attributes` | the attributes |
//! | 72 | the tail |
//!
//! `numpy.load` reads the front, and needs nothing of the rest. The tail, little-endian:
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 8 | the value's number; 0 if it has none |
//! | 8 | 8 | values before it that were missed |
//! | 16 | 8 | epoch: which of the channel's writers wrote it; 0 if that is not known |
//! | 24 | 16 | incarnation: the lineage of the number; zeros if that is not known |
//! | 40 | 8 | when it was written, in nanoseconds since 1970, with a sign |
//! | 48 | 8 | the same on the recorder's monotonic clock |
//! | 56 | 4 | bytes of the header |
//! | 60 | 2 | bytes of the attributes |
//! | 62 | 1 | axes |
//! | 63 | 1 | flags: 1 if the time is known, 2 if the monotonic time is; other bits are zero |
//! | 64 | 8 | `ndshnpy1` |

use super::elements::Elements;
use super::note::Note;
use crate::array::no_memory;
use crate::failure::{Failure, Result};
use crate::files::bad_file;
use ndsharray::{MAX_ATTRIBUTES, MAX_NDIM};
use uuid::Uuid;

/// How every message ends.
const MAGIC: &[u8; 8] = b"ndshnpy1";
/// Bytes of the tail.
const TAIL: usize = 72;
/// Flags of the tail.
const HAS_TIME: u8 = 1;
const HAS_MONOTONIC: u8 = 2;

/// A value with its note, in memory for a message.
pub(crate) struct Message {
    bytes: Vec<u8>,
    header: usize,
    elements: usize,
    attributes: usize,
}

impl Message {
    /// Encodes a value into `room`, whose content is lost.
    pub(crate) fn encode(
        mut room: Vec<u8>,
        elements: &Elements,
        shape: &[usize],
        bytes: &[u8],
        attributes: &[u8],
        note: &Note,
    ) -> Result<Self> {
        let header = header(elements, shape)?;
        let len = header.len() + bytes.len() + 8 * shape.len() + attributes.len() + TAIL;
        room.clear();
        room.try_reserve_exact(len).map_err(|_| no_memory(len))?;
        room.extend_from_slice(&header);
        room.extend_from_slice(bytes);
        shape.iter().for_each(|&axis| room.extend_from_slice(&(axis as u64).to_le_bytes()));
        room.extend_from_slice(attributes);
        room.extend_from_slice(&tail(note, header.len(), attributes.len(), shape.len())?);
        Ok(Self { bytes: room, header: header.len(), elements: bytes.len(), attributes: attributes.len() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the value's elements.
    pub(crate) fn elements(&self) -> &[u8] {
        self.bytes.get(self.header..self.header + self.elements).unwrap_or_default()
    }

    pub(crate) fn attributes(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(TAIL);
        self.bytes.get(end.saturating_sub(self.attributes)..end).unwrap_or_default()
    }

    /// Gives the memory back, for another message.
    pub(crate) fn into_room(self) -> Vec<u8> {
        self.bytes
    }
}

/// What a message says.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded<'a> {
    /// Its time since the beginning is not in the message.
    pub(crate) note: Note,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: &'a [u8],
    pub(crate) attributes: &'a [u8],
}

/// Reads a message, which may be damaged.
pub(crate) fn decode<'a>(elements: &Elements, message: &'a [u8]) -> Result<Decoded<'a>> {
    let (front, tail) = message.split_last_chunk::<TAIL>().ok_or_else(|| bad("it is too short"))?;
    let (fields, magic) = tail.split_last_chunk::<8>().ok_or_else(|| bad("it is too short"))?;
    if magic != MAGIC {
        return Err(bad("it has no note at its end"));
    }
    let word = |at: usize| fields.get(at..).and_then(|rest| rest.first_chunk::<8>()).copied().unwrap_or_default();
    let number = |at| u64::from_le_bytes(word(at));
    let [h0, h1, h2, h3, a0, a1, axes, flags] = word(56);
    let incarnation: [u8; 16] = fields.get(24..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    if flags & !(HAS_TIME | HAS_MONOTONIC) != 0 {
        return Err(bad(format!("its flags are {flags:#x}")));
    }
    let (header_len, attributes) = (u32::from_le_bytes([h0, h1, h2, h3]), usize::from(u16::from_le_bytes([a0, a1])));
    let header_len = usize::try_from(header_len).map_err(|_| bad("its header is too long"))?;
    let axes = usize::from(axes);
    if axes > MAX_NDIM || attributes > MAX_ATTRIBUTES {
        return Err(bad(format!("it claims {axes} axes and {attributes} bytes of attributes")));
    }
    let behind = 8 * axes + attributes;
    let npy = front.len().checked_sub(behind).ok_or_else(|| bad("it is too short"))?;
    let (npy, behind) = front.split_at(npy);
    let (dims, attributes) = behind.split_at(8 * axes);
    let axis = |bytes: &[u8; 8]| usize::try_from(u64::from_le_bytes(*bytes)).map_err(|_| bad("an axis is too long"));
    let shape = dims.as_chunks().0.iter().map(axis).collect::<Result<Vec<usize>>>()?;
    let count = shape.iter().try_fold(elements.size(), |len, &axis| len.checked_mul(axis));
    let len = if shape.contains(&0) { Some(0) } else { count };
    if len.and_then(|len| len.checked_add(header_len)) != Some(npy.len()) {
        return Err(bad(format!("it has {} bytes for an array of shape {shape:?}", npy.len())));
    }
    let (found, bytes) = npy.split_at(header_len);
    // What NumPy reads there is what is published here.
    if found != header(elements, &shape)? {
        return Err(bad("its header says something else than the schema"));
    }
    let seq = Some(number(0)).filter(|&seq| seq != 0);
    let note = Note {
        time: 0.0,
        unix_time: i64::from_le_bytes(word(40)) as f64 / 1e9,
        time_ns: (flags & HAS_TIME != 0).then(|| i64::from_le_bytes(word(40))),
        monotonic_ns: (flags & HAS_MONOTONIC != 0).then(|| number(48)),
        seq,
        missed: seq.map(|_| number(8)),
        epoch: Some(number(16)).filter(|&epoch| epoch != 0),
        incarnation: Some(Uuid::from_bytes(incarnation)).filter(|id| !id.is_nil()),
    };
    Ok(Decoded { note, shape, bytes, attributes })
}

fn tail(note: &Note, header: usize, attributes: usize, axes: usize) -> Result<[u8; TAIL]> {
    let too_long = |_| bad("it is too long");
    let flags =
        if note.time_ns.is_some() { HAS_TIME } else { 0 } | if note.monotonic_ns.is_some() { HAS_MONOTONIC } else { 0 };
    let mut tail = Vec::with_capacity(TAIL);
    tail.extend(note.seq.unwrap_or(0).to_le_bytes());
    tail.extend(note.missed.unwrap_or(0).to_le_bytes());
    tail.extend(note.epoch.unwrap_or(0).to_le_bytes());
    tail.extend(note.incarnation.unwrap_or_default().into_bytes());
    tail.extend(note.time_ns.unwrap_or(0).to_le_bytes());
    tail.extend(note.monotonic_ns.unwrap_or(0).to_le_bytes());
    tail.extend(u32::try_from(header).map_err(too_long)?.to_le_bytes());
    tail.extend(u16::try_from(attributes).map_err(too_long)?.to_le_bytes());
    tail.push(u8::try_from(axes).map_err(too_long)?);
    tail.push(flags);
    tail.extend(MAGIC);
    <[u8; TAIL]>::try_from(tail).map_err(|_| bad("its tail has a wrong length"))
}

/// The header of an `.npy` file, as NumPy writes it: elements begin at a multiple of 64 bytes.
fn header(elements: &Elements, shape: &[usize]) -> Result<Vec<u8>> {
    let shape = crate::output::shape(shape);
    let text = format!("{{'descr': {}, 'fortran_order': False, 'shape': {shape}, }}", elements.descr());
    // Names of fields may have any characters, which version 3 has in UTF-8.
    let (version, wide) = match (text.is_ascii(), text.len() + 128 < usize::from(u16::MAX)) {
        (true, true) => (1, false),
        (true, false) => (2, true),
        (false, _) => (3, true),
    };
    let start = if wide { 12 } else { 10 };
    let total = (start + text.len() + 1).next_multiple_of(64);
    let len = total - start;
    let mut header = Vec::with_capacity(total);
    header.extend_from_slice(crate::files::npy::MAGIC);
    header.extend([version, 0]);
    if wide {
        header.extend(u32::try_from(len).map_err(|_| bad("its header is too long"))?.to_le_bytes());
    } else {
        header.extend(u16::try_from(len).map_err(|_| bad("its header is too long"))?.to_le_bytes());
    }
    header.extend_from_slice(text.as_bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    Ok(header)
}

fn bad(what: impl Into<String>) -> Failure {
    bad_file("recording's message", what.into())
}

#[cfg(test)]
mod tests {
    use super::super::elements::tests::all;
    use super::*;
    use crate::failure::Exit;
    use ndsharray::DType;
    use proptest::prelude::*;

    const U16: Elements = Elements::Plain(ndsharray::ElementType::from_dtype(DType::U16));

    fn note() -> impl Strategy<Value = Note> {
        let times = (any::<Option<i64>>(), any::<Option<u64>>());
        (any::<u64>(), any::<u64>(), any::<u64>(), any::<u128>(), times).prop_map(
            |(seq, missed, epoch, id, (time_ns, monotonic_ns))| Note {
                time: 0.0,
                unix_time: time_ns.unwrap_or(0) as f64 / 1e9,
                time_ns,
                monotonic_ns,
                seq: Some(seq).filter(|&seq| seq != 0),
                missed: Some(missed).filter(|_| seq != 0),
                epoch: Some(epoch).filter(|&epoch| epoch != 0),
                incarnation: Some(Uuid::from_u128(id)).filter(|id| !id.is_nil()),
            },
        )
    }

    fn a_message() -> Vec<u8> {
        let note = Note { seq: Some(3), missed: Some(1), ..Note::default() };
        Message::encode(Vec::new(), &U16, &[2, 1], &[1, 2, 3, 4], b"attr", &note).unwrap().into_room()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn messages_come_back(
            which in any::<proptest::sample::Index>(),
            shape in prop::collection::vec(0_usize..4, 0..4),
            attributes in prop::collection::vec(any::<u8>(), 0..40),
            note in note(),
            byte: u8,
        ) {
            let all = all();
            let elements = which.get(&all);
            let bytes = vec![byte; elements.size() * shape.iter().product::<usize>()];
            let message = Message::encode(vec![9; 7], elements, &shape, &bytes, &attributes, &note).unwrap();
            prop_assert_eq!((message.elements(), message.attributes()), (&bytes[..], &attributes[..]));
            let decoded = decode(elements, message.as_bytes()).unwrap();
            prop_assert_eq!(decoded, Decoded { note, shape, bytes: &bytes, attributes: &attributes });
        }

        #[test]
        fn any_bytes_have_an_answer(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0_usize..100,
            patches in prop::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        ) {
            prop_assert!(decode(&U16, &bytes).is_err());
            let whole = a_message();
            bytes.truncate(cut);
            bytes.extend(&whole);
            for (at, byte) in patches {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = decode(&U16, &bytes);
        }
    }

    #[test]
    fn a_message_of_another_length_is_refused() {
        let whole = a_message();
        assert!(decode(&U16, &whole).is_ok());
        for len in 0..whole.len() {
            assert_eq!(decode(&U16, &whole[..len]).unwrap_err().exit(), Exit::Corrupt, "{len}");
            assert_eq!(decode(&U16, &whole[len + 1..]).unwrap_err().exit(), Exit::Corrupt, "{len}");
        }
        assert!(decode(&Elements::Plain(DType::I16.into()), &whole).is_err(), "other elements");
    }

    /// The table at the top, to the byte.
    #[test]
    #[cfg(target_endian = "little")]
    fn messages_look_as_documented() {
        let note = Note {
            seq: Some(0x0102),
            missed: Some(3),
            epoch: Some(4),
            incarnation: Some(Uuid::from_u128(5)),
            time_ns: Some(-6),
            monotonic_ns: Some(7),
            ..Note::default()
        };
        let message = Message::encode(Vec::new(), &U16, &[1], &[8, 9], b"a", &note).unwrap().into_room();
        let (front, tail) = message.split_at(message.len() - 72);
        let mut wanted = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }".to_vec();
        wanted.resize(127, b' ');
        wanted.push(b'\n');
        wanted.extend([8, 9, 1, 0, 0, 0, 0, 0, 0, 0, b'a']);
        assert_eq!(front, wanted);
        let wanted = "0201000000000000 0300000000000000 0400000000000000 00000000000000000000000000000005 \
                      faffffffffffffff 0700000000000000 80000000 0100 01 03 6e64736e70793100";
        let wanted = wanted.replace("6e64736e70793100", "6e6473686e707931").replace(' ', "");
        assert_eq!(crate::output::attributes::to_hex(tail), wanted);
    }
}
