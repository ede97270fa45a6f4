//! Markdown tables, aligned so that they read well unrendered too.

use std::fmt;

use super::race::{self, Series};
use super::stats::{Nanos, Short};

/// A titled table: one row a contender.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, head: &[&str]) -> Self {
        Self { title: title.into(), rows: vec![head.iter().map(ToString::to_string).collect()] }
    }

    /// A table that stands under another table's title.
    pub(crate) fn untitled(head: &[&str]) -> Self {
        Self::new("", head)
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table of a race: median, spread, and how many times as long as `ours` each one took.
    pub(crate) fn of_race(title: impl Into<String>, series: &[Series], ours: &str) -> Self {
        let mut table = Self::new(title, &["contender", "median", "min..max", "times ours", "min..max"]);
        let ours = race::find(series, ours);
        for each in series {
            let spread = each.spread();
            let ratio = ours.map(|ours| each.ratio_to(ours));
            table.row(vec![
                each.name.clone(),
                Nanos(spread.median).to_string(),
                format!("{}..{}", Nanos(spread.min), Nanos(spread.max)),
                ratio.map_or("–".into(), |ratio| Short(ratio.median).to_string()),
                ratio.map_or("–".into(), |ratio| format!("{}..{}", Short(ratio.min), Short(ratio.max))),
            ]);
        }
        table
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        if !self.title.is_empty() {
            writeln!(f, "### {}\n", self.title)?;
        }
        for (index, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let width = width(column);
                // Names to the left, figures to the right.
                if column == 0 {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")?;
            if index == 0 {
                for column in 0..columns {
                    let dashes = "-".repeat(width(column).max(3));
                    write!(
                        f,
                        "|{}{dashes}{}",
                        if column == 0 { ":" } else { "-" },
                        if column == 0 { "-" } else { ":" }
                    )?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}
