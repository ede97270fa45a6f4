//! What the code of `#[derive(Record)]` names. No part of the API: it changes without notice.

pub use crate::element::record::field::{RecordField, assert_padding};
pub use crate::element::record::layout::{FieldLayout, KindLayout, Record, RecordLayout};
