//! Records as NumPy writes them into files: the value of `descr` in the header of an `.npy` file.
//!
//! A pure function from text to a [`NpyRecord`] or a [`RecordError`]. NumPy lists the fields in the
//! order in which they lie, and names what no field takes `''`:
//!
//! ```text
//! [('x', '<f4'), ('', '|V4'), ('rgb', '|u1', (3,)), ('pose', [('at', '<f8'), ('to', '<f8')])]
//! ```
//!
//! Where a field has a title, which is a second name, that is ignored.

use super::npy_leaf;
use crate::element::record::error::RecordError;
use crate::element::record::limits::{MAX_DEPTH, MAX_FIELDS, MAX_NAME};
use crate::element::record::record_type::{Field, FieldType, RecordType};
use core::fmt::Write;

/// A record as a file describes it, whose numbers may be of the other byte order.
///
/// ```
/// use ndsharray::NpyRecord;
///
/// let read = NpyRecord::parse("[('a', '>u2'), ('b', '|u1')]")?;
/// let mut bytes = [1, 0, 7];
/// read.make_native(&mut bytes);
/// assert_eq!(bytes, [256_u16.to_ne_bytes().as_slice(), &[7]].concat()[..]);
/// # Ok::<(), ndsharray::RecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyRecord {
    record: RecordType,
    /// For each field of the record, in its order.
    orders: Vec<Order>,
}

/// Whose byte order a field has.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Native,
    /// Numbers of this many bytes are turned around.
    Turned(usize),
    /// Each field its own.
    Fields(Vec<Order>),
}

impl NpyRecord {
    /// Reads the value of `descr`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Descr`] for what is no list of fields, or has a dtype that this library does
    /// not have; otherwise as [`RecordType::new`].
    pub fn parse(descr: &str) -> Result<Self, RecordError> {
        let mut parser = Parser { text: descr, at: 0, fields: 0 };
        let parsed = parser.record(1)?;
        parser.space();
        if parser.at < descr.len() { Err(parser.wrong("something behind the list of fields")) } else { Ok(parsed) }
    }

    /// The record, in this machine's byte order.
    #[must_use]
    pub fn record_type(&self) -> &RecordType {
        &self.record
    }

    /// Whether the file's bytes are in this machine's order already.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.orders.iter().all(Order::is_native)
    }

    /// Turns numbers of the other byte order around, in whole records.
    pub fn make_native(&self, bytes: &mut [u8]) {
        if !self.is_native() {
            turn_records(&self.record, &self.orders, bytes);
        }
    }
}

impl Order {
    fn is_native(&self) -> bool {
        match self {
            Self::Native => true,
            Self::Turned(_) => false,
            Self::Fields(orders) => orders.iter().all(Self::is_native),
        }
    }
}

fn turn_records(record: &RecordType, orders: &[Order], bytes: &mut [u8]) {
    for item in bytes.chunks_exact_mut(record.item_size()) {
        for (field, order) in record.fields().iter().zip(orders) {
            let Some(own) = item.get_mut(field.offset()..field.offset() + field.size()) else { continue };
            match (order, field.kind()) {
                (Order::Turned(size), _) => own.chunks_exact_mut(*size).for_each(<[u8]>::reverse),
                (Order::Fields(inner), FieldType::Record(record)) => turn_records(record, inner, own),
                _ => {}
            }
        }
    }
}

impl RecordType {
    /// The value of `descr` in the header of an `.npy` file, as NumPy writes it.
    ///
    /// ```
    /// use ndsharray::{DType, Field, RecordType};
    ///
    /// let fields = [Field::new("a", 0, DType::U8), Field::new("b", 4, DType::F32)];
    /// let record = RecordType::new(8, fields)?;
    /// # if cfg!(target_endian = "little") {
    /// assert_eq!(record.to_npy_descr(), "[('a', '|u1'), ('', '|V3'), ('b', '<f4')]");
    /// # }
    /// # Ok::<(), ndsharray::RecordError>(())
    /// ```
    #[must_use]
    pub fn to_npy_descr(&self) -> String {
        let mut text = String::new();
        write_record(self, &mut text);
        text
    }

    /// The record that the value of `descr` describes, in this machine's byte order.
    ///
    /// [`NpyRecord::parse`] also tells which bytes of a file have to be turned around.
    ///
    /// # Errors
    ///
    /// As [`NpyRecord::parse`].
    pub fn from_npy_descr(descr: &str) -> Result<Self, RecordError> {
        NpyRecord::parse(descr).map(|read| read.record)
    }
}

