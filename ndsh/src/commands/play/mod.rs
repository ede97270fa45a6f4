//! `ndsh play`

mod list;

use crate::args::Globals;
use crate::args::seconds::{due, parse_positive, parse_seconds};
use crate::complete::names;
use crate::endpoints::{Replay, TargetArgs};
use crate::failure::{Exit, Failure, Result};
use crate::output::{printable, tell};
use crate::recording::Recording;
use crate::reports::NamePattern;
use crate::terminal::{Interrupt, Pace, Progress};
use clap_complete::ArgValueCompleter;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Publish a recording again, with its original timing
///
/// Each recorded channel is published under its own name, or the only one as NAME. A channel is
/// created for its first value. At the end it is removed, unless --keep keeps it. Values keep their
/// element types and attributes, the time of their first publication, and, without --loop, their
/// numbers. On a terminal, the space bar pauses and goes on; while the program is stopped, time
/// stands too.
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Args {
    /// Channel to create, or to take over from a writer that has ended [default: as recorded]
    #[arg(add = ArgValueCompleter::new(names))]
    name: Option<String>,
    /// Recording to play: a directory, or a file that ends with .mcap or .npz
    #[arg(required = true)]
    from: PathBuf,
    /// Channels of the recording to play, such as 'cam*' [default: all]
    #[arg(long, value_name = "PATTERN")]
    only: Vec<NamePattern>,
    /// What to put before the recorded names, such as replay.
    #[arg(long, value_name = "TEXT", conflicts_with = "name")]
    prefix: Option<String>,
    /// Begin so many seconds after the recording's beginning
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = parse_seconds)]
    start: Duration,
    /// Play this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_positive)]
    speed: f64,
    /// Values a second, of all channels together, instead of the recorded times
    #[arg(long, value_name = "HERTZ", conflicts_with = "speed", value_parser = parse_positive)]
    rate: Option<f64>,
    /// Start again at the end, until Ctrl-C
    #[arg(long = "loop")]
    repeat: bool,
    /// Keep the channels and their last values at the end
    #[arg(long, alias = "persist")]
    keep: bool,
    /// Print what the recording has, and publish nothing
    #[arg(long, conflicts_with_all = ["name", "prefix", "start", "speed", "rate", "repeat", "keep"])]
    list: bool,
    /// Print it as JSON
    #[arg(long, requires = "list")]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let mut recording = Recording::open(&args.from)?;
    if args.list {
        list::list(&mut recording, args.json, |name| args.is_wanted(name))?;
        if !args.json {
            args.tell_of_end(&recording);
        }
        return Ok(());
    }
    let names: Vec<String> = recording.names().into_iter().filter(|name| args.is_wanted(name)).collect();
    if names.len() > 1 && args.name.is_some() {
        return Err(args.several(&names));
    }
    let interrupt = Interrupt::catch()?;
    let count = recording.count().filter(|_| !args.repeat && args.only.is_empty() && args.start.is_zero());
    let progress = Progress::new("play", count)?;
    let mut pace = Pace::new();
    let mut channels = BTreeMap::new();
    loop {
        let Some(times) = args.play(globals, &mut recording, &mut channels, &mut pace, &interrupt, &progress)? else {
            break;
        };
        if times.count == 0 {
            return Err(args.nothing(&recording));
        }
        if !args.repeat || pace.wait(due(args.pause(&times)), &interrupt, &progress) {
            break;
        }
        recording.rewind();
        pace.restart();
    }
    drop(progress);
    args.tell_of_end(&recording);
    Ok(())
}

/// When values were due, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Times {
    count: u64,
    /// Time of the first value in the recording.
    first: f64,
    /// When the last one was due.
    last: f64,
}

impl Args {
    /// What the command is about, for advice: its channel, if one was named.
    pub(super) fn name(&self) -> Option<&String> {
        self.name.as_ref()
    }

