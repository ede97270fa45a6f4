//! How values look: the same on a terminal and in a pipe.

use crate::failure::Result;
use bytesize::ByteSize;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use ratatui::text::Span;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::time::Duration;

pub(crate) use crate::stdout::stdout;

/// A line on standard error. Where there is nobody to tell, as when the terminal has been closed, it is not told.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// A name or path, which comes from outside: whatever could move the cursor, hide or turn text around is shown as an escape.
pub(crate) fn printable(name: &str) -> Cow<'_, str> {
    escape(name, &['"', '\''])
}

/// The same for a sentence with names in it, which may have escapes already.
pub(crate) fn printable_message(message: &str) -> Cow<'_, str> {
    escape(message, &['"', '\'', '\\'])
}

fn escape<'a>(text: &'a str, keep: &[char]) -> Cow<'a, str> {
    let harmless = |c: char| keep.contains(&c) || c.escape_debug().eq([c]);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmless(c) {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    Cow::Owned(out)
}

/// Bytes in powers of 1024: `2.6 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// A time in the unit that suits it, to two or three figures: `850ns`, `1.2ms`, `3.4s`, `5m 12s`, `2d 4h`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, unit: &str, small: u64, smaller: &str| format!("{large}{unit} {small}{smaller}");
    match seconds {
        0 if time < Duration::from_micros(1) => format!("{}ns", time.as_nanos()),
        // As std has it, but for its micro sign, which not every terminal has.
        0 if time < Duration::from_millis(1) => format!("{:.1}us", time.as_secs_f64() * 1e6),
        0 => format!("{:.1}ms", time.as_secs_f64() * 1e3),
        1..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: impl Into<u128>, what: &str) -> String {
    let count = count.into();
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A number in few characters.
pub(crate) fn number(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if number.fract() == 0.0 && size < 1e9 => format!("{number}"),
        1e-3..1e6 => format!("{number:.4}"),
        _ => format!("{number:.3e}"),
    }
}

