//! A writer that never pauses, and a reader that must have every value, in order.
//!
//! How many are that a second? The writer waits for the reader when their queue is full. So it does
//! with all contenders here, and the receiver checks that nothing is missing.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::{Report, SMALL, Settings, size_name};
use crate::contenders::wire::in_order::{DEPTH, Lossless, LosslessHistory, Queue};
use crate::contenders::wire::streams::{Pipe, Socket};
use crate::contenders::wire::{ReceiveFrame, SendFrame, Waiting, Wire};
use crate::harness::child::{Child, READY};
use crate::harness::cores;
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::stats::{Short, Spread};
use crate::harness::table::Table;

/// The figures' name: values a second.
pub(crate) const IN_ORDER: &str = "values a second, in order and none missed";

const LARGE: usize = 1 << 20;

/// The command line of a receiver.
#[derive(clap::Args)]
pub(crate) struct Args {
    contender: String,
    dir: PathBuf,
    size: usize,
    /// How many frames come.
    count: u64,
    #[arg(long)]
    core: Option<usize>,
}

/// One contender and the rates of its rounds.
struct Contender {
    name: &'static str,
    run: fn(usize, u64) -> Result<f64>,
    rates: Vec<f64>,
}

impl Contender {
    fn new<C: Wire>() -> Self {
        Self { name: C::NAME, run: flood::<C>, rates: Vec::new() }
    }
}

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in [SMALL, LARGE] {
        let mut contenders = vec![
            Contender::new::<Lossless>(),
            Contender::new::<LosslessHistory>(),
            Contender::new::<Queue>(),
            Contender::new::<Pipe>(),
            Contender::new::<Socket>(),
        ];
        contenders.retain(|each| settings.pace().admits(each.name));
        // A value of either size takes about as long as it takes to copy; small ones half a
        // microsecond.
        let nanos = if size == SMALL { 500 } else { 500_000 };
        let count = u64::try_from(settings.flood.as_nanos())?.div_ceil(nanos).max(4 * DEPTH as u64);
        for round in 0..settings.rounds {
            for turn in 0..contenders.len() {
                let index = (round + turn) % contenders.len();
                let contender = &mut contenders[index];
                contender.rates.push((contender.run)(size, count).with_context(|| contender.name)?);
            }
        }
        add(&mut report, size, count, &contenders);
    }
    Ok(report)
}

fn add(report: &mut Report, size: usize, count: u64, contenders: &[Contender]) {
    let title = format!("{count} values of {}, all of them in order, at most {DEPTH} on their way", size_name(size));
    let mut table = Table::new(title, &["contender", "values/s", "min..max", "times ours"]);
    let ours = contenders.iter().find(|each| each.name == Lossless::NAME);
    for each in contenders {
        let value = Spread::of(&each.rates);
        let ratio = ours.map(|ours| Spread::of_ratios(&each.rates, &ours.rates));
        table.row(vec![
            each.name.into(),
            thousands(value.median),
            format!("{}..{}", thousands(value.min), thousands(value.max)),
            ratio.map_or("–".into(), |ratio| Short(ratio.median).to_string()),
        ]);
        report.figures.push(Figure { what: IN_ORDER, at: size, contender: each.name.into(), value, times_ours: ratio });
    }
    report.tables.push(table);
    if let Some((ours, rival)) = ours.zip(contenders.iter().find(|each| each.name == Queue::NAME)) {
        let ratio = Spread::of_ratios(&ours.rates, &rival.rates);
        let what = format!("values a second in order, {}, of {}", size_name(size), rival.name);
        report.goals.push(Goal::at_least(what, ratio, 1.0, |x| format!("{} ×", Short(x))));
    }
}

/// Sends `count` frames from here to a receiver in a process of its own; returns values a second.
fn flood<C: Wire>(size: usize, count: u64) -> Result<f64> {
    let place = Place::fresh()?;
    let mut sender = C::sender(&place, size, Waiting::Spinning)?;
    // Asked before this thread is tied to one: a child inherits that.
    let cores = cores::allowed()?;
    let (own, theirs) = match cores[..] {
        [own, theirs, ..] => (Some(own), Some(theirs)),
        _ => (None, None),
    };
    let mut arguments = vec!["in-order-receiver".into(), C::NAME.into(), place.dir().as_os_str().to_owned()];
    arguments.extend([size.to_string().into(), count.to_string().into()]);
    if let Some(core) = theirs {
        arguments.extend(["--core".into(), core.to_string().into()]);
    }
    let mut child = Child::start(arguments)?;
    child.expect_ready()?;
    let _pinned = own.map(cores::pin).transpose()?;
    for stamp in 1..=count {
        sender.send(stamp)?;
    }
    let nanos: f64 = child.line()?.parse()?;
    child.finish()?;
    // The clock began with the first value.
    Ok((count - 1) as f64 * 1e9 / nanos)
}

/// Receives as the contender called `args.contender`, and prints how many nanoseconds that took.
pub(crate) fn receive_all(args: &Args) -> Result<()> {
    let receive = match args.contender.as_str() {
        Lossless::NAME => receive::<Lossless>,
        LosslessHistory::NAME => receive::<LosslessHistory>,
        Queue::NAME => receive::<Queue>,
        Pipe::NAME => receive::<Pipe>,
        Socket::NAME => receive::<Socket>,
        other => bail!("no contender is called {other:?}"),
    };
    receive(args)
}

fn receive<C: Wire>(args: &Args) -> Result<()> {
    let _pinned = args.core.map(cores::pin).transpose()?;
    let place = Place::existing(args.dir.clone());
    let mut receiver =
        C::receiver(&place, args.size, Waiting::Spinning).with_context(|| format!("{} cannot be opened", C::NAME))?;
    println!("{READY}");
    let mut start = None;
    for expected in 1..=args.count {
        let stamp = receiver.receive()?;
        ensure!(stamp == expected, "value {stamp} came for {expected}");
        start.get_or_insert_with(Instant::now);
    }
    let took = start.context("no value was to come")?.elapsed();
    println!("{}", took.as_nanos());
    Ok(())
}

fn thousands(rate: f64) -> String {
    format!("{}k", Short(rate / 1e3))
}