    /// Plays the values once; `None` if it is time to stop.
    fn play<'a>(
        &'a self,
        globals: &'a Globals,
        recording: &mut Recording,
        channels: &mut BTreeMap<Option<String>, Replay<'a>>,
        pace: &mut Pace,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Result<Option<Times>> {
        let mut times = Times::default();
        // Each is read before it is due, so that it can be on time. A bad recording leaves nothing
        // behind, as channels are created for their first values.
        while let Some(value) = recording.next(self.start.as_secs_f64())? {
            if value.name.is_some_and(|name| !self.is_wanted(name)) {
                continue;
            }
            if pace.wait(due(self.due(&mut times, value.note.time)), interrupt, progress) {
                return Ok(None);
            }
            let recorded = value.name.map(str::to_owned);
            if self.name.is_some() && !channels.is_empty() && !channels.contains_key(&recorded) {
                let names: Vec<_> = channels.keys().flatten().cloned().chain(recorded).collect();
                return Err(self.several(&names));
            }
            let name = self.target(value.name)?;
            let new = || Replay::new(globals, &self.target, name, self.keep, self.repeat);
            channels.entry(recorded).or_insert_with(new).write(&value)?;
            progress.step();
        }
        Ok(Some(times))
    }

    /// Says that the recording is not finished, if so.
    fn tell_of_end(&self, recording: &Recording) {
        if recording.is_unfinished() {
            let path = self.from.display().to_string();
            tell(format_args!("{}: its recorder was killed; this is all that it left", printable(&path)));
        }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(name))
    }

    /// The channel in which values of a recorded one are published.
    fn target(&self, recorded: Option<&str>) -> Result<String> {
        match (&self.name, recorded) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(name)) => Ok(format!("{}{name}", self.prefix.as_deref().unwrap_or_default())),
            (None, None) => Err(Failure::new(Exit::Usage, "the recording does not say what its channel is called")
                .advise("say it: `ndsh play CHANNEL RECORDING`")),
        }
    }

    fn several(&self, names: &[String]) -> Failure {
        let names: Vec<_> = names.iter().map(|name| printable(name)).collect();
        Failure::new(Exit::Usage, format!("the recording has several channels: {}", names.join(", ")))
            .advise("choose one with --only, or leave out NAME and let each have its own")
    }

    /// The failure of a recording without a value to play.
    fn nothing(&self, recording: &Recording) -> Failure {
        let names = recording.names();
        if names.is_empty() || self.only.is_empty() && self.start.is_zero() {
            return recording.no_values();
        }
        let names: Vec<_> = names.iter().map(|name| printable(name)).collect();
        let message = format!("{}: no value is wanted; its channels: {}", self.from.display(), names.join(", "));
        Failure::new(Exit::NotFound, message).advise("--only and --start choose what is played")
    }

    /// Computes when a value is due, in seconds from the start; times never go back.
    fn due(&self, times: &mut Times, time: f64) -> f64 {
        if times.count == 0 {
            times.first = time;
        }
        let due = self.rate.map_or((time - times.first) / self.speed, |rate| times.count as f64 / rate);
        times.count += 1;
        times.last = times.last.max(due);
        times.last
    }

    /// Computes when a loop starts again: one mean interval after the last value.
    fn pause(&self, times: &Times) -> f64 {
        match times.count {
            0 | 1 => self.rate.map_or(1.0, f64::recip),
            count => times.last + times.last / (count - 1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Play {
        #[command(flatten)]
        args: Args,
    }

    fn args(more: &[&str]) -> Args {
        Play::parse_from(["play", "name", "recording"].iter().chain(more)).args
    }

    fn schedule(args: &Args, recorded: &[f64]) -> (Vec<f64>, f64) {
        let mut times = Times::default();
        let due = recorded.iter().map(|time| args.due(&mut times, *time)).collect();
        (due, args.pause(&times))
    }

    #[test]
    fn values_are_due_as_they_were() {
        let times = [0.5, 1.0, 0.9, 3.0];
        assert_eq!(schedule(&args(&[]), &times).0, [0.0, 0.5, 0.5, 2.5]);
        assert_eq!(schedule(&args(&["--speed", "2"]), &times).0, [0.0, 0.25, 0.25, 1.25]);
        assert_eq!(schedule(&args(&["--rate", "4"]), &times).0, [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn a_loop_goes_on_evenly() {
        assert_eq!(schedule(&args(&[]), &[0.0, 1.0, 2.0]).1, 3.0);
        assert_eq!(schedule(&args(&["--rate", "5"]), &[0.0]).1, 0.2);
    }

    #[test]
    fn the_name_may_be_missing() {
        let only = |words: &[&str]| {
            let args = Play::parse_from(["play"].iter().chain(words)).args;
            (args.name, args.from.to_str().unwrap().to_owned())
        };
        assert_eq!(only(&["a.mcap"]), (None, "a.mcap".to_owned()));
        assert_eq!(only(&["b", "a.mcap"]), (Some("b".to_owned()), "a.mcap".to_owned()));
    }
}
