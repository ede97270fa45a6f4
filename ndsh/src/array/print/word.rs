//! Elements as words of equal width, as in a printed NumPy array.

use super::decimal::Decimal;
use crate::array::element::{Element, FieldType, Grain, Kind};

/// How to print the elements of an array, so that all line up.
pub(super) enum Words {
    Bool,
    Int {
        width: usize,
    },
    /// Texts in quotes; those of points in time line up.
    Quoted {
        width: usize,
    },
    Float(FloatWords),
    Complex(FloatWords, FloatWords),
    /// For each field: its layout, and whether it has several elements.
    Record(Vec<(Self, bool)>),
}

/// The layout of floating-point numbers.
pub(super) struct FloatWords {
    grain: Grain,
    precision: usize,
    /// Whether numbers have an exponent.
    scientific: bool,
    /// Whether numbers without a sign get a `+`.
    plus: bool,
    /// Columns before the point.
    before: usize,
    /// Columns behind the point.
    behind: usize,
    /// Digits of the exponent.
    exponent: usize,
}

impl Words {
    /// Chooses the layout for these elements.
    pub(super) fn new(kind: &Kind, elements: &[Element], precision: usize) -> Self {
        let floats = |part: usize| {
            let of = move |element: &Element| match element {
                Element::Float(number) => Some(*number),
                Element::Complex(parts) => parts.get(part).copied(),
                _ => None,
            };
            elements.iter().filter_map(of).collect::<Vec<_>>()
        };
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Int => {
                let width = |element: &Element| match element {
                    Element::Int(number) => number.to_string().len(),
                    Element::Text(text) => quoted(text).len(),
                    _ => 0,
                };
                Self::Int { width: elements.iter().map(width).max().unwrap_or(0) }
            }
            Kind::Date => {
                let width = |element: &Element| if let Element::Text(text) = element { quoted(text).len() } else { 0 };
                Self::Quoted { width: elements.iter().map(width).max().unwrap_or(0) }
            }
            Kind::Text | Kind::Bytes | Kind::Void => Self::Quoted { width: 0 },
            Kind::Float(grain) => Self::Float(FloatWords::new(&floats(0), *grain, precision, false)),
            Kind::Record(fields) => {
                let field = |(index, field): (usize, &FieldType)| {
                    let values = elements.iter().filter_map(|element| match element {
                        Element::Record(values) => values.get(index),
                        _ => None,
                    });
                    let values: Vec<Element> = values.flatten().cloned().collect();
                    (Self::new(&field.kind.kind, &values, precision), !field.shape.is_empty())
                };
                Self::Record(fields.iter().enumerate().map(field).collect())
            }
            Kind::Complex(grain) => Self::Complex(
                FloatWords::new(&floats(0), *grain, precision, false),
                FloatWords::new(&floats(1), *grain, precision, true),
            ),
        }
    }

    pub(super) fn word(&self, element: &Element) -> String {
        match (self, element) {
            (Self::Bool, Element::Bool(value)) => (if *value { " True" } else { "False" }).to_owned(),
            (Self::Int { width }, Element::Int(number)) => format!("{number:>width$}"),
            (Self::Int { width } | Self::Quoted { width }, Element::Text(text)) => format!("{:>width$}", quoted(text)),
            (Self::Quoted { .. }, Element::Bytes(bytes)) => quoted_bytes(bytes),
            (Self::Float(words), Element::Float(number)) => words.word(*number),
            (Self::Complex(real, imaginary), Element::Complex([re, im])) => {
                let imaginary = imaginary.word(*im);
                // The j comes before the blanks.
                let end = imaginary.trim_end().len();
                let (digits, blanks) = imaginary.split_at(end);
                format!("{}{digits}j{blanks}", real.word(*re))
            }
            (Self::Record(fields), Element::Record(values)) => {
                let fields = fields.iter().zip(values).map(|((words, is_list), values)| {
                    let values: Vec<_> = values.iter().map(|value| words.word(value)).collect();
                    let text = values.join(" ");
                    if *is_list { format!("[{text}]") } else { text }
                });
                in_brackets(&fields.collect::<Vec<_>>())
            }
            _ => String::new(),
        }
    }
}

