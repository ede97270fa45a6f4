//! How long does a frame take from one process to another?
//!
//! The sender stamps each frame with the time, and the receiver compares it with the time at which
//! it has the frame in hand; both read the clock that all processes share, so that one reading of
//! it is part of every figure, the floor's too. The next frame is sent once the receiver has told
//! by a cache line of its own that it has the last.

mod ack;
pub(super) mod many;
pub(super) mod percentiles;
pub(crate) mod receiver;

use std::hint;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{OURS, Report, SIZES, SMALL, Settings, size_name};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::wire::floor::{Futex, Spin};
use crate::contenders::wire::in_order::InOrder;
use crate::contenders::wire::streams::{Pipe, Socket};
use crate::contenders::wire::{SendFrame, Waiting, Wire};
use crate::harness::child::Child;
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::stats::{Nanos, Short, Spread, permille};
use crate::harness::table::Table;
use crate::harness::{clock, cores};
use ack::Ack;

/// The figures' names.
pub(crate) const SPINNING: &str = "latency, spinning";
pub(crate) const SHORT_SLEEP: &str = "latency, asleep for 20 µs";
pub(crate) const LONG_SLEEP: &str = "latency, asleep for 300 µs";

/// How the two ends work together.
struct Manner {
    what: &'static str,
    waiting: Waiting,
    /// The sender's pause after a frame has been received: time for the receiver to fall asleep.
    pause: Duration,
    sizes: &'static [usize],
}

const MANNERS: [Manner; 3] = [
    Manner { what: SPINNING, waiting: Waiting::Spinning, pause: Duration::ZERO, sizes: &SIZES },
    Manner { what: SHORT_SLEEP, waiting: Waiting::Asleep, pause: Duration::from_micros(20), sizes: &[SMALL] },
    Manner { what: LONG_SLEEP, waiting: Waiting::Asleep, pause: Duration::from_micros(300), sizes: &SIZES },
];

/// Frames of one sample, at most and at least.
const MOST: u32 = 20_000;
const LEAST: u32 = 8;

pub(super) fn spinning(settings: &Settings) -> Result<Report> {
    run(settings, &MANNERS[..1])
}

pub(super) fn asleep(settings: &Settings) -> Result<Report> {
    run(settings, &MANNERS[1..])
}

fn run(settings: &Settings, manners: &[Manner]) -> Result<Report> {
    let mut report = Report::default();
    let (theirs, _pinned) = two_cores()?;
    for manner in manners {
        for &size in manner.sizes {
            let mut pairs = Pair::start_all(settings, manner, size, theirs, true)?;
            race(&mut pairs, settings, manner)?;
            add(&mut report, manner, size, &pairs);
        }
    }
    Ok(report)
}

/// Ties this thread to the first core; also returns the second, which is the receiver's.
fn two_cores() -> Result<(Option<usize>, Option<cores::Pinned>)> {
    // Asked before this thread is tied to one: a child inherits that.
    let cores = cores::allowed()?;
    let pinned = cores.first().copied().map(cores::pin).transpose()?;
    Ok((cores.get(1).copied(), pinned))
}

/// Sender here, receiver there.
struct Pair {
    name: &'static str,
    sender: Box<dyn SendFrame>,
    child: Child,
    ack: Ack,
    count: u32,
    /// Medians, 99th and 99.9th percentiles of the rounds, and all samples of all rounds.
    medians: Vec<f64>,
    p99: Vec<f64>,
    p999: Vec<f64>,
    all: Vec<f64>,
    /// Last, so that it outlives what is mapped in it.
    _place: Place,
}

type Start = fn(&Settings, &Manner, usize, Option<usize>) -> Result<Option<Pair>>;

impl Pair {
    /// Starts all contenders that wait in this manner; the one that reads in order is asked for.
    fn start_all(
        settings: &Settings,
        manner: &Manner,
        size: usize,
        core: Option<usize>,
        in_order: bool,
    ) -> Result<Vec<Self>> {
        let mut starts: Vec<Start> = vec![Self::start::<Ndsharray>];
        if in_order {
            starts.push(Self::start::<InOrder>);
        }
        match manner.waiting {
            Waiting::Spinning => {
                starts.extend([Self::start::<Spin> as Start, Self::start::<Slices>, Self::start::<Raw>]);
            }
            Waiting::Asleep => starts.extend([Self::start::<Futex> as Start, Self::start::<Slices>]),
        }
        starts.extend([Self::start::<Pipe> as Start, Self::start::<Socket>]);
        starts.into_iter().filter_map(|start| start(settings, manner, size, core).transpose()).collect()
    }

    /// `None` for a contender that does not take part.
    fn start<C: Wire>(settings: &Settings, manner: &Manner, size: usize, core: Option<usize>) -> Result<Option<Self>> {
        if !settings.pace().admits(C::NAME) {
            return Ok(None);
        }
        let place = Place::fresh()?;
        let sender = Box::new(C::sender(&place, size, manner.waiting)?);
        let ack = Ack::open(&place)?;
        let waiting = clap::ValueEnum::to_possible_value(&manner.waiting).context("no such value")?;
        let mut arguments = vec!["latency-receiver".into(), C::NAME.into(), place.dir().as_os_str().to_owned()];
        arguments.extend([size.to_string().into(), waiting.get_name().into()]);
        if let Some(core) = core {
            arguments.extend(["--core".into(), core.to_string().into()]);
        }
        let mut child = Child::start(arguments)?;
        child.expect_ready()?;
        let mut pair = Self {
            name: C::NAME,
            sender,
            child,
            ack,
            count: LEAST,
            medians: Vec::new(),
            p99: Vec::new(),
            p999: Vec::new(),
            all: Vec::new(),
            _place: place,
        };
        pair.calibrate(settings.sample_of(size).max(settings.sample * 2), manner.pause)?;
        Ok(Some(pair))
    }

