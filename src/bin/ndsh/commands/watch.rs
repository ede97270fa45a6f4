//! `ndsh watch`

use crate::args::Globals;
use crate::array::Array;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::stdout;
use crate::screen::{Screen, Wish};
use crate::seconds::parse_seconds;
use crate::select::KindArg;
use crate::summary::Summary;
use crate::watch::{Dashboard, Figures, Probe, Report, Sight, line};
use std::io::Write;
use std::time::{Duration, Instant};

/// Parts of the interval in which the screen is drawn anew.
const SLICES: u32 = 4;
/// Parts of the histogram in a line.
const LINE_BINS: usize = 8;
/// Looking at values may take this part of the time.
const SHARE: u32 = 4;

/// Show live figures: rate, age, missed values, bandwidth, and how the values are spread
///
/// On a terminal a screen, which is drawn anew four times an interval; otherwise a line for each interval. It waits for a channel that is not there, and
/// goes on with the next writer when one closes the channel or dies. Age is the time from a value's publication to its being seen here; missed are
/// values that this program did not see, which says nothing of other readers. The figures over all elements are of one value at a time, and leave out
/// what is not finite; complex numbers count by their absolute values.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel or shared array
    name: String,
    /// Kind, where several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Time that rate, ages and missed are taken over
    #[arg(long, short = 'n', value_name = "SECONDS", default_value = "1", value_parser = parse_interval)]
    interval: Duration,
    /// End after N lines
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// A JSON object a line, also on a terminal
    #[arg(long)]
    json: bool,
    /// Lines, also on a terminal
    #[arg(long)]
    plain: bool,
}

fn parse_interval(text: &str) -> std::result::Result<Duration, String> {
    parse_seconds(text)
        .and_then(|time| if time >= Duration::from_millis(10) { Ok(time) } else { Err("at least 0.01".to_owned()) })
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let lines = args.json || args.plain || args.count.is_some() || !Screen::is_there();
    let probe = Probe::new(if lines { 1 } else { SLICES as usize });
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| probe.run(globals, &args.name, args.kind));
        let ended = || reading.is_finished();
        let shown = if lines { print(args, &probe, &interrupt, ended) } else { draw(args, &probe, &interrupt, ended) };
        probe.stop();
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // Why the reading has ended says more.
        read.and(shown)
    })
}

/// A line for each interval.
fn print(args: &Args, probe: &Probe, interrupt: &Interrupt, ended: impl Fn() -> bool) -> Result<()> {
    let mut values = Values::new(LINE_BINS);
    let start = Instant::now();
    let mut end = start;
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
        let (figures, sight, copy) = probe.turn(Instant::now());
        let summary = values.look(probe, copy)?;
        let mut out = stdout();
        if args.json {
            serde_json::to_writer(&mut out, &Report::new(&args.name, &sight, &figures, summary))?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", line(&args.name, &sight, &figures, summary))?;
        }
        out.flush()?;
    }
    Ok(())
}

/// A screen, until the user has seen enough.
fn draw(args: &Args, probe: &Probe, interrupt: &Interrupt, ended: impl Fn() -> bool) -> Result<()> {
    let mut screen = Screen::take()?;
    let mut dashboard = Dashboard::new(&args.name);
    let mut values = Values::new(LINE_BINS);
    let slice = args.interval / SLICES;
    let mut next = Instant::now();
    let mut last: Option<(Figures, Sight)> = None;
    while !ended() {
        let now = Instant::now();
        if now >= next || last.is_none() {
            next = now + slice;
            let (figures, sight, copy) = probe.turn(now);
            values.bins = Dashboard::bins(screen.width());
            values.look(probe, copy)?;
            dashboard.note(&figures);
            last = Some((figures, sight));
        }
        if let Some((figures, sight)) = &last {
            screen.draw(|frame| dashboard.draw(frame, sight, figures, values.summary.as_ref()))?;
        }
        if screen.wish(next.saturating_duration_since(Instant::now()), interrupt) == Some(Wish::Quit) {
            break;
        }
    }
    Ok(())
}

/// Figures over a value's elements, as often as they can be had without taking too much of the processor.
struct Values {
    bins: usize,
    summary: Option<Summary>,
    /// When to ask for another value.
    next: Option<Instant>,
}

impl Values {
    fn new(bins: usize) -> Self {
        Self { bins, summary: None, next: None }
    }

    fn look(&mut self, probe: &Probe, copy: Option<Result<Array>>) -> Result<Option<&Summary>> {
        if let Some(array) = copy.transpose()? {
            let start = Instant::now();
            self.summary = Some(Summary::of(array.view(), self.bins));
            self.next = Some(start + start.elapsed() * SHARE);
        }
        if self.next.is_some_and(|next| Instant::now() >= next) {
            self.next = None;
            probe.want_copy();
        }
        Ok(self.summary.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!(parse_interval("0.5"), Ok(Duration::from_millis(500)));
        assert!(parse_interval("0").is_err() && parse_interval("-1").is_err());
    }
}
