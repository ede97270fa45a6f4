//! The headers of a channel's files, and of the slots on its board.

use ndsharray::__decoders::{FileHeader, FileKind, RawHeader, decode_header};

/// Slot headers decode or are refused; what decodes encodes to the same bytes.
///
/// Copied out of a board word by word, the same bytes mean the same.
///
/// # Panics
///
/// The property does not hold.
pub fn header(data: &[u8]) {
    let decoded = decode_header(data);
    if let Ok(header) = &decoded {
        let again =
            RawHeader::encode(header.payload, header.byte_len, header.written_ns, header.element, &header.shape);
        assert_eq!(decode_header(again.as_bytes()).as_ref(), Ok(header), "encoded and decoded again");
        assert!(data.starts_with(again.as_bytes()), "there is one spelling of each header");
    }
    let word = |i: usize| {
        let mut bytes = [0; 8];
        let found = data.get(i * 8..).unwrap_or_default();
        bytes.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
        u64::from_ne_bytes(bytes)
    };
    let copied = decode_header(RawHeader::copy_out(word).as_bytes());
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
