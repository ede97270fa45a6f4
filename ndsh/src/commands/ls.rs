//! `ndsh ls`

use crate::args::Globals;
use crate::describe::Summary;
use crate::failure::{Failure, Result};
use crate::output::{Columns, duration, json, printable, short_shape, size, stdout, tell, window};
use crate::processes::{Mapper, mappers};
use crate::seconds::parse_look;
use ndsharray::Error;
use ndsharray::inspect::{Kind, Report, Role};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// List channels and shared arrays, those of Python's ndsharray included
///
/// SIZE is that of the elements, MEMORY what all files take, READERS how many live. Process ids are what the processes noted about themselves: a
/// hint. On a terminal, columns that do not fit are left out. Of Python's channels nobody can tell who lives; a process that has one mapped for writing stands there as `perhaps`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print a JSON array of objects; times are in seconds, sizes in bytes
    #[arg(long)]
    json: bool,
    /// How long to look for the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = parse_look)]
    interval: Duration,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    let dir = options.directory();
    let interval = args.interval;
    let listed = options.list().map_err(|error| Failure::from(error).context("cannot list the directory"))?;
    let look = || -> Result<Vec<Look>> {
        let mut reports = Vec::new();
        for found in &listed {
            match options.look(&found.name, found.kind) {
                Ok(report) => reports.push((Instant::now(), report)),
                // It has gone since it was listed.
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
    let mappers = tags(reports.iter().map(|(_, report)| report));
    let summaries: Vec<_> = reports
        .iter()
        .map(|(_, report)| {
            let rate = rates.get(&(report.name.as_str(), report.kind)).copied();
            Summary::new(report, rate, mappers.get(&report.name).map_or(&[], Vec::as_slice))
        })
        .collect();
    if args.json {
        return json(&mut stdout(), &summaries);
    }
    if summaries.is_empty() {
        tell(format_args!("ndsh: no channels and no arrays in {}", printable(&dir.to_string_lossy())));
        return Ok(());
    }
    let mut table = table(&summaries);
    if let Some(window) = window() {
        table.fit(window, &SPARE);
    }
    table.print(&mut stdout())
}

/// Columns that are left out of a window too narrow for all, the first ones first.
const SPARE: [&str; 9] = ["PINNED", "MEMORY", "AGE", "SIZE", "KIND", "READERS", "SEQ", "DTYPE", "RATE"];

/// A report, and when it was made.
pub(crate) type Look = (Instant, Report);

/// Values a second, of all that have been looked at twice.
fn rates<'a>(before: &[Look], after: &'a [Look]) -> BTreeMap<(&'a str, Kind), f64> {
    let mut rates = BTreeMap::new();
    for look in after {
        let key = (look.1.name.as_str(), look.1.kind);
        let earlier = before.iter().find(|(_, earlier)| (earlier.name.as_str(), earlier.kind) == key);
        rates.extend(earlier.and_then(|earlier| rate(earlier, look)).map(|rate| (key, rate)));
    }
    rates
}

/// Values a second, of a channel.
pub(crate) fn rate(before: &Look, after: &Look) -> Option<f64> {
    if after.1.kind != Kind::Channel || !after.1.is_readable() {
        return None;
    }
    let seconds = after.0.duration_since(before.0).as_secs_f64();
    // A channel without a value has published none.
    let seq = |look: &Look| look.1.value.as_ref().and_then(|value| value.seq).unwrap_or(0);
    let values = seq(after).checked_sub(seq(before))?;
    #[allow(clippy::cast_precision_loss, reason = "a rate is no count")]
    (seconds > 0.0).then(|| values as f64 / seconds)
}

/// Who has the tags of Python's channels mapped, by name.
pub(crate) fn tags<'r>(reports: impl IntoIterator<Item = &'r Report>) -> BTreeMap<String, Vec<Mapper>> {
    let tag = |report: &Report| report.files.iter().find(|file| file.role == Role::Tag).map(|file| file.path.clone());
    let tags: Vec<(String, PathBuf)> =
        reports.into_iter().filter_map(|report| Some((report.name.clone(), tag(report)?))).collect();
    let mut found = mappers(&tags.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>());
    tags.into_iter().filter_map(|(name, path)| Some((name, found.remove(&path)?))).collect()
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
            // An array has none; somebody may have it alone at this moment.
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
