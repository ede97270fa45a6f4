//! What a writer knows of its channel's records.

use crate::channel::record_types::WrittenTypes;
use crate::element::element_type::ElementType;
use crate::element::record::layout::RecordLayout;
use crate::element::record::record_type::RecordType;

/// The descriptions in the channel's file, and the last that were asked for.
#[derive(Default)]
pub(super) struct Types {
    pub(super) written: WrittenTypes,
    pub(super) last: Option<Last>,
}

/// What was last asked for, and the answer.
pub(super) struct Last {
    pub(super) layout: Option<&'static RecordLayout>,
    pub(super) record: RecordType,
    pub(super) element: ElementType,
}
