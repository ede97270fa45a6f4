//! `ndsh record`

use crate::args::seconds::parse_seconds;
use crate::args::{Globals, KindArg};
use crate::complete::names;
use crate::endpoints::{Clock, Feed, Order, read_each, wait_for_feeds};
use crate::failure::{Exit, Failure, Result};
use crate::output::{counted, size, tell};
use crate::recording::{Queue, Recorder};
use crate::reports::{NamePattern, names as names_matching};
use crate::terminal::{Interrupt, Progress};
use clap_complete::ArgValueCompleter;
use ndsharray::inspect::Kind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);

/// Save the values of channels, with their times
///
/// FILE.mcap has any number of channels of all element types, for `ndsh play`, Foxglove and Python;
/// docs/RECORDINGS.md shows how. What a killed recorder leaves there can be played up to its last
/// second. DIR gets a file 00000000.npy and so on for each value, and index.jsonl with their
/// channels and times. FILE.npz is one archive of one channel: `numpy.load(FILE)` has the values
/// under the keys 00000000 and so on, and the arrays time, unix_time, time_ns, seq, missed, epoch
/// and incarnation; attributes are the bytes 00000000_attributes and so on.
///
/// Recording begins with the current value. A channel has no queue: a value that comes too fast is
/// missed, and counted as missed. With --every, values are read in order from the oldest on, and
/// none is missed while the recorder falls back no further than the writer's history. --lossless
/// has the writer wait, if it consents.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channels, or patterns such as 'cam*'
    #[arg(required = true, num_args = 1.., value_name = "NAME", add = ArgValueCompleter::new(names))]
    pub(super) names: Vec<String>,
    /// Directory to create, or file that ends with .mcap or .npz
    #[arg(required = true)]
    to: PathBuf,
    /// Read each value in order, from the oldest that the writer still has
    #[arg(long)]
    every: bool,
    /// Have the writers wait for the recorder, where they consent; implies --every
    #[arg(long)]
    lossless: bool,
    /// Kind, if several have the name [default: channel, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// End after N values, of all channels together
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after SECONDS
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: Option<Duration>,
    /// Wait up to SECONDS for the channels to appear
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
    /// When the writer closes the channel, wait for the next writer instead of ending
    #[arg(long, alias = "follow")]
    reopen: bool,
    /// MiB of values that may wait for the disk
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    buffer: u32,
}

/// How far a recording has come.
#[derive(Default)]
struct Counts {
    values: u64,
    bytes: u64,
    missed: Vec<u64>,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let mut feeds = args.open(globals, &interrupt)?;
    let names: Vec<String> = feeds.iter().map(|feed| feed.name.clone()).collect();
    let recorder = Recorder::create(&args.to, feeds.len())?;
    let progress = Progress::new("record", args.count)?;
    let queue = Queue::new((args.buffer as usize).saturating_mul(1 << 20));
    let counts = std::thread::scope(|scope| {
        let keeper = scope.spawn(|| {
            let kept = keep(recorder, &names, &queue);
            queue.end();
            kept
        });
        let taken = args.take(&mut feeds, &interrupt, &progress, &queue);
        queue.end();
        let kept = keeper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // An error of the disk ends the reading too, and says more.
        kept.and(taken)
    })?;
    drop(progress);
    let missed: u64 = counts.missed.iter().sum();
    tell(format_args!("{} values recorded, {missed} missed", counts.values));
    if names.len() > 1 {
        for (name, missed) in names.iter().zip(&counts.missed).filter(|(_, missed)| **missed > 0) {
            tell(format_args!("  {}: {} missed", crate::output::printable(name), counted(*missed, "value")));
        }
    }
    match args.seconds {
        Some(_) if counts.values == 0 && args.count != Some(0) && !interrupt.requested() => {
            Err(Failure::no_value(&names.join(", ")))
        }
        _ => Ok(()),
    }
}

impl Args {
    /// What the command is about, for advice: its channel, if it has one.
    pub(super) fn name(&self) -> Option<&String> {
        self.names.first().filter(|_| self.names.len() == 1)
    }

    fn order(&self) -> Order {
        match (self.lossless, self.every) {
            (true, _) => Order::Lossless,
            (_, true) => Order::Every,
            _ => Order::Latest,
        }
    }

