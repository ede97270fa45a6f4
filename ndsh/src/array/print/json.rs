//! Arrays as nested lists of JSON.

use super::super::element::{Element, Kind};
use super::super::selection::{Axis, Selected};
use super::word::{bytes_as_text, scalar};
use crate::output::json_line;
use std::io::{self, Write};

/// Writes nested lists, as deep as the array has axes.
///
/// An array without elements is an empty list. A complex number is a list of two. JSON has no NaN
/// and no infinities: they are the texts `nan`, `inf` and `-inf`. A record is an object. A point in
/// time is a text, and so are `S`, `U` and, in hexadecimal digits, `V`.
pub(crate) fn write(to: &mut impl Write, array: &Selected<'_>, precision: Option<usize>) -> io::Result<()> {
    let Some(kind) = array.kind() else { return write!(to, "null") };
    if array.len() == 0 {
        return write!(to, "[]");
    }
    axis(to, array, array.axes(), array.first(), &|element| one(element, &kind.kind, precision))
}

fn axis(
    to: &mut impl Write,
    array: &Selected<'_>,
    axes: &[Axis],
    place: isize,
    one: &impl Fn(&Element) -> String,
) -> io::Result<()> {
    let Some((axis, rest)) = axes.split_first() else {
        let element = array.element(place).ok_or(io::ErrorKind::UnexpectedEof)?;
        return write!(to, "{}", one(&element));
    };
    write!(to, "[")?;
    for index in 0..axis.len.cast_signed() {
        if index > 0 {
            write!(to, ",")?;
        }
        self::axis(to, array, rest, place + index * axis.stride, one)?;
    }
    write!(to, "]")
}

fn one(element: &Element, kind: &Kind, precision: Option<usize>) -> String {
    match (element, kind) {
        (Element::Bool(value), _) => value.to_string(),
        (Element::Text(text), _) => json_line(text).unwrap_or_default(),
        (Element::Bytes(bytes), kind) => json_line(&bytes_as_text(bytes, kind)).unwrap_or_default(),
        (Element::Complex(parts), Kind::Complex(grain)) => {
            let [re, im] = parts.map(|part| one(&Element::Float(part), &Kind::Float(*grain), precision));
            format!("[{re},{im}]")
        }
        (Element::Record(values), Kind::Record(fields)) => {
            let fields = fields.iter().zip(values).map(|(field, values)| {
                let name = json_line(&field.name).unwrap_or_default();
                let values: Vec<_> = values.iter().map(|value| one(value, &field.kind.kind, precision)).collect();
                // A field with several elements is a flat list.
                let list = if field.shape.is_empty() { values.concat() } else { format!("[{}]", values.join(",")) };
                format!("{name}:{list}")
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        (Element::Float(number), _) if !number.is_finite() => format!("\"{}\"", scalar(element, kind, precision)),
        _ => scalar(element, kind, precision),
    }
}
