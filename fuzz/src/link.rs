//! What travels beside a value between machines.

use ndsharray_link::attachment::{Attachment, MAX_LEN, Place};
use ndsharray_link::names;

/// Attachments decode or are refused; what decodes encodes to the same bytes.
///
/// The first eight bytes are the length of the payload. The rest is the attachment, and a chunk of
/// a key.
///
/// # Panics
///
/// The property does not hold.
pub fn link(data: &[u8]) {
    const MAX: u64 = 1 << 40;
    let Some((len, rest)) = data.split_first_chunk() else { return };
    let len = u64::from_le_bytes(*len);
    match Attachment::decode(rest, len, MAX) {
        Ok(read) => {
            assert!(rest.len() <= MAX_LEN && len <= MAX);
            assert_eq!(read.encode(), rest, "there is one spelling of each attachment");
            assert_eq!(read.byte_len(), Some(len), "shape, element type and payload agree");
            let value = read.value.as_ref();
            assert!(value.is_none_or(|value| read.number > 0 && value.attributes.len() <= ndsharray::MAX_ATTRIBUTES));
        }
        Err(refusal) => {
            assert!(!refusal.reason().is_empty() && !refusal.to_string().contains('\n'));
            // Whatever it is, it may be looked at.
            let _ = Place::of_refused(rest);
        }
    }
    if let Ok(text) = std::str::from_utf8(rest)
        && let Some(name) = names::decode(text)
    {
        assert_eq!(names::encode(&name), text, "there is one spelling of each name");
    }
}