/// Axes as NumPy prints them: `(720, 1280, 3)`, `(5,)`, `()`.
pub(crate) fn shape(axes: &[usize]) -> String {
    match axes {
        [one] => format!("({one},)"),
        _ => format!("({})", axes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Axes as in [`shape`], of many only the first and how many there are.
pub(crate) fn short_shape(axes: &[usize]) -> String {
    let whole = shape(axes);
    match axes {
        [first, second, ..] if whole.len() > SHORT => format!("({first}, {second}, ..{} axes)", axes.len()),
        _ => whole,
    }
}

/// Characters of a shape in a table: enough for a batch of pictures.
const SHORT: usize = 28;

/// Columns of the terminal; `None` where standard output is none.
pub(crate) fn window() -> Option<usize> {
    let size = std::io::stdout().is_terminal().then(ratatui::crossterm::terminal::size)?.ok()?;
    (size.0 > 0).then_some(size.0.into())
}

/// Columns between two cells.
const GAP: u16 = 2;

/// A table without lines, as wide as what stands in it.
pub(crate) struct Columns {
    /// Those that start with `>` have their cells on the right.
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// One title for each column; those that start with `>` have their cells on the right.
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self { titles: titles.iter().map(|&title| title.to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Leaves out the columns `spare`, one after another, until the table is no wider than `window`;
    /// then cuts the widest cells.
    pub(crate) fn fit(&mut self, window: usize, spare: &[&str]) {
        for title in spare {
            if self.width() <= window {
                return;
            }
            if let Some(index) = self.titles.iter().position(|found| found.trim_start_matches('>') == *title) {
                self.titles.remove(index);
                self.rows.iter_mut().filter(|row| index < row.len()).for_each(|row| drop(row.remove(index)));
            }
        }
        let mut most = window;
        while self.width() > window && most > 4 {
            most -= 1;
            let cells = self.rows.iter_mut().flatten().filter(|cell| width(cell) > most);
            cells.for_each(|cell| *cell = cut(cell, most));
        }
    }

    fn width(&self) -> usize {
        let of = |index: usize, title: &String| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.map(|cell| width(cell)).chain([width(title.trim_start_matches('>'))]).max().unwrap_or(0)
        };
        let widths: Vec<_> = self.titles.iter().enumerate().map(|(index, title)| of(index, title)).collect();
        widths.iter().sum::<usize>() + usize::from(GAP) * widths.len().saturating_sub(1)
    }

    /// The lines, without blanks at their ends.
    pub(crate) fn print(&self, to: &mut impl Write) -> Result<()> {
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.titles.iter().map(|title| title.trim_start_matches('>')));
        for (column, title) in table.column_iter_mut().zip(&self.titles) {
            column.set_padding((0, GAP));
            if title.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            table.add_row(row);
        }
        for line in table.lines() {
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Columns that a text takes.
fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// The beginning of a text, with a mark for what is left out.
fn cut(text: &str, most: usize) -> String {
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if width(&cut) >= most {
            cut.pop();
            break;
        }
    }
    cut.push('\u{2026}');
    cut
}

/// One JSON value, indented, and a line's end. What could act on a terminal is escaped, as JSON has it.
pub(crate) fn json(to: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c.is_ascii() || c.escape_debug().eq([c]) {
            safe.push(c);
        } else {
            // Beyond ASCII there is nothing but the inside of strings.
            safe.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    safe.push('\n');
    Ok(to.write_all(safe.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_act_on_the_terminal() {
        assert_eq!(printable("camera \"1\" Größe"), "camera \"1\" Größe");
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\u{200b}\\"), "a\\u{1b}[2Jb\\u{202e}c\\u{200b}\\\\");
        assert_eq!(printable_message("\"a\\u{1b}\" and \u{9b}"), "\"a\\u{1b}\" and \\u{9b}");
    }

    #[test]
    fn json_cannot_either_and_means_the_same() {
        let name = "a\u{202e}b\u{1b}\u{e0041}\u{f6}\n\\";
        let mut out = Vec::new();
        json(&mut out, &[name]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| c == '\n' || c.escape_debug().eq([c]) || matches!(c, '"' | '\\')), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [name]);
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        for (nanoseconds, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_500, "1.5us"),
            (1_250_000, "1.2ms"),
            (3_400_000_000, "3.4s"),
            (312_000_000_000, "5m 12s"),
            (7_260_000_000_000, "2h 1m"),
            (187_200_000_000_000, "2d 4h"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, -0.0, 255.0, -1.5, 1e-7, 1e9, f64::from(f32::MAX)].map(number);
        assert_eq!(numbers, ["0", "0", "255", "-1.5000", "1.000e-7", "1.000e9", "3.403e38"]);
    }

    #[test]
    fn shapes_look_as_in_numpy() {
        assert_eq!([shape(&[]), shape(&[5]), shape(&[2, 3])], ["()", "(5,)", "(2, 3)"]);
    }

    #[test]
    fn columns_are_aligned_and_end_without_blanks() {
        let mut columns = Columns::new(&["NAME", ">SIZE"]);
        columns.row(["camera", "1"]);
        columns.row(["x", "1234"]);
        let mut out = Vec::new();
        columns.print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME    SIZE\ncamera     1\nx       1234\n");
    }

    #[test]
    fn a_table_fits_its_window() {
        let table = || {
            let mut columns = Columns::new(&["NAME", ">SIZE", "KIND"]);
            columns.row(["camera", "1", "channel"]);
            columns.row(["a-very-long-name", "1234", "array"]);
            columns
        };
        let lines = |window| {
            let (mut columns, mut out) = (table(), Vec::new());
            columns.fit(window, &["KIND", "SIZE"]);
            columns.print(&mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| width(line) <= window), "{window}: {text}");
            text.lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(31), ["NAME", "SIZE", "KIND"]);
        assert_eq!(lines(30), ["NAME", "SIZE"]);
        assert_eq!(lines(21), ["NAME"]);
        assert_eq!(lines(10), ["NAME"]);
    }

    #[test]
    fn many_axes_are_counted() {
        assert_eq!(short_shape(&[8, 3, 1080, 1920]), "(8, 3, 1080, 1920)");
        assert_eq!(short_shape(&[2; 64]), "(2, 2, ..64 axes)");
    }
}
