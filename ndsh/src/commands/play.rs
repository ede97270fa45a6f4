//! `ndsh play`

use crate::args::Globals;
use crate::args::seconds::{due, parse_positive};
use crate::complete::names;
use crate::endpoints::{Replay, TargetArgs};
use crate::failure::{Exit, Failure, Result};
use crate::recording::Recording;
use crate::terminal::{Interrupt, Progress};
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;
use std::time::Instant;

/// Publish a recording again, with its original timing
///
/// The channel is created for the first value. At the end it is removed, unless --keep keeps it.
/// Values keep their attributes, the time of their first publication, and, without --loop, their
/// numbers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel to create, or to take over from a writer that has ended
    #[arg(add = ArgValueCompleter::new(names))]
    pub(super) name: String,
    /// Recording to play: a directory, or a file that ends with .npz
    from: PathBuf,
    /// Play this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_positive)]
    speed: f64,
    /// Values a second, instead of the recorded times
    #[arg(long, value_name = "HERTZ", conflicts_with = "speed", value_parser = parse_positive)]
    rate: Option<f64>,
    /// Start again at the end, until Ctrl-C
    #[arg(long = "loop")]
    repeat: bool,
    /// Keep the channel and its last value at the end
    #[arg(long, alias = "persist")]
    keep: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let mut recording = Recording::open(&args.from)?;
    let notes = recording.notes().to_vec();
    let times = args.schedule(&notes.iter().map(|note| note.time).collect::<Vec<_>>());
    if times.is_empty() {
        return Err(Failure::new(Exit::Failure, format!("{} has no values", args.from.display())));
    }
    // Read before the channel is created, so that a bad recording leaves nothing behind.
    let mut next = Some(recording.get(0)?);
    let interrupt = Interrupt::catch()?;
    let mut target = Replay::create(globals, &args.target, &args.name, args.keep, &notes, args.repeat)?;
    let progress = Progress::new("play", (!args.repeat).then_some(times.len() as u64))?;
    loop {
        let start = Instant::now();
        for (index, (time, note)) in times.iter().zip(&notes).enumerate() {
            // Read before it is due, so that it can be on time.
            let (array, attributes) = match next.take() {
                Some(value) => value,
                None => recording.get(index)?,
            };
            if interrupt.sleep(due(*time).saturating_sub(start.elapsed())) {
                return Ok(());
            }
            target.write(note, array.view(), &attributes)?;
            progress.step();
        }
        if !args.repeat || interrupt.sleep(due(args.pause(&times)).saturating_sub(start.elapsed())) {
            return Ok(());
        }
    }
}

impl Args {
    /// Computes when each value is due, in seconds from the start; times never go back.
    fn schedule(&self, times: &[f64]) -> Vec<f64> {
        let first = times.first().copied().unwrap_or(0.0);
        let mut last = 0.0;
        let due = times.iter().enumerate().map(|(index, time)| {
            let due = self.rate.map_or((time - first) / self.speed, |rate| index as f64 / rate);
            last = f64::max(last, due);
            last
        });
        due.collect()
    }

    /// Computes when a loop starts again: one mean interval after the last value.
    fn pause(&self, times: &[f64]) -> f64 {
        let last = times.last().copied().unwrap_or(0.0);
        match times.len() {
            0 | 1 => self.rate.map_or(1.0, f64::recip),
            count => last + last / (count - 1) as f64,
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

    #[test]
    fn values_are_due_as_they_were() {
        let times = [0.5, 1.0, 0.9, 3.0];
        assert_eq!(args(&[]).schedule(&times), [0.0, 0.5, 0.5, 2.5]);
        assert_eq!(args(&["--speed", "2"]).schedule(&times), [0.0, 0.25, 0.25, 1.25]);
        assert_eq!(args(&["--rate", "4"]).schedule(&times), [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn a_loop_goes_on_evenly() {
        assert_eq!(args(&[]).pause(&[0.0, 1.0, 2.0]), 3.0);
        assert_eq!(args(&["--rate", "5"]).pause(&[0.0]), 0.2);
    }
}
