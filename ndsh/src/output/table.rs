//! Tables that fit the terminal.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use ratatui::text::Span;
use std::io::{self, IsTerminal, Write};

/// Returns the width of the terminal in columns; `None` if standard output is no terminal.
pub(crate) fn window() -> Option<usize> {
    let size = io::stdout().is_terminal().then(ratatui::crossterm::terminal::size)?.ok()?;
    (size.0 > 0).then_some(size.0.into())
}

/// Blank columns between two cells.
const GAP: u16 = 2;

/// A table without lines, as wide as its content.
pub(crate) struct Columns {
    /// Titles; `>` before one puts the cells of its column on the right.
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How each row is coloured.
    styles: Vec<Style>,
}

impl Columns {
    /// Creates a table with one title for each column; `>` aligns right.
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self { titles: titles.iter().map(|&title| title.to_owned()).collect(), rows: Vec::new(), styles: Vec::new() }
    }

    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.styled_row(Style::new(), cells);
    }

    /// Adds a row in colour.
    pub(crate) fn styled_row<S: Into<String>>(&mut self, style: Style, cells: impl IntoIterator<Item = S>) {
        self.styles.push(style);
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Drops the columns `spare`, one after another, until the table fits into `window`.
    ///
    /// If that is not enough, the widest cells are cut.
    pub(crate) fn fit(&mut self, window: usize, spare: &[&str]) {
        for title in spare {
            if self.width() <= window {
                return;
            }
            self.remove(title);
        }
        let mut most = window;
        while self.width() > window && most > 4 {
            most -= 1;
            let cells = self.rows.iter_mut().flatten().filter(|cell| width(cell) > most);
            cells.for_each(|cell| *cell = cut(cell, most));
        }
    }

    /// Removes a column, if it is there.
    pub(crate) fn remove(&mut self, title: &str) {
        if let Some(index) = self.titles.iter().position(|found| found.trim_start_matches('>') == title) {
            self.titles.remove(index);
            self.rows.iter_mut().filter(|row| index < row.len()).for_each(|row| drop(row.remove(index)));
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

    /// Prints the table, without blanks at the ends of lines.
    pub(crate) fn print(&self, to: &mut impl Write) -> io::Result<()> {
        self.lines().try_for_each(|(style, line)| writeln!(to, "{style}{line}{style:#}"))
    }

    /// The lines of the table, with their colours; the first one has the titles.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Style, String)> {
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
        let styles = std::iter::once(Style::new()).chain(self.styles.iter().copied());
        let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        styles.zip(lines)
    }
}

/// Returns the columns that a text takes on a terminal.
fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Cuts a text, with an ellipsis in place of the rest.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