/// Writing to a string does not fail, so its answers are dropped.
fn write_record(record: &RecordType, text: &mut String) {
    let mut fields: Vec<&Field> = record.fields().iter().collect();
    // NumPy has no way to write another order.
    fields.sort_by_key(|field| (field.offset(), field.size()));
    text.push('[');
    let mut end = 0;
    let gap = |text: &mut String, bytes: usize| {
        if bytes > 0 {
            let _ = write!(text, "('', '|V{bytes}'), ");
        }
    };
    for field in fields {
        gap(text, field.offset().saturating_sub(end));
        text.push('(');
        write_name(field.name(), text);
        text.push_str(", ");
        match field.kind() {
            FieldType::Record(inner) => write_record(inner, text),
            FieldType::Element(element) => {
                let _ = write!(text, "'{}'", npy_leaf::to_text(*element));
            }
        }
        match field.shape() {
            [] => {}
            [axis] => {
                let _ = write!(text, ", ({axis},)");
            }
            axes => {
                let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
                let _ = write!(text, ", ({})", axes.join(", "));
            }
        }
        text.push_str("), ");
        end = field.offset() + field.size();
    }
    gap(text, record.item_size().saturating_sub(end));
    text.truncate(text.trim_end_matches(", ").len());
    text.push(']');
}

/// A name as a literal of Python.
fn write_name(name: &str, text: &mut String) {
    text.push('\'');
    for c in name.chars() {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            // In Latin-1, as the header of most files is.
            '\u{00}'..='\u{ff}' => {
                let _ = write!(text, "\\x{:02x}", u32::from(c));
            }
            '\u{100}'..='\u{ffff}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            _ => {
                let _ = write!(text, "\\U{:08x}", u32::from(c));
            }
        }
    }
    text.push('\'');
}

/// Reads a literal of Python from the front.
struct Parser<'a> {
    text: &'a str,
    /// Bytes that have been read.
    at: usize,
    /// Fields so far.
    fields: usize,
}

