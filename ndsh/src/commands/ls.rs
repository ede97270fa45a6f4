//! `ndsh ls`

use crate::args::Globals;
use crate::args::seconds::parse_look;
use crate::failure::{Failure, Result};
use crate::output::{Columns, duration, json, printable, short_shape, size, stdout, tell, window};
use crate::reports::{Observation, Summary, tag_mappers, values_per_second};
use ndsharray::Error;
use ndsharray::inspect::Kind;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// List channels and shared arrays, including those of Python's ndsharray
///
/// SIZE is the size of the elements, MEMORY that of all files, READERS the number of living
/// readers. A process id is what a process noted about itself, a hint. On a terminal, columns that
/// do not fit are left out. Python's processes take no locks: `perhaps` is one that has the channel
/// mapped for writing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print a JSON array of objects; times are in seconds, sizes in bytes
    #[arg(long)]
    json: bool,
    /// Time to measure the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = parse_look)]
    interval: Duration,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    let dir = options.directory();
    let interval = args.interval;
    let listed = options.list().map_err(|error| Failure::from(error).context("cannot list the directory"))?;
    let look = || -> Result<Vec<Observation>> {
        let mut reports = Vec::new();
        for found in &listed {
            match options.look(&found.name, found.kind) {
                Ok(report) => reports.push((Instant::now(), report)),
                // It was removed after it was listed.
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(reports)
    };
    let mut reports = look()?;
    let mut rates = BTreeMap::new();
    if !interval.is_zero() && reports.iter().any(|(_, report)| report.kind == Kind::Channel) {
        std::thread::sleep(interval);
        let before = std::mem::replace(&mut reports, look()?);
        rates = self::rates(&before, &reports);
    }
    let mappers = tag_mappers(reports.iter().map(|(_, report)| report));
    let summaries: Vec<_> = reports
        .iter()
        .map(|(_, report)| {
            let rate = rates.get(&(report.name.as_str(), report.kind)).copied();
            Summary::new(report, rate, mappers.get(&report.name).map_or(&[], Vec::as_slice))
        })
        .collect();
    if args.json {
        return Ok(json(&mut stdout(), &summaries)?);
    }
    if summaries.is_empty() {
        tell(format_args!("ndsh: no channels and no arrays in {}", printable(&dir.to_string_lossy())));
        return Ok(());
    }
    let mut table = table(&summaries);
    if let Some(window) = window() {
        table.fit(window, &SPARE);
    }
    Ok(table.print(&mut stdout())?)
}

/// Columns to leave out of a narrow window, the first ones first.
const SPARE: [&str; 9] = ["PINNED", "MEMORY", "AGE", "SIZE", "KIND", "READERS", "SEQ", "DTYPE", "RATE"];

/// Computes the rate of each channel that both rounds looked at.
fn rates<'a>(before: &[Observation], after: &'a [Observation]) -> BTreeMap<(&'a str, Kind), f64> {
    let mut rates = BTreeMap::new();
    for look in after {
        let key = (look.1.name.as_str(), look.1.kind);
        let earlier = before.iter().find(|(_, earlier)| (earlier.name.as_str(), earlier.kind) == key);
        rates.extend(earlier.and_then(|earlier| values_per_second(earlier, look)).map(|rate| (key, rate)));
    }
    rates
}

fn table(summaries: &[Summary]) -> Columns {
    let titles = [
        "NAME", "KIND", "DTYPE", "SHAPE", ">SIZE", ">SEQ", ">RATE", "WRITER", ">READERS", ">PINNED", ">MEMORY", ">AGE",
        "NOTE",
    ];
    let mut columns = Columns::new(&titles);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for one in summaries {
        let is_channel = one.kind == "channel";
        columns.row([
            printable(&one.name).into_owned(),
            one.kind.clone(),
            or_dash(one.dtype.clone()),
            or_dash(one.shape.as_deref().map(short_shape)),
            or_dash(one.bytes.map(|bytes| size(bytes as u64))),
            or_dash(one.seq.map(|seq| seq.to_string())),
            or_dash(one.rate.map(|rate| format!("{rate:.1}/s"))),
            // An array has no writer, but one process may hold its lock alone.
            if one.kind == "array" && one.writer.alive == Some(false) { "-".to_owned() } else { one.writer.words() },
            one.readers.map_or("?".to_owned(), |readers| readers.to_string()),
            match one.pinned {
                Some(pinned) if is_channel => pinned.to_string(),
                Some(_) => "-".to_owned(),
                None => "?".to_owned(),
            },
            size(one.memory),
            or_dash(one.age_seconds.map(|age| duration(Duration::from_secs_f64(age)))),
            one.note(),
        ]);
    }
    columns
}
