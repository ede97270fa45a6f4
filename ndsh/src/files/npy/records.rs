//! Records in the header of a `.npy` file: the list of their fields.

use super::literal::Literal;
use super::types;
use crate::failure::Result;
use crate::files::bad_file;
use ndsharray::{DType, ElementType, Field, FieldType, NpyRecord, RecordType};
use std::fmt::Write;

/// Reads a list of fields, in either byte order.
pub(super) fn parse(fields: &[Literal]) -> Result<(ElementType, NpyRecord)> {
    let mut text = String::new();
    if list(fields, &mut text).is_none() {
        return Err(bad_file(".npy", "its fields are no list of names and dtypes"));
    }
    let record = NpyRecord::parse(&text).map_err(|error| bad_file(".npy", error))?;
    Ok((element(record.record_type())?, record))
}

/// The element type of records.
pub(crate) fn element(record: &RecordType) -> Result<ElementType> {
    let size = u32::try_from(record.item_size()).unwrap_or(u32::MAX);
    ElementType::new(DType::Record, size).map_err(|error| bad_file(".npy", error))
}

/// Writes a list of fields as the library reads it, whichever way Python's literals have it.
fn list(fields: &[Literal], text: &mut String) -> Option<()> {
    text.push('[');
    for field in fields {
        let Literal::Tuple(parts) = field else { return None };
        let (name, kind, shape) = match parts.as_slice() {
            [name, kind] => (name, kind, None),
            [name, kind, shape] => (name, kind, Some(shape)),
            _ => return None,
        };
        // Where there is a title too, it comes first.
        let name = match name {
            Literal::Tuple(names) => match names.as_slice() {
                [_, name] => name,
                _ => return None,
            },
            name => name,
        };
        let (Literal::Text(name), _) = (name, ()) else { return None };
        text.push('(');
        quote(name, text);
        text.push(',');
        match kind {
            Literal::List(inner) => list(inner, text)?,
            // NumPy has one string for two floats of 8 bits, and reads it as bytes.
            Literal::Text(descr) if matches!(descr.as_str(), "<V1" | ">V1") => text.push_str("'|V1'"),
            Literal::Text(descr) => quote(descr, text),
            _ => return None,
        }
        if let Some(shape) = shape {
            let axes = match shape {
                Literal::Tuple(axes) => axes.as_slice(),
                one => std::slice::from_ref(one),
            };
            text.push_str(",(");
            for axis in axes {
                let Literal::Number(len) = axis else { return None };
                // Writing to a string does not fail.
                let _ = write!(text, "{len},");
            }
            text.push(')');
        }
        text.push_str("),");
    }
    text.push(']');
    Some(())
}

/// Writes a text in quotes.
fn quote(name: &str, text: &mut String) {
    text.push('\'');
    for c in name.chars() {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(text, "\\U{:08x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('\'');
}

/// The list of fields of records, as NumPy reads it.
pub(super) fn to_text(record: &RecordType) -> Result<String> {
    Ok(loadable(record)?.to_npy_descr())
}

/// The same records, without the dtypes that NumPy writes and does not read.
fn loadable(record: &RecordType) -> Result<RecordType> {
    let field = |field: &Field| {
        let kind: FieldType = match field.kind() {
            FieldType::Element(element) => types::loadable(*element).into(),
            FieldType::Record(inner) => loadable(inner)?.into(),
            _ => return Err(bad_file(".npy", "a field is of a newer version of the library")),
        };
        Ok(Field::new(field.name(), field.offset(), kind).with_shape(field.shape()))
    };
    let fields: Vec<Field> = record.fields().iter().map(field).collect::<Result<_>>()?;
    RecordType::new(record.item_size(), fields).map_err(|error| bad_file(".npy", error))
}
