//! Arrays that the user writes out: `[[1, 2], [3, 4]]`.

use super::Array;
use super::element::{Element, Type};
use ndsharray::{DType, ElementType};
use serde_json::Value;

/// Parses nested lists of numbers, as JSON has them, into an array.
///
/// Without a dtype it is int64, float64, bool or complex128, as NumPy chooses. The texts `nan`,
/// `inf`, `-inf`, and complex numbers such as `1+2j` stand in quotes.
pub(crate) fn parse(text: &str, element: Option<ElementType>) -> Result<Array, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
    let (mut shape, mut elements) = (Vec::new(), Vec::new());
    collect(&value, 0, &mut shape, &mut elements)?;
    let found = element.unwrap_or_else(|| default(&elements).into());
    let entry = Type::of(found, None).ok_or_else(|| format!("there are no literals of {found}"))?;
    let mut bytes = Vec::new();
    for element in &elements {
        let written = (entry.write)(element);
        bytes.extend(written.ok_or_else(|| format!("{} is no {found}", shown(element)))?);
    }
    Ok(Array::new(found, shape, bytes))
}

/// Adds the elements of a value, `depth` lists inside, and the lengths of its lists.
fn collect(value: &Value, depth: usize, shape: &mut Vec<usize>, elements: &mut Vec<Element>) -> Result<(), String> {
    let Value::Array(parts) = value else {
        if depth < shape.len() {
            return Err(format!("{value} stands where others have a list"));
        }
        elements.push(element(value)?);
        return Ok(());
    };
    match shape.get(depth) {
        Some(len) if *len != parts.len() => {
            return Err(format!("lists of {len} and of {} stand side by side", parts.len()));
        }
        Some(_) => {}
        None if elements.is_empty() => shape.push(parts.len()),
        None => return Err("a list stands where others have a number".to_owned()),
    }
    parts.iter().try_for_each(|part| collect(part, depth + 1, shape, elements))
}

fn element(value: &Value) -> Result<Element, String> {
    match value {
        Value::Bool(value) => Ok(Element::Bool(*value)),
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            Ok(whole.map_or_else(|| Element::Float(number.as_f64().unwrap_or(f64::NAN)), Element::Int))
        }
        Value::String(text) => text
            .trim()
            .parse()
            .map(Element::Float)
            .ok()
            .or_else(|| complex(text.trim()))
            .ok_or_else(|| format!("{value} is no number")),
        other => Err(format!("{other} is no number")),
    }
}

/// Parses `1+2j`, `-0.5j`.
fn complex(text: &str) -> Option<Element> {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let number = text.strip_suffix('j')?;
    // The sign of the imaginary part is the last one that does not belong to an exponent.
    let mut signs = number.char_indices().filter(|(at, c)| {
        let before = number.get(..*at).unwrap_or_default();
        matches!(c, '+' | '-') && !before.is_empty() && !before.ends_with(['e', 'E'])
    });
    let (re, im) = match signs.next_back() {
        Some((at, _)) => number.split_at(at),
        None => ("0", number),
    };
    Some(Element::Complex([re.parse().ok()?, im.parse().ok()?]))
}

/// The dtype that NumPy gives such elements.
fn default(elements: &[Element]) -> DType {
    let rank = |element: &Element| match element {
        Element::Bool(_) => 0,
        Element::Int(number) if i64::try_from(*number).is_ok() => 1,
        Element::Int(_) => 2,
        Element::Float(_) => 3,
        // A literal is a number.
        Element::Complex(_) | Element::Text(_) | Element::Bytes(_) | Element::Record(_) => 4,
    };
    match elements.iter().map(rank).max() {
        Some(0) => DType::Bool,
        Some(1) => DType::I64,
        Some(2) => DType::U64,
        Some(4) => DType::C128,
        _ => DType::F64,
    }
}

fn shown(element: &Element) -> String {
    match element {
        Element::Bool(value) => value.to_string(),
        Element::Int(number) => number.to_string(),
        Element::Float(number) => number.to_string(),
        Element::Complex([re, im]) => format!("{re}{im:+}j"),
        Element::Text(_) | Element::Bytes(_) => "a text".to_owned(),
        Element::Record(_) => "a record".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_arrays() {
        let array = parse("[[1, 2], [3, 4]]", Some(DType::U8.into())).unwrap();
        assert_eq!((array.shape.as_slice(), array.bytes.as_slice()), (&[2, 2][..], &[1, 2, 3, 4][..]));
        let of = |text: &str| parse(text, None).map(|array| (array.dtype(), array.shape, array.bytes.len()));
        assert_eq!(of("5"), Ok((DType::I64, vec![], 8)));
        assert_eq!(of("[1, 2.5, \"nan\"]"), Ok((DType::F64, vec![3], 24)));
        assert_eq!(of("[true]"), Ok((DType::Bool, vec![1], 1)));
        assert_eq!(of("[\"1+2j\", \"-1e-3j\"]"), Ok((DType::C128, vec![2], 32)));
        assert_eq!(of("[[], []]"), Ok((DType::F64, vec![2, 0], 0)));
        assert_eq!(of("[18446744073709551615]"), Ok((DType::U64, vec![1], 8)));
        for bad in ["", "[1, [2]]", "[[1], 2]", "[[1, 2], [3]]", "[1,]", "{\"a\": 1}", "[\"x\"]", "null", "[[], [1]]"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_must_fit() {
        let fits = |text: &str, dtype: DType| parse(text, Some(ElementType::from_dtype(dtype))).is_ok();
        assert!(
            fits("255", DType::U8) && !fits("256", DType::U8) && !fits("-1", DType::U8) && !fits("1.5", DType::I32)
        );
        assert!(fits("2.0", DType::I32) && fits("1", DType::F16) && fits("true", DType::U8) && fits("1", DType::C64));
        assert!(!fits("2", DType::Bool) && !fits("\"1j\"", DType::F64) && !fits("1e99", DType::I64));
        for &dtype in DType::ALL.iter().filter(|dtype| **dtype < DType::Bytes && **dtype != DType::DateTime64) {
            let array = parse("[[0, 1]]", Some(dtype.into())).unwrap();
            assert_eq!(array.bytes.len(), 2 * dtype.size(), "{dtype}");
        }
    }
}