    /// Opens the channels, and waits for them if that is wanted.
    fn open(&self, globals: &Globals, interrupt: &Interrupt) -> Result<Vec<Feed>> {
        let start = Instant::now();
        loop {
            match (self.open_now(globals), self.wait) {
                (Err(failure), Some(time)) if failure.exit() == Exit::NotFound => {
                    let left = time.saturating_sub(start.elapsed());
                    if left.is_zero() {
                        return Err(failure.timed_out());
                    }
                    if interrupt.sleep(left.min(TICK / 2)) {
                        return Err(Failure::interrupted());
                    }
                }
                (other, _) => return other,
            }
        }
    }

    fn open_now(&self, globals: &Globals) -> Result<Vec<Feed>> {
        let mut feeds: Vec<Feed> = Vec::new();
        for name in &self.names {
            match Feed::open(globals, name, self.kind, self.order()) {
                Ok(feed) => feeds.push(feed),
                Err(failure) if failure.exit() == Exit::NotFound && name.contains(['*', '?', '[']) => {
                    for name in self.matching(globals, name)? {
                        feeds.push(Feed::open(globals, &name, self.kind, self.order())?);
                    }
                }
                Err(failure) if self.names.len() > 1 => return Err(failure.about(name)),
                Err(failure) => return Err(failure),
            }
        }
        // A channel that was named twice is recorded once.
        let mut seen = std::collections::BTreeSet::new();
        feeds.retain(|feed| seen.insert(feed.name.clone()));
        Ok(feeds)
    }

    /// The channels whose names match a pattern.
    fn matching(&self, globals: &Globals, pattern: &str) -> Result<Vec<String>> {
        let parsed: NamePattern = pattern.parse().map_err(|error| {
            Failure::new(Exit::Usage, format!("\"{}\" is no pattern: {error}", crate::output::printable(pattern)))
        })?;
        let wanted = |kind| match self.kind {
            Some(KindArg::Python) => kind == Kind::Python,
            Some(KindArg::Channel) => kind == Kind::Channel,
            _ => matches!(kind, Kind::Channel | Kind::Python),
        };
        let listed = names_matching(&globals.options(), &[parsed])?;
        let found: Vec<_> = listed.into_iter().filter(|(_, kind)| wanted(*kind)).map(|(name, _)| name).collect();
        if found.is_empty() {
            let pattern = crate::output::printable(pattern).into_owned();
            return Err(Failure::new(Exit::NotFound, format!("no channel matches \"{pattern}\""))
                .advise("`ndsh ls` lists what there is"));
        }
        Ok(found)
    }

    /// Reads values until it is time to stop.
    fn take(&self, feeds: &mut [Feed], interrupt: &Interrupt, progress: &Progress, queue: &Queue) -> Result<Counts> {
        let start = Instant::now();
        let mut clock = Clock::default();
        let mut counts = Counts { missed: vec![0; feeds.len()], ..Counts::default() };
        let is_full = |counts: &Counts| self.count.is_some_and(|count| counts.values >= count);
        loop {
            let left = self.seconds.map_or(TICK, |seconds| seconds.saturating_sub(start.elapsed()));
            if is_full(&counts) || interrupt.requested() || left.is_zero() {
                return Ok(counts);
            }
            let found = read_each(
                feeds,
                &mut clock,
                || queue.room(),
                |value| {
                    counts.values += 1;
                    counts.bytes += value.message.elements().len() as u64;
                    if let Some(missed) = counts.missed.get_mut(value.channel) {
                        *missed += value.note.missed.unwrap_or(0);
                    }
                    progress.step();
                    queue.push(value) && !is_full(&counts)
                },
            )?;
            if found {
                let missed: u64 = counts.missed.iter().sum();
                progress.say(format!("{}  {missed} missed", size(counts.bytes)));
            } else if queue.is_over() || !is_full(&counts) && !wait_for_feeds(feeds, left.min(TICK), self.reopen)? {
                return Ok(counts);
            }
        }
    }
}

/// Writes values until no more come.
fn keep(mut recorder: Recorder, names: &[String], queue: &Queue) -> Result<()> {
    while !queue.is_done() {
        if let Some(value) = queue.pop(TICK) {
            recorder.add(names.get(value.channel).map_or("", String::as_str), &value)?;
            queue.give_back(value);
        }
        recorder.tick()?;
    }
    recorder.finish()
}
