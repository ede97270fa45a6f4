//! How records differ from others.

use super::error::Mismatch;
use super::record_type::{Field, FieldType, RecordType, write_axes};

impl RecordType {
    /// What is not as in `found`, if anything; the order of the fields does not matter.
    pub(crate) fn difference(&self, found: &Self) -> Option<Box<Mismatch>> {
        for field in self.fields() {
            let Some(other) = found.field(field.name()) else {
                return Mismatch::new(field.name(), shown(field), "no such field".to_owned());
            };
            let is_same = match (field.kind(), other.kind()) {
                (FieldType::Element(expected), FieldType::Element(found)) => expected == found,
                (FieldType::Record(expected), FieldType::Record(found)) => {
                    if let Some(mut inner) = expected.difference(found) {
                        let dot = if inner.field.is_empty() { "" } else { "." };
                        inner.field = format!("{}{dot}{}", field.name(), inner.field);
                        return Some(inner);
                    }
                    true
                }
                _ => false,
            };
            if !is_same || field.offset() != other.offset() || field.shape() != other.shape() {
                return Mismatch::new(field.name(), shown(field), shown(other));
            }
        }
        // All of ours are there. One more is one that we do not have.
        if let Some(other) = found.fields().iter().find(|field| self.field(field.name()).is_none()) {
            return Mismatch::new(other.name(), "no such field".to_owned(), shown(other));
        }
        if self.item_size() != found.item_size() {
            let bytes = |record: &Self| format!("records of {} bytes", record.item_size());
            return Mismatch::new("", bytes(self), bytes(found));
        }
        None
    }
}

fn shown(field: &Field) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_axes(&mut text, field.shape().iter().copied());
    format!("{text}{} at byte {}", field.kind(), field.offset())
}