/// Writes a text as Python does, in quotes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let inner: String = text.chars().map(|c| escaped(c, Some(quote))).collect();
    format!("{quote}{inner}{quote}")
}

/// Writes bytes as Python does, in quotes behind a `b`.
fn quoted_bytes(bytes: &[u8]) -> String {
    let ascii = |byte: &u8| char::from(*byte).is_ascii() && !byte.is_ascii_control();
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let shown = |byte: &u8| match byte {
        b'\t' | b'\n' | b'\r' => escaped(char::from(*byte), None),
        byte if ascii(byte) => escaped(char::from(*byte), Some(quote)),
        byte => format!("\\x{byte:02x}"),
    };
    format!("b{quote}{}{quote}", bytes.iter().map(shown).collect::<String>())
}

/// Writes a character so that it is harmless on a terminal; within quotes also their end.
fn escaped(c: char, quote: Option<char>) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\\' if quote.is_some() => "\\\\".to_owned(),
        '\\' => c.to_string(),
        c if Some(c) == quote => format!("\\{c}"),
        c if crate::output::printable(c.encode_utf8(&mut [0; 4])) == *c.encode_utf8(&mut [0; 4]) => c.to_string(),
        c if u32::from(c) < 0x100 => format!("\\x{:02x}", u32::from(c)),
        c if u32::from(c) < 0x1_0000 => format!("\\u{:04x}", u32::from(c)),
        c => format!("\\U{:08x}", u32::from(c)),
    }
}

/// Puts the fields of a record together, as Python prints a tuple.
fn in_brackets(fields: &[String]) -> String {
    match fields {
        [one] => format!("({one},)"),
        _ => format!("({})", fields.join(", ")),
    }
}

impl FloatWords {
    fn new(numbers: &[f64], grain: Grain, precision: usize, plus: bool) -> Self {
        let mut words = Self { grain, precision, scientific: false, plus, before: 0, behind: 0, exponent: 0 };
        let finite: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
        let sizes = || finite.iter().map(|number| number.abs()).filter(|size| *size != 0.0);
        let (most, least) = (sizes().fold(0.0, f64::max), sizes().fold(f64::INFINITY, f64::min));
        if least.is_finite() {
            words.scientific =
                most >= grain.array_cutoff() || least < grain.round(0.0001) || grain.round(most / least) > 1000.0;
        }
        let decimals: Vec<Decimal> = finite.iter().map(|number| words.decimal(*number)).collect();
        let longest = |len: fn(&Decimal) -> usize| decimals.iter().map(len).max().unwrap_or(0);
        words.before = longest(|decimal| decimal.whole.len());
        words.behind = longest(|decimal| decimal.fraction.len());
        if words.scientific {
            words.precision = words.behind;
            words.exponent = longest(|decimal| decimal.exponent_digits().len()).saturating_sub(1);
        }
        if finite.len() < numbers.len() {
            let minus = plus || numbers.contains(&f64::NEG_INFINITY);
            let point = words.behind_point() + 1;
            words.before =
                words.before.max(3_usize.saturating_sub(point)).max((3 + usize::from(minus)).saturating_sub(point));
        }
        words
    }

    fn decimal(&self, number: f64) -> Decimal {
        let decimal = if self.scientific {
            Decimal::scientific(number, self.grain, self.precision)
        } else {
            Decimal::positional(number, self.grain, self.precision)
        };
        if self.plus { decimal.with_plus() } else { decimal }
    }

    /// Columns behind the point, with those of an exponent.
    fn behind_point(&self) -> usize {
        if self.scientific { self.exponent + 2 + self.behind } else { self.behind }
    }

