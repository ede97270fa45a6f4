//! Arrays as lines of comma-separated numbers.

use super::super::element::{Element, Kind};
use super::super::selection::Selected;
use super::word::{bytes_as_text, scalar};
use std::io::{self, Write};

/// Writes a line for each row, which is the last axis; rows of all other axes follow in C order.
///
/// Each record is a line, with the elements of all its fields.
pub(crate) fn write(to: &mut impl Write, array: &Selected<'_>, precision: Option<usize>) -> io::Result<()> {
    let Some(kind) = array.kind().map(|entry| &entry.kind) else { return Ok(()) };
    let is_record = matches!(kind, Kind::Record(_));
    let row = if is_record { 1 } else { array.axes().last().map_or(1, |axis| axis.len) };
    let (mut count, mut done) = (0, Ok(()));
    array.for_each(&mut |place| {
        count += 1;
        let end = if count % row == 0 { '\n' } else { ',' };
        if done.is_ok()
            && let Some(element) = array.element(place)
        {
            let mut cells = Vec::new();
            collect(&element, kind, precision, &mut cells);
            done = write!(to, "{}{end}", cells.join(","));
        }
    });
    done
}

/// The text of a cell, in quotes where it has a comma or a quote.
fn cell(element: &Element, kind: &Kind, precision: Option<usize>) -> String {
    let text = match element {
        Element::Bytes(bytes) => scalar(&Element::Text(bytes_as_text(bytes, kind)), kind, precision),
        _ => scalar(element, kind, precision),
    };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Adds the cells of an element: one for each number of a record.
fn collect(element: &Element, kind: &Kind, precision: Option<usize>, cells: &mut Vec<String>) {
    let (Element::Record(values), Kind::Record(fields)) = (element, kind) else {
        return cells.push(cell(element, kind, precision));
    };
    for (field, values) in fields.iter().zip(values) {
        values.iter().for_each(|value| collect(value, &field.kind.kind, precision, cells));
    }
}
