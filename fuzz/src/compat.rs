//! The files of Python's ndsharray.

use crate::scratch::Scratch;
use ndsharray::__decoders::{
    DIGITS, MAX_HEAD, PayloadProof, STAMP, TagProof, decode_payload, decode_tag, encode_tag, prove_payload, prove_tag,
    tag_len,
};
use ndsharray::Error;
use ndsharray::compat::{DTypeTable, Options, Reader};
use std::fs;

const NAME: &str = "fuzz";

/// Tags decode or are refused; what decodes encodes to the same bytes.
///
/// A file that may be written, cut or removed is a tag, or the remains of one that was being made.
/// Another program's file is neither.
///
/// # Panics
///
/// The property does not hold.
pub fn compat_tag(data: &[u8]) {
    let decoded = decode_tag(NAME, data, data.len() as u64);
    if let Ok(hex) = decoded {
        assert_eq!(encode_tag(NAME, &hex), data, "there is one spelling of each tag");
    }
    let proof = prove_tag(NAME, data, data.len() as u64);
    match proof {
        Ok(TagProof::Whole(hex)) => assert_eq!(decoded, Ok(hex)),
        Ok(TagProof::Unfinished) => {
            assert!(decoded.is_err());
            assert!(data.len() <= tag_len(NAME), "nothing is ever cut");
            // The missing bytes can be filled in so that the file becomes a tag.
            let mut whole = encode_tag(NAME, &[b'0'; DIGITS]);
            let is_full = data.len() == whole.len();
            whole.iter_mut().zip(data).filter(|(_, byte)| !(is_full && **byte == 0)).for_each(|(to, byte)| *to = *byte);
            assert!(decode_tag(NAME, &whole, whole.len() as u64).is_ok(), "no start of a tag");
        }
        Err(_) => assert!(decoded.is_err()),
    }
    // The same bytes under the name of a payload file.
    for (hex, is_random) in [(b"0123456789ab4def0123456789abcdef", true), (b"0123456789abcdef0123456789abcdef", false)]
    {
        let front = &data[..data.len().min(MAX_HEAD)];
        match prove_payload(NAME, hex, front, data.len() as u64, false) {
            Ok(PayloadProof::Whole) => {
                assert!(DTypeTable::ALL.iter().any(|table| decode_payload(front, data.len() as u64, *table).is_ok()));
            }
            Ok(PayloadProof::Unfinished) => {
                assert!(is_random, "nothing tells the owner");
                assert!(data.iter().skip(STAMP).take(16).all(|byte| *byte == 0), "neither dtype nor ndim");
            }
            Ok(PayloadProof::Tag) => assert!(is_random && proof.is_ok()),
            Err(_) => assert!(!data.is_empty() || !is_random),
        }
    }
}

/// Payloads decode or are refused, with either list of dtypes.
///
/// What decodes encodes to the same header, and has the file's length. That is the input's, and
/// once more the number in its first eight bytes.
///
/// # Panics
///
/// The property does not hold.
pub fn compat_payload(data: &[u8]) {
    let claimed = data.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let front = &data[..data.len().min(MAX_HEAD)];
    for len in [data.len() as u64, claimed] {
        let answers: Vec<_> = DTypeTable::ALL.iter().map(|table| decode_payload(front, len, *table)).collect();
        assert_eq!(answers[0].is_ok(), answers[1].is_ok(), "the list that is likely decides the meaning, nothing else");
        for layout in answers.into_iter().flatten() {
            let head = &layout.head;
            assert_eq!(head.file_len() as u64, len);
            assert!(front[STAMP..].starts_with(head.bytes()), "there is one spelling of each header");
            let elements: usize = layout.shape.iter().product();
            assert_eq!(head.end_at() - head.body_at(), elements * layout.dtype.size());
            if let Some(table) = layout.table {
                let again = decode_payload(front, len, table).map(|again| again.dtype);
                assert_eq!(again, Ok(layout.dtype), "the length proves the list");
            }
        }
    }
}

/// A reader of any two files answers with the payload's bytes or an error.
///
/// Input: the length of the tag in one byte, or 0 for a tag that is in order; the tag; the payload.
///
/// # Panics
///
/// The property does not hold.
pub fn compat_channel(data: &[u8]) {
    let Some((&len, rest)) = data.split_first() else { return };
    let good = encode_tag(NAME, &[b'a'; DIGITS]);
    let (tag, payload) = match len {
        0 => (good.as_slice(), rest),
        len => rest.split_at(rest.len().min(usize::from(len))),
    };
    let scratch = Scratch::new();
    fs::write(scratch.dir().join(NAME), tag).unwrap();
    fs::write(scratch.dir().join(String::from_utf8(good.clone()).unwrap()), payload).unwrap();
    let opened: Result<Reader, Error> = Options::new().dir(scratch.dir()).open(NAME);
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(Error::Wire(_)) => return,
        Err(Error::Unsupported { .. }) if cfg!(windows) => return,
        Err(error) => panic!("{error:?}"),
    };
    let stamps = payload.first_chunk::<STAMP>().zip(payload.last_chunk::<STAMP>());
    if stamps.is_some_and(|(first, last)| first != last) {
        // The reader would wait for them to agree.
        return;
    }
    match reader.read() {
        Ok(Some(array)) => {
            assert!(reader.is_valid());
            assert!(payload[..payload.len() - STAMP].ends_with(array.as_bytes()));
            let _ = array.any_view();
            assert!(matches!(reader.read(), Ok(None)), "nothing newer");
        }
        Ok(None) => assert_ne!(tag, good, "the file is there"),
        Err(error) => assert!(matches!(error, Error::Wire(_)), "{error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn proofs_hold_for_all_that_looks_like_a_tag(
            len in 0_usize..40,
            zeros in prop::collection::vec(0_usize..40, 0..30),
            other in prop::option::of((0_usize..40, any::<u8>())),
        ) {
            let mut bytes = encode_tag(NAME, b"0123456789abcdef0123456789abcdef");
            bytes.resize(len, b'0');
            for at in zeros {
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = 0);
            }
            if let Some((at, value)) = other {
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = value);
            }
            compat_tag(&bytes);
        }
    }
}
