//! The table in short: an operation a row, a library a column.

use super::columns::COLUMNS;
use crate::harness::figure::Figure;
use crate::harness::stats::{Nanos, Short};
use crate::harness::table::Table;
use crate::measurements::{
    SIZES, SMALL, flood, latency, loan, open_close, poll, read, readers, reshape, torn, write, write_read,
};

/// How a figure is shown.
#[derive(Clone, Copy)]
enum Unit {
    Time,
    PerMillion,
    Rate,
}

/// A row: what it is called, where its figures are found.
struct Row(&'static str, &'static str, usize, Unit);

const ROWS: [Row; 18] = [
    Row("Poll, nothing new", poll::POLL, SMALL, Unit::Time),
    Row("Read a new value, 64 B", read::NEW, SMALL, Unit::Time),
    Row("Read a new value, 2.8 MB", read::NEW, SIZES[4], Unit::Time),
    Row("Write 64 B", write::WRITE, SMALL, Unit::Time),
    Row("Write 2.8 MB", write::WRITE, SIZES[4], Unit::Time),
    Row("Write 24.9 MB", write::WRITE, SIZES[5], Unit::Time),
    Row("Write, then read 64 B", write_read::WRITE_READ, SMALL, Unit::Time),
    Row("Loan and publish 2.8 MB", loan::LOAN, SIZES[4], Unit::Time),
    Row("One way, spinning, 64 B", latency::SPINNING, SMALL, Unit::Time),
    Row("One way, spinning, 2.8 MB", latency::SPINNING, SIZES[4], Unit::Time),
    Row("One way, after 20 µs asleep, 64 B", latency::SHORT_SLEEP, SMALL, Unit::Time),
    Row("One way, after 300 µs asleep, 64 B", latency::LONG_SLEEP, SMALL, Unit::Time),
    Row("Write 64 B beside 64 idle readers", readers::IDLE, 64, Unit::Time),
    Row("First write of 2.8 MB that does not fit", reshape::GROWS, SIZES[4], Unit::Time),
    Row("Open a reader, read 64 B, close it", open_close::READER, SMALL, Unit::Time),
    Row("Writes/s beside a reader that holds for 1 ms", flood::SLOW_WRITES, 1, Unit::Rate),
    Row("Fresh values/s at one reader, flooded", flood::FRESH, 1, Unit::Rate),
    Row("Torn per million, 64 KiB, flooded", torn::TORN, 64 << 10, Unit::PerMillion),
];

/// The table, without a title.
pub(super) fn markdown(figures: &[Figure]) -> String {
    let mut head = vec!["median; in brackets: times ours"];
    head.extend(COLUMNS.iter().map(|column| column.name));
    let mut table = Table::untitled(&head);
    for Row(name, what, at, unit) in ROWS {
        if !figures.iter().any(|each| each.what == what && each.at == at) {
            continue;
        }
        let mut cells = vec![name.to_owned()];
        for (index, column) in COLUMNS.iter().enumerate() {
            let cell = column.best(figures, what, at).map(|figure| {
                let value = figure.value.median;
                let ratio = figure.times_ours.filter(|_| index > 0);
                match (unit, ratio) {
                    (Unit::Time, Some(ratio)) => format!("{} ({})", Nanos(value), Short(ratio.median)),
                    (Unit::Time, None) => Nanos(value).to_string(),
                    (Unit::PerMillion, _) => Short(value).to_string(),
                    (Unit::Rate, _) => format!("{} k", Short(value / 1e3)),
                }
            });
            cells.push(cell.unwrap_or_else(|| "–".into()));
        }
        table.row(cells);
    }
    table.to_string()
}
