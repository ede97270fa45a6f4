//! The headers of a channel's files, and of the slots on its board.

use ndsharray::__decoders::{FileHeader, FileKind, RawHeader, Tail, decode_header};
use ndsharray::MAX_ATTRIBUTES;

/// Where the length of the attributes stands, from the header's first byte on.
const LENGTH_AT: usize = 560;

/// Slot headers decode or are refused; what decodes encodes to the same bytes.
///
/// Copied out of a board word by word, the same bytes mean the same. The length of the attributes
/// stands where a slot has it.
///
/// # Panics
///
/// The property does not hold.
pub fn header(data: &[u8]) {
    let attributes =
        data.get(LENGTH_AT..).and_then(|rest| rest.first_chunk()).map_or(0, |len| u32::from_ne_bytes(*len));
    let decoded = decode_header(data, attributes);
    if let Ok(header) = &decoded {
        let again =
            RawHeader::encode(header.payload, header.byte_len, header.written_ns, header.element, &header.shape)
                .with_tail(header.tail);
        assert_eq!(again.decode().as_ref(), Ok(header), "encoded and decoded again");
        assert!(data.starts_with(again.as_bytes()), "there is one spelling of each header");
        let len = header.tail.attributes();
        assert!(len == 0 || len == attributes, "attributes of {len} bytes, where {attributes} stand");
        assert!(Tail::new(header.tail != Tail::NONE, len as usize).is_some(), "{len}, but {MAX_ATTRIBUTES} at most");
    }
    let word = |i: usize| {
        let mut bytes = [0; 8];
        let found = data.get(i * 8..).unwrap_or_default();
        bytes.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
        u64::from_ne_bytes(bytes)
    };
    let copied = RawHeader::copy_out(word, || attributes).decode();
    if let Ok(header) = decoded {
        assert_eq!(copied, Ok(header), "copied out of a board");
    }
}

/// The heads of both files decode or are refused; what decodes encodes to the same bytes.
///
/// # Panics
///
/// The property does not hold.
pub fn head(data: &[u8]) {
    for kind in [FileKind::Board, FileKind::Readers] {
        if let Ok(head) = FileHeader::decode(kind, data) {
            let again = head.encode(kind);
            assert_eq!(FileHeader::decode(kind, &again), Ok(head), "encoded and decoded again");
            assert!(data.starts_with(&again[..56]), "there is one spelling of each head, but for the reserved bytes");
        }
    }
}
