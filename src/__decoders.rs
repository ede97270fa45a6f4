//! The decoders of bytes that other processes wrote, for the fuzzer in `fuzz/`.
//!
//! Re-exports alone, so that what is fuzzed is what ships. No part of the API: they change without
//! notice.

pub use crate::format::array::ArrayHeader;
pub use crate::format::file::{FileHeader, FileKind};
pub use crate::format::python::{
    DIGITS, MAX_HEAD, PayloadProof, STAMP, TagProof, decode as decode_payload, decode_tag, encode_tag, prove_payload,
    prove_tag, tag_len,
};
pub use crate::format::record::{decode as decode_record, encode as encode_record};
pub use crate::format::record_types::{
    decode_head as decode_types_head, encode_entry, encode_head as encode_types_head, entries,
};
pub use crate::format::slot::{RawHeader, decode as decode_header};
pub use crate::format::tail::{Record, Tail};
