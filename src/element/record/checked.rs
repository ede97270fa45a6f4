//! Whether bytes are records, where these are known at run time.

use super::layout::InvalidByte;
use super::record_type::{Field, FieldType, RecordType};
use crate::element::validity;

impl RecordType {
    /// Whether any bytes are a value.
    pub(crate) fn takes_any_bytes(&self) -> bool {
        self.fields().iter().all(|field| match field.kind() {
            FieldType::Element(element) => validity::takes_any_bytes(*element),
            FieldType::Record(record) => record.takes_any_bytes(),
        })
    }

    /// The first byte that no value has there; `bytes` are those of one record.
    pub(crate) fn invalid_byte(&self, bytes: &[u8]) -> Option<InvalidByte> {
        self.fields().iter().find_map(|field| field.invalid_byte(bytes))
    }
}

impl Field {
    fn invalid_byte(&self, record: &[u8]) -> Option<InvalidByte> {
        let begin = self.offset();
        let own = record.get(begin..begin.checked_add(self.size())?)?;
        match self.kind() {
            FieldType::Element(element) => {
                let wrong = validity::invalid_byte(*element, own)?;
                Some(InvalidByte { at: begin + wrong, value: own.get(wrong).copied()? })
            }
            FieldType::Record(inner) if inner.takes_any_bytes() => None,
            FieldType::Record(inner) => {
                let items = own.chunks_exact(inner.item_size()).zip((begin..).step_by(inner.item_size()));
                items.into_iter().find_map(|(item, at)| {
                    let wrong = inner.invalid_byte(item)?;
                    Some(InvalidByte { at: at + wrong.at, ..wrong })
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::dtype::DType;

    #[test]
    fn the_first_wrong_byte_is_found_wherever_it_lies() {
        let flags = Field::new("flags", 4, DType::Bool).with_shape(&[2]);
        let inner = RecordType::new(8, [Field::new("x", 0, DType::F32), flags]).unwrap();
        assert!(!inner.takes_any_bytes());
        let fields = [Field::new("ok", 1, DType::Bool), Field::new("in", 2, inner).with_shape(&[2])];
        let record = RecordType::new(20, fields).unwrap();
        let bytes = [0; 20];
        assert_eq!(record.invalid_byte(&bytes), None);
        // Its own field, and those of both inner records; no others: those have any bytes.
        for at in 0..20 {
            let mut bytes = [1; 20];
            bytes[at] = 7;
            let is_bool = [1, 6, 7, 14, 15].contains(&at);
            assert_eq!(record.invalid_byte(&bytes), is_bool.then_some(InvalidByte { at, value: 7 }), "{at}");
        }
        assert!(RecordType::packed([("x", DType::F32)]).unwrap().takes_any_bytes());
    }
}
