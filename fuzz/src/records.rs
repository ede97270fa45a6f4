//! What records consist of: descriptions, their file, and what NumPy writes about them.

use ndsharray::__decoders::{
    decode_record, decode_types_head, encode_entry, encode_record, encode_types_head, entries,
};
use ndsharray::{AnyFieldView, Field, FieldType, NpyRecord, RecordType, RecordView};

/// Descriptions decode or are refused; what decodes encodes to the same bytes, and can be used.
///
/// The bytes are taken for a description, for a file of them, and for the text of NumPy.
///
/// # Panics
///
/// The property does not hold.
pub fn record(data: &[u8]) {
    if let Ok(record) = decode_record(data) {
        assert_eq!(encode_record(&record), data, "there is one spelling of each description");
        check(&record);
    }
    if let Ok(Some(lineage)) = decode_types_head(data) {
        assert_eq!(decode_types_head(&encode_types_head(lineage)), Ok(Some(lineage)));
    }
    if let Ok((found, end)) = entries(data) {
        let again: Vec<u8> = found.iter().flat_map(|description| encode_entry(description)).collect();
        assert_eq!(64 + again.len(), end, "what is behind the last is no description");
        found.iter().filter_map(|description| decode_record(description).ok()).for_each(|record| check(&record));
    }
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(read) = NpyRecord::parse(text)
    {
        check(read.record_type());
        let mut bytes = vec![1; read.record_type().item_size().min(1 << 16)];
        read.make_native(&mut bytes);
    }
}

/// A record that is one: its fields lie in it, and it comes back from all that it is written as.
fn check(record: &RecordType) {
    for field in record.fields() {
        assert!(field.offset() + field.size() <= record.item_size(), "within the record");
        assert_eq!(record.field(field.name()), Some(field), "its name is its own");
    }
    assert_eq!(decode_record(&encode_record(record)).as_ref(), Ok(record));
    let text = record.to_npy_descr();
    let again = RecordType::from_npy_descr(&text).expect("what is written is read");
    assert_eq!((again.item_size(), sorted(&again)), (record.item_size(), sorted(record)), "{text}");
    assert!(!record.to_string().contains('\n'));
    if record.item_size() <= 1 << 12 {
        let bytes = vec![0; 2 * record.item_size()];
        let view = RecordView::new(record, &[2], &bytes).expect("as long as two records");
        look(record, &|name| view.field(name).ok());
    }
}

/// Looks at each field by name, and at those within.
fn look<'a>(record: &RecordType, field: &dyn Fn(&str) -> Option<AnyFieldView<'a>>) {
    for described in record.fields() {
        // A field with too many axes, together with those around it, has no view.
        let Some(view) = field(described.name()) else { continue };
        assert_eq!(view.to_bytes().len(), view.len() * described.kind().size());
        if let (AnyFieldView::Record(nested), FieldType::Record(inner)) = (&view, described.kind()) {
            look(inner, &|name| nested.field(name).ok());
        }
    }
}

/// The fields in the order in which they lie, as NumPy writes them.
fn sorted(record: &RecordType) -> Vec<(usize, usize, String)> {
    let row = |field: &Field| (field.offset(), field.size(), field.name().to_owned());
    let mut rows: Vec<_> = record.fields().iter().map(row).collect();
    rows.sort();
    rows
}
