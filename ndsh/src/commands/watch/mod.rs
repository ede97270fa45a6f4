//! `ndsh watch`
//!
//! One thread reads every value it can and counts. The other one takes a value now and then,
//! computes figures over its elements, and shows everything.

mod dashboard;
mod figures;
mod line;
mod probe;

use crate::args::seconds::parse_interval;
use crate::args::{Globals, KindArg};
use crate::array::Statistics;
use crate::failure::{Exit, Failure, Result};
use crate::output::{printable, stdout};
use crate::terminal::{Action, Interrupt, Screen};
use dashboard::Dashboard;
use figures::Figures;
use line::{Moment, line};
use probe::{CopiedValue, Probe, Status};
use std::io::Write;
use std::time::{Duration, Instant};

/// Slices of an interval; the screen is drawn anew in each.
const SLICES: u32 = 4;
/// Bars of the histogram in a line.
const LINE_BINS: usize = 8;
/// Computing figures over elements may take one part in so many of the time.
const SHARE: u32 = 4;

/// Show live figures: rate, age, missed values, bandwidth, and the range of the elements
///
/// On a terminal it takes the screen, and draws it four times an interval. Otherwise it prints a
/// line for each interval. It waits for a channel that does not exist yet, and continues with the
/// next writer when one closes the channel or dies. Age is the time from a value's publication
/// until this program sees it. Missed are values that this program did not see; other readers may
/// have seen them. The figures over all elements are of one value at a time. They leave out NaN and
/// infinities, and count complex numbers by their absolute values.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel or shared array
    pub(super) name: String,
    /// Kind, if several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Time over which rate, ages and missed are measured
    #[arg(long, short = 'n', value_name = "SECONDS", default_value = "1", value_parser = parse_interval)]
    interval: Duration,
    /// End after N lines
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print a JSON object a line, also on a terminal
    #[arg(long)]
    json: bool,
    /// Print lines, also on a terminal
    #[arg(long)]
    plain: bool,
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
        // If the reading has failed, its failure says more.
        read.and(shown)
    })
}

/// Prints a line for each interval.
fn print(args: &Args, probe: &Probe, interrupt: &Interrupt, ended: impl Fn() -> bool) -> Result<()> {
    let mut values = Values::new(LINE_BINS);
    let start = Instant::now();
    let mut end = start;
    let mut came = false;
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
        let (figures, mut status, copy) = probe.turn(Instant::now());
        let statistics = values.look(probe, copy, &mut status)?;
        came |= status.array.is_some();
        let mut out = stdout();
        if args.json {
            serde_json::to_writer(&mut out, &Moment::new(&args.name, &status, &figures, statistics))?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", line(&args.name, &status, &figures, statistics))?;
        }
        out.flush()?;
    }
    match args.count {
        Some(1..) if !came && !ended() => {
            let failure = Failure::new(Exit::TimedOut, format!("\"{}\" has had no value", printable(&args.name)));
            Err(failure.advise("a larger --count, or none, waits longer"))
        }
        _ => Ok(()),
    }
}

/// Shows a screen until the user quits.
fn draw(args: &Args, probe: &Probe, interrupt: &Interrupt, ended: impl Fn() -> bool) -> Result<()> {
    let mut screen = Screen::take()?;
    let mut dashboard = Dashboard::new(&args.name);
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

/// Computes figures over elements, as often as that takes little processor time.
struct Values {
    bins: usize,
    /// The value without its elements, and its figures.
    looked: Option<(CopiedValue, Statistics)>,
}

impl Values {
    fn new(bins: usize) -> Self {
        Self { bins, looked: None }
    }

    fn statistics(&self) -> Option<&Statistics> {
        self.looked.as_ref().map(|(_, statistics)| statistics)
    }

    /// Computes figures of the copy, and makes `status` show the same value.
    fn look(
        &mut self,
        probe: &Probe,
        copy: Option<Result<CopiedValue>>,
        status: &mut Status,
    ) -> Result<Option<&Statistics>> {
        if let Some(mut copy) = copy.transpose()? {
            let start = Instant::now();
            let statistics = Statistics::of(copy.array.view(), self.bins);
            probe.want_copy(start + start.elapsed() * SHARE);
            copy.array.bytes = Vec::new();
            self.looked = Some((copy, statistics));
        }
        if let Some((copy, _)) = &self.looked {
            status.show(copy);
        }
        Ok(self.statistics())
    }
}