    /// Finds out how many frames fill `budget`; warms everything up on the way.
    fn calibrate(&mut self, budget: Duration, pause: Duration) -> Result<()> {
        loop {
            // The best of three, as an interruption would pass for slowness.
            let mut took = Duration::MAX;
            for _ in 0..3 {
                if took >= budget / 4 {
                    took = took.min(self.sample(pause)?.1);
                }
            }
            if took >= budget / 4 || self.count >= MOST {
                let scale = budget.as_secs_f64() / took.as_secs_f64();
                self.count = ((f64::from(self.count) * scale) as u32).clamp(LEAST, MOST);
                return Ok(());
            }
            self.count *= 2;
        }
    }

    /// Sends `count` frames, one after the other has been received; returns what each took, and
    /// what all took together.
    fn sample(&mut self, pause: Duration) -> Result<(Vec<f64>, Duration)> {
        let mut last = clock::now();
        self.child.tell(&format!("{} {last}", self.count))?;
        // Time for the receiver to be there.
        std::thread::sleep(Duration::from_millis(1));
        let begin = Instant::now();
        for _ in 0..self.count {
            let mut now = clock::now();
            let due = last + pause.as_nanos() as u64;
            // Strictly later than the last one, as the stamp is what tells a new frame from an old
            // one.
            while now < due || now == last {
                hint::spin_loop();
                now = clock::now();
            }
            self.sender.send(now)?;
            self.ack.wait(now)?;
            last = if pause.is_zero() { now } else { clock::now() };
        }
        let took = begin.elapsed();
        let line = self.child.line().with_context(|| self.name)?;
        let nanos = line.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        ensure!(nanos.len() == self.count as usize, "{}: frames went astray", self.name);
        Ok((nanos, took))
    }
}

fn race(pairs: &mut [Pair], settings: &Settings, manner: &Manner) -> Result<()> {
    for round in 0..settings.rounds {
        for turn in 0..pairs.len() {
            let index = (round + turn) % pairs.len();
            let Some(pair) = pairs.get_mut(index) else { continue };
            let (mut nanos, _) = pair.sample(manner.pause).with_context(|| pair.name)?;
            nanos.sort_by(f64::total_cmp);
            pair.medians.push(permille(&nanos, 500));
            pair.p99.push(permille(&nanos, 990));
            pair.p999.push(permille(&nanos, 999));
            pair.all.extend(nanos);
        }
    }
    for pair in pairs {
        pair.all.sort_by(f64::total_cmp);
    }
    Ok(())
}

fn add(report: &mut Report, manner: &Manner, size: usize, pairs: &[Pair]) {
    let head = ["contender", "p50", "min..max of rounds", "p99", "p99.9", "frames", "times ours", "min..max"];
    let mut table = Table::new(format!("One way, {}: {}", manner.what, size_name(size)), &head);
    let ours = pairs.iter().find(|pair| pair.name == OURS);
    for pair in pairs {
        let value = Spread::of(&pair.medians);
        let ratio = ours.map(|ours| Spread::of_ratios(&pair.medians, &ours.medians));
        table.row(vec![
            pair.name.into(),
            Nanos(value.median).to_string(),
            format!("{}..{}", Nanos(value.min), Nanos(value.max)),
            Nanos(permille(&pair.all, 990)).to_string(),
            Nanos(permille(&pair.all, 999)).to_string(),
            pair.all.len().to_string(),
            ratio.map_or("–".into(), |ratio| Short(ratio.median).to_string()),
            ratio.map_or("–".into(), |ratio| format!("{}..{}", Short(ratio.min), Short(ratio.max))),
        ]);
        report.figures.push(Figure {
            what: manner.what,
            at: size,
            contender: pair.name.into(),
            value,
            times_ours: ratio,
        });
    }
    report.tables.push(table);
    if size != SMALL {
        return;
    }
    let (floor, limit) = match manner.waiting {
        Waiting::Spinning => (Spin::NAME, 1.5),
        Waiting::Asleep => (Futex::NAME, 1.3),
    };
    if let Some((ours, in_order)) = ours.zip(pairs.iter().find(|pair| pair.name == InOrder::NAME)) {
        let ratio = Spread::of_ratios(&in_order.medians, &ours.medians);
        let what = format!("{} 64 B p50 in order, of the latest", manner.what);
        report.goals.push(Goal::at_most(what, ratio, 1.1, |x| format!("{} ×", Short(x))));
    }
    for (rival, limit) in [(floor, limit), (<Slices as Wire>::NAME, 1.0)] {
        if let Some((ours, rival)) = ours.zip(pairs.iter().find(|pair| pair.name == rival)) {
            let ratio = Spread::of_ratios(&ours.medians, &rival.medians);
            let what = format!("{} 64 B p50, of {}", manner.what, rival.name);
            report.goals.push(Goal::at_most(what, ratio, limit, |x| format!("{} ×", Short(x))));
        }
    }
}
