//! `ndsh ls`

use crate::args::Globals;
use crate::args::seconds::parse_look;
use crate::complete::names as matching;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Columns, duration, json, per_second, printable, short_shape, size, stdout, tell, window};
use crate::reports::{NamePattern, Summary, Survey, names};
use anstyle::{AnsiColor, Style};
use clap_complete::ArgValueCompleter;
use std::io::Write;
use std::time::Duration;

/// List channels and shared arrays, including those of Python's ndsharray
///
/// SIZE is the size of the elements, MEMORY that of all files, READERS the number of living
/// readers. A process id is what a process noted about itself, a hint. On a terminal, columns that
/// do not fit are left out, unless --wide asks for all, and what is damaged or dead is red.
/// Python's processes take no locks: `perhaps` is one that has the channel mapped for writing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names to list: `cam*`, `*.left`, `imu[0-3]` [default: all]
    #[arg(value_name = "PATTERN", add = ArgValueCompleter::new(matching))]
    patterns: Vec<NamePattern>,
    /// Print the names alone
    #[arg(long, short, conflicts_with_all = ["json", "wide"])]
    quiet: bool,
    /// Print all columns, however wide the table
    #[arg(long, short)]
    wide: bool,
    /// Print a JSON array of objects; times are in seconds, sizes in bytes
    #[arg(long)]
    json: bool,
    /// Time to measure the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = parse_look)]
    interval: Duration,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    if args.quiet {
        let mut names: Vec<_> = names(&options, &args.patterns)?.into_iter().map(|(name, _)| name).collect();
        names.dedup();
        let mut out = stdout();
        names.iter().try_for_each(|name| writeln!(out, "{}", printable(name)))?;
        return args.found(names.len());
    }
    let mut survey = Survey::take(&options, &args.patterns)?;
    let mut before = None;
    if !args.interval.is_zero() && survey.has_channels() {
        std::thread::sleep(args.interval);
        before = Some(std::mem::replace(&mut survey, Survey::take(&options, &args.patterns)?));
    }
    let summaries = survey.summaries(before.as_ref());
    if args.json {
        json(&mut stdout(), &summaries)?;
        return args.found(summaries.len());
    }
    if summaries.is_empty() && args.patterns.is_empty() {
        let dir = options.directory();
        tell(format_args!("ndsh: no channels and no arrays in {}", printable(&dir.to_string_lossy())));
    }
    if summaries.is_empty() {
        return args.found(0);
    }
    let mut table = table(&summaries);
    table.remove("BANDWIDTH");
    if let Some(window) = window().filter(|_| !args.wide) {
        table.fit(window, &SPARE);
    }
    Ok(table.print(&mut stdout())?)
}

impl Args {
    /// Fails if the patterns match nothing.
    fn found(&self, count: usize) -> Result<()> {
        if count > 0 || self.patterns.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::NotFound, "no channel and no array has such a name").advise("`ndsh ls` lists all"))
    }
}

/// Columns to leave out of a narrow window, the first ones first.
pub(super) const SPARE: [&str; 10] =
    ["PINNED", "MEMORY", "AGE", "BANDWIDTH", "SIZE", "KIND", "READERS", "SEQ", "DTYPE", "RATE"];

/// Makes the table, a line for each channel and array.
pub(super) fn table(summaries: &[Summary]) -> Columns {
    let titles = [
        "NAME",
        "KIND",
        "DTYPE",
        "SHAPE",
        ">SIZE",
        ">SEQ",
        ">RATE",
        ">BANDWIDTH",
        "WRITER",
        ">READERS",
        ">PINNED",
        ">MEMORY",
        ">AGE",
        "NOTE",
    ];
    let mut columns = Columns::new(&titles);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for one in summaries {
        let is_channel = one.kind == "channel";
        columns.styled_row(
            style(one),
            [
                printable(&one.name).into_owned(),
                one.kind.clone(),
                or_dash(one.dtype.clone()),
                or_dash(one.shape.as_deref().map(short_shape)),
                or_dash(one.bytes.map(|bytes| size(bytes as u64))),
                or_dash(one.seq.map(|seq| seq.to_string())),
                or_dash(one.rate.map(per_second)),
                or_dash(one.bandwidth().map(crate::output::bandwidth)),
                // An array has no writer, but one process may hold its lock alone.
                if one.kind == "array" && one.writer.alive == Some(false) {
                    "-".to_owned()
                } else {
                    one.writer.words()
                },
                one.readers.map_or("?".to_owned(), |readers| readers.to_string()),
                match one.pinned {
                    Some(pinned) if is_channel => pinned.to_string(),
                    Some(_) => "-".to_owned(),
                    None => "?".to_owned(),
                },
                size(one.memory),
                or_dash(one.age_seconds.map(|age| duration(Duration::from_secs_f64(age)))),
                one.note(),
            ],
        );
    }
    columns
}

/// Red is what is damaged, or whose writer died; yellow is what is poisoned.
fn style(one: &Summary) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match one.state.as_deref() {
        _ if !one.problems.is_empty() => colour(AnsiColor::Red).bold(),
        Some("open") if one.writer.alive == Some(false) => colour(AnsiColor::Red),
        _ if one.poisoned => colour(AnsiColor::Yellow),
        _ => Style::new(),
    }
}
