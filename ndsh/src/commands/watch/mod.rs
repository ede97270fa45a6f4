//! `ndsh watch`
//!
//! One thread reads every value it can, of all names, and counts. Another one takes a value now and
//! then, computes figures over its elements, and shows everything.

mod args;
mod dashboard;
mod figures;
mod line;
mod probe;
mod several;
mod values;

use crate::args::Globals;
use crate::endpoints::{Source, Which};
use crate::failure::{Exit, Failure, Result};
use crate::output::{printable, stdout};
use crate::terminal::{Action, Interrupt, Screen};
use args::SLICES;
use dashboard::Dashboard;
use figures::Figures;
use line::{Moment, line};
use probe::{Probe, Status};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use values::{LINE_BINS, Values};

pub(crate) use args::Args;

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let lines = args.json || args.plain || args.count.is_some() || !Screen::is_there();
    let slices = if lines { 1 } else { SLICES as usize };
    let watched: Vec<_> = args.names.iter().map(|name| (name.as_str(), Probe::new(slices))).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| probe::read(globals, &watched, args.kind, &stop));
        // It runs until it is stopped, or fails.
        let ended = || reading.is_finished();
        let shown = match watched.as_slice() {
            _ if lines => print(args, globals, &watched, &interrupt, ended),
            [(name, probe)] => draw(args, name, probe, &interrupt, ended),
            _ => several::draw(args, &watched, &interrupt, ended),
        };
        // Relaxed: nothing else is told by it.
        stop.store(true, Ordering::Relaxed);
        // If the reading has failed, its failure says more.
        reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(shown)
    })
}

/// Prints a line for each interval and name.
fn print(
    args: &Args,
    globals: &Globals,
    watched: &[(&str, Probe)],
    interrupt: &Interrupt,
    ended: impl Fn() -> bool,
) -> Result<()> {
    let mut values: Vec<_> = watched.iter().map(|_| Values::new(LINE_BINS)).collect();
    let start = Instant::now();
    let mut end = start;
    let mut came = vec![false; watched.len()];
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        end += args.interval;
        while end > Instant::now() && !ended() {
            if interrupt.sleep(end.saturating_duration_since(Instant::now()).min(Duration::from_millis(100))) {
                return Ok(());
            }
        }
        if ended() {
            break;
        }
        let mut out = stdout();
        for (((name, probe), values), came) in watched.iter().zip(&mut values).zip(&mut came) {
            let (figures, mut status, copy) = probe.turn(Instant::now());
            let statistics = values.look(probe, copy, &mut status)?;
            *came |= status.array.is_some();
            if args.json {
                serde_json::to_writer(&mut out, &Moment::new(name, &status, &figures, statistics))?;
                writeln!(out)?;
            } else {
                writeln!(out, "{}", line(name, &status, &figures, statistics))?;
            }
        }
        out.flush()?;
    }
    let silent = watched.iter().zip(&came).find(|(_, came)| !**came);
    match (args.count, silent) {
        (Some(1..), Some(((name, _), _))) if !ended() => {
            // Where it cannot be read, waiting longer does not help.
            let which = Which { kind: args.kind, ..Which::default() };
            match Source::open(globals, name, &which).and_then(|mut source| source.latest(|_| ())) {
                Err(failure) if failure.exit() != Exit::NotFound => return Err(failure),
                _ => {}
            }
            let failure = Failure::new(Exit::TimedOut, format!("\"{}\" has had no value", printable(name)));
            Err(failure.advise("a larger --count, or none, waits longer"))
        }
        _ => Ok(()),
    }
}

/// Shows a screen until the user quits.
fn draw(args: &Args, name: &str, probe: &Probe, interrupt: &Interrupt, ended: impl Fn() -> bool) -> Result<()> {
    let mut screen = Screen::take()?;
    let mut dashboard = Dashboard::new(name);
    let mut values = Values::new(LINE_BINS);
    let slice = args.interval / SLICES;
    let mut next = Instant::now();
    let mut last: Option<(Figures, Status)> = None;
    while !ended() {
        let now = Instant::now();
        if now >= next || last.is_none() {
            next = now + slice;
            let (figures, mut status, copy) = probe.turn(now);
            values.bins = Dashboard::bins(screen.width());
            values.look(probe, copy, &mut status)?;
            dashboard.note(&figures, &status);
            last = Some((figures, status));
        }
        if let Some((figures, status)) = &last {
            screen.draw(|frame| dashboard.draw(frame, status, figures, values.statistics()))?;
        }
        if screen.next_action(next.saturating_duration_since(Instant::now()), interrupt) == Some(Action::Quit) {
            break;
        }
    }
    Ok(())
}