impl Parser<'_> {
    fn record(&mut self, depth: usize) -> Result<NpyRecord, RecordError> {
        if depth > MAX_DEPTH {
            return Err(RecordError::TooDeep);
        }
        self.expect('[', "a record is a list of fields, which begins with [")?;
        let (mut fields, mut orders, mut end) = (Vec::new(), Vec::new(), 0_usize);
        while !self.skip(']') {
            if self.fields == MAX_FIELDS {
                return Err(RecordError::TooManyFields);
            }
            self.fields += 1;
            self.expect('(', "a field is a tuple, which begins with (")?;
            let name = self.name()?;
            self.expect(',', "the dtype of a field follows a comma")?;
            let (kind, order, size) = self.kind(&name, depth)?;
            let axes = if self.skip(',') && !self.is_next(')') { self.axes()? } else { Vec::new() };
            self.skip(',');
            self.expect(')', "a field ends with )")?;
            let bytes = axes.iter().fold(size, |bytes, &axis| bytes.saturating_mul(axis));
            if let Some(kind) = kind {
                fields.push(Field::new(name, end, kind).with_shape(&axes));
                orders.push(order);
            }
            end = end.saturating_add(bytes);
            if !self.skip(',') {
                self.expect(']', "fields are separated by commas, and the list ends with ]")?;
                break;
            }
        }
        Ok(NpyRecord { record: RecordType::new(end, fields)?, orders })
    }

    /// A name, or a title and a name.
    fn name(&mut self) -> Result<String, RecordError> {
        if !self.skip('(') {
            return self.string();
        }
        self.string()?;
        self.expect(',', "a name follows the title")?;
        let name = self.string()?;
        self.skip(',');
        self.expect(')', "title and name end with )")?;
        Ok(name)
    }

    /// What a field holds, whose byte order it has, and its bytes; no kind for what is no field.
    fn kind(&mut self, name: &str, depth: usize) -> Result<(Option<FieldType>, Order, usize), RecordError> {
        if self.is_next('[') {
            let NpyRecord { record, orders } = self.record(depth + 1)?;
            let size = record.item_size();
            return Ok((Some(record.into()), Order::Fields(orders), size));
        }
        self.space();
        let at = self.at;
        let text = self.string()?;
        if name.is_empty() {
            // NumPy's own fields have names: this is a gap.
            let gap = text.strip_prefix("|V").and_then(|bytes| bytes.parse().ok());
            return match gap {
                Some(bytes) => Ok((None, Order::Native, bytes)),
                None => Err(RecordError::Descr { at, reason: "a field without a name is a gap, such as '|V4'" }),
            };
        }
        let Some((element, turned)) = npy_leaf::parse(&text) else {
            return Err(RecordError::Descr { at, reason: "a dtype that this library does not have" });
        };
        let order = if turned { Order::Turned(npy_leaf::unit(element)) } else { Order::Native };
        Ok((Some(element.into()), order, element.size()))
    }

    fn axes(&mut self) -> Result<Vec<usize>, RecordError> {
        if !self.skip('(') {
            return Ok(vec![self.number()?]);
        }
        let mut axes = Vec::new();
        while !self.skip(')') {
            if axes.len() > MAX_NAME {
                return Err(self.wrong("far too many axes"));
            }
            axes.push(self.number()?);
            if !self.skip(',') {
                self.expect(')', "axes are separated by commas, and end with )")?;
                break;
            }
        }
        Ok(axes)
    }

    fn number(&mut self) -> Result<usize, RecordError> {
        self.space();
        let digits = self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = self.rest().get(..digits).and_then(|digits| digits.parse().ok());
        let number =
            number.ok_or_else(|| self.wrong("the length of an axis is a number that this machine can have"))?;
        self.at += digits;
        Ok(number)
    }

    fn string(&mut self) -> Result<String, RecordError> {
        self.space();
        let quote = match self.next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.wrong("text in quotes is expected")),
        };
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(text),
                Some('\\') => {
                    let c = self.escaped().ok_or_else(|| self.wrong("an escape that is none of Python's"))?;
                    text.push(c);
                }
                Some(c) if c != '\n' && text.len() <= 4 * MAX_NAME => text.push(c),
                _ => return Err(self.wrong("text without an end, or far too long")),
            }
        }
    }

    /// The character that an escape stands for, behind its backslash.
    fn escaped(&mut self) -> Option<char> {
        let digits = match self.next()? {
            c @ ('\'' | '"' | '\\') => return Some(c),
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code = self.rest().get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let c = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        self.at += digits;
        Some(c)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\n', '\t', '\r']).len();
    }

    fn is_next(&mut self, c: char) -> bool {
        self.space();
        self.rest().starts_with(c)
    }

    fn skip(&mut self, c: char) -> bool {
        let is_there = self.is_next(c);
        self.at += if is_there { c.len_utf8() } else { 0 };
        is_there
    }

    fn expect(&mut self, c: char, reason: &'static str) -> Result<(), RecordError> {
        if self.skip(c) { Ok(()) } else { Err(self.wrong(reason)) }
    }

    fn wrong(&self, reason: &'static str) -> RecordError {
        RecordError::Descr { at: self.text.get(..self.at).unwrap_or("").chars().count(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::dtype::DType;
    use proptest::prelude::*;

    fn fields(descr: &str) -> Vec<(String, usize, usize)> {
        let record = RecordType::from_npy_descr(descr).unwrap();
        record.fields().iter().map(|field| (field.name().to_owned(), field.offset(), field.size())).collect()
    }

    #[test]
    fn what_numpy_writes_is_read() {
        let named = |fields: &[(&str, usize, usize)]| -> Vec<(String, usize, usize)> {
            fields.iter().map(|&(name, at, size)| (name.to_owned(), at, size)).collect()
        };
        assert_eq!(fields("[('x', '<f4'), ('y', '<f4')]"), named(&[("x", 0, 4), ("y", 4, 4)]));
        // Aligned: with gaps between the fields and behind them.
        let aligned = "[('a', '|u1'), ('', '|V7'), ('b', '<f8'), ('c', '|i1'), ('', '|V7')]";
        assert_eq!(fields(aligned), named(&[("a", 0, 1), ("b", 8, 8), ("c", 16, 1)]));
        assert_eq!(RecordType::from_npy_descr(aligned).unwrap().item_size(), 24);
        // Sub-arrays, a title, a nested record, escapes, one field, other spaces.
        assert_eq!(fields("[('m', '<f8', (2, 3)), ('v', '<i2', (4,))]"), named(&[("m", 0, 48), ("v", 48, 8)]));
        assert_eq!(fields("[(('a title', 'name'), '<i4')]"), named(&[("name", 0, 4)]));
        assert_eq!(
            fields("[('p', [('a', '<f8'), ('b', '|b1')], (2,)),('q','|i1')]"),
            named(&[("p", 0, 18), ("q", 18, 1)])
        );
        assert_eq!(
            fields(r#" [ ("it's", '|u1'), ('\xe4\\\'', '|u1',) , ] "#),
            named(&[("it's", 0, 1), ("ä\\'", 1, 1)])
        );
    }

    #[test]
    fn what_is_no_list_of_fields_is_refused() {
        for wrong in [
            "",
            "[",
            "'<f4'",
            "[('x', '<f4'",
            "[('x')]",
            "[('x' '<f4')]",
            "[('x', '<f4')] 1",
            "[(x, '<f4')]",
            "[('x', '|O')]",
            "[('x', '<f3')]",
            "[('x', '<f4', (1,)",
            "[('x', '<f4', (-1,))]",
            "[('x', '<f4', 99999999999999999999)]",
            "[('x\n', '<f4')]",
            "[('\\q', '<f4')]",
            "[('\\ud800', '<f4')]",
            "[('', '<f4')]",
            "[('', '|V-1')]",
            "[(('t'), '<f4')]",
            "[('x', '<f4'), 1]",
            "[('x', {'a': 1})]",
        ] {
            assert!(matches!(RecordType::from_npy_descr(wrong), Err(RecordError::Descr { .. })), "{wrong}");
        }
        assert!(matches!(RecordType::from_npy_descr("[]"), Err(RecordError::ItemSize { .. } | RecordError::NoFields)));
        assert_eq!(RecordType::from_npy_descr("[('', '|V4')]"), Err(RecordError::NoFields));
        let twice = "[('x', '<f4'), ('x', '<f4')]";
        assert_eq!(RecordType::from_npy_descr(twice), Err(RecordError::NameTwice { name: "x".to_owned() }));
        let large = "[('x', '<f4', (1000000, 1000000))]";
        assert!(matches!(RecordType::from_npy_descr(large), Err(RecordError::ItemSize { .. })));
        let deep = format!("{}'<f4'{}", "[('x', ".repeat(5000), ")]".repeat(5000));
        assert_eq!(RecordType::from_npy_descr(&deep), Err(RecordError::TooDeep));
        let many: String = (0..10_000).map(|i| format!("('{i}', '|u1'), ")).collect();
        assert_eq!(RecordType::from_npy_descr(&format!("[{many}]")), Err(RecordError::TooManyFields));
    }

    #[test]
    fn the_other_byte_order_is_turned_around() {
        let (other, own) = if cfg!(target_endian = "little") { ('>', '<') } else { ('<', '>') };
        let descr = format!(
            "[('a', '{other}u2'), ('b', '{own}u2'), ('c', '{other}c8'), ('d', [('e', '{other}i4'), ('f', '|u1')], (2,))]"
        );
        let read = NpyRecord::parse(&descr).unwrap();
        assert!(!read.is_native());
        let mut bytes: Vec<u8> = (0..22).collect();
        read.make_native(&mut bytes);
        assert_eq!(bytes, [1, 0, 2, 3, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 16, 20, 19, 18, 17, 21]);
        assert!(NpyRecord::parse(&descr.replace(other, &own.to_string())).unwrap().is_native());
    }

    #[test]
    fn every_dtype_comes_back() {
        for dtype in DType::ALL {
            let record = RecordType::packed([("x", *dtype)]).unwrap();
            let back = RecordType::from_npy_descr(&record.to_npy_descr());
            // NumPy has one string for the two.
            if matches!(dtype, DType::F8E4M3FN | DType::F8E8M0FNU) {
                assert!(matches!(back, Err(RecordError::Descr { .. })), "{dtype}");
            } else {
                assert_eq!(back, Ok(record), "{dtype}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "[\\[\\]()',a-z0-9<>|\\\\ ]{0,60}") {
            let _ = NpyRecord::parse(&text);
        }

        #[test]
        fn what_is_written_is_read(
            names in prop::collection::hash_set("\\PC{1,6}", 1..6),
            gaps in prop::collection::vec(0_usize..3, 6),
            axes in prop::collection::vec(prop::collection::vec(0_usize..3, 0..3), 6),
        ) {
            let (mut fields, mut end) = (Vec::new(), 0);
            for (i, name) in names.into_iter().enumerate() {
                let field = Field::new(name, end + gaps[i], DType::I16).with_shape(&axes[i]);
                end = field.offset() + field.size();
                fields.push(field);
            }
            let record = RecordType::new(end + gaps[5] + 1, fields).unwrap();
            let again = RecordType::from_npy_descr(&record.to_npy_descr());
            prop_assert_eq!(again, Ok(record));
        }
    }
}