    fn word(&self, number: f64) -> String {
        if !number.is_finite() {
            let plus = if self.plus { "+" } else { "" };
            let text = match number {
                number if number.is_nan() => format!("{plus}nan"),
                f64::NEG_INFINITY => "-inf".to_owned(),
                _ => format!("{plus}inf"),
            };
            return format!("{text:>width$}", width = self.before + self.behind_point() + 1);
        }
        let (before, behind) = (self.before, self.behind);
        if self.scientific {
            let decimal = Decimal::exact(number, behind);
            let decimal = if self.plus { decimal.with_plus() } else { decimal };
            let exponent = decimal.exponent_digits();
            let (sign, digits) = exponent.split_at(exponent.len().min(1));
            let width = self.exponent;
            return format!("{:>before$}.{:0<behind$}e{sign}{digits:0>width$}", decimal.whole, decimal.fraction);
        }
        let decimal = self.decimal(number);
        format!("{:>before$}.{:<behind$}", decimal.whole, decimal.fraction)
    }
}

/// Writes bytes of text as that, one character for each byte beyond ASCII; others in digits.
pub(super) fn bytes_as_text(bytes: &[u8], kind: &Kind) -> String {
    match (kind, std::str::from_utf8(bytes)) {
        (Kind::Void, _) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        (_, Ok(text)) => text.to_owned(),
        (_, Err(_)) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Prints one number alone, as NumPy prints a scalar.
pub(super) fn scalar(element: &Element, kind: &Kind, precision: Option<usize>) -> String {
    match (element, kind) {
        (Element::Bool(value), _) => (if *value { "True" } else { "False" }).to_owned(),
        (Element::Int(number), _) => number.to_string(),
        (Element::Text(text), _) => text.chars().map(|c| escaped(c, None)).collect(),
        (Element::Bytes(bytes), _) => quoted_bytes(bytes),
        (Element::Float(number), Kind::Float(grain)) => float(*number, *grain, precision, true),
        (Element::Complex([re, im]), Kind::Complex(grain)) => {
            let imaginary = float(*im, *grain, precision, false);
            if *re == 0.0 && re.is_sign_positive() {
                return format!("{imaginary}j");
            }
            let plus = if imaginary.starts_with('-') { "" } else { "+" };
            format!("({}{plus}{imaginary}j)", float(*re, *grain, precision, false))
        }
        (Element::Record(values), Kind::Record(fields)) => {
            let fields = fields.iter().zip(values).map(|(field, values)| {
                let value = |value: &Element| match value {
                    Element::Text(text) => quoted(text),
                    other => scalar(other, &field.kind.kind, precision),
                };
                let text = values.iter().map(value).collect::<Vec<_>>().join(" ");
                if field.shape.is_empty() { text } else { format!("[{text}]") }
            });
            in_brackets(&fields.collect::<Vec<_>>())
        }
        _ => String::new(),
    }
}

/// Prints a number in the fewest digits that stand for it, or in fewer.
///
/// With `point`, a whole number ends with `.0`.
fn float(number: f64, grain: Grain, precision: Option<usize>, point: bool) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let precision = precision.unwrap_or(usize::from(u16::MAX) / 2);
    let whole = if point { ".0" } else { "" };
    if number == 0.0 || (1e-4..grain.scalar_cutoff()).contains(&number.abs()) {
        let Decimal { whole: before, fraction, .. } = Decimal::positional(number, grain, precision);
        return if fraction.is_empty() { format!("{before}{whole}") } else { format!("{before}.{fraction}") };
    }
    let decimal = Decimal::scientific(number, grain, precision);
    let exponent = decimal.exponent_digits();
    let Decimal { whole, fraction, .. } = decimal;
    if fraction.is_empty() { format!("{whole}e{exponent}") } else { format!("{whole}.{fraction}e{exponent}") }
}
