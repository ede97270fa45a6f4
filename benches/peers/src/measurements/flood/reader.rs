//! The reading side, in a process of its own: checks every byte of every value for a while, and
//! counts.

use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::in_place::InPlace;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::{Value, counter_twice};
use crate::contenders::{Take, Values};
use crate::harness::child::READY;
use crate::harness::place::Place;
use crate::harness::{clock, cores};

/// How long a reader waits for the flood to begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many looks between two at the clock, which costs as much as some of them.
const BURST: usize = 256;

/// The command line of a reader process.
#[derive(clap::Args)]
pub(crate) struct Args {
    contender: String,
    dir: PathBuf,
    millis: u64,
    #[arg(long)]
    core: Option<usize>,
    /// How long each value is held between the two checks.
    #[arg(long, default_value_t = 0)]
    hold_micros: u64,
}

/// What a reader saw. On the wire between the processes: the fields, in order, with blanks between;
/// the ages come last.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Values that differed from the one before.
    pub(crate) fresh: u64,
    /// Values handed out, each of which was checked byte by byte, twice.
    pub(crate) checked: u64,
    /// Those that were mixtures, or changed while they were held.
    pub(crate) torn: u64,
    /// Those that were older than one seen before.
    pub(crate) stale: u64,
    pub(crate) nanos: u64,
    /// Of each value that was held, as it was handed out: nanoseconds since it was written.
    pub(crate) ages: Vec<u64>,
}

impl Tally {
    pub(crate) fn rate(&self) -> f64 {
        self.fresh as f64 * 1e9 / self.nanos as f64
    }

    pub(crate) fn print(&self) {
        let Self { fresh, checked, torn, stale, nanos, ages } = self;
        let ages: String = ages.iter().map(|age| format!(" {age}")).collect();
        println!("{fresh} {checked} {torn} {stale} {nanos}{ages}");
    }
}

impl FromStr for Tally {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let fields = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [fresh, checked, torn, stale, nanos, ages @ ..] = &fields[..] else { bail!("not a tally: {line:?}") };
        let [fresh, checked, torn, stale, nanos] = [fresh, checked, torn, stale, nanos].map(|field| *field);
        Ok(Self { fresh, checked, torn, stale, nanos, ages: ages.to_vec() })
    }
}

/// Reads as the contender called `args.contender`, and prints what it saw.
pub(crate) fn run(args: &Args) -> Result<()> {
    let read = match args.contender.as_str() {
        <Ndsharray as Values>::NAME => read::<Ndsharray>,
        <Typed as Values>::NAME => read::<Typed>,
        SendCopy::NAME => read::<SendCopy>,
        Blackboard::NAME => read::<Blackboard>,
        InPlace::NAME => read::<InPlace>,
        other => bail!("no contender is called {other:?}"),
    };
    read(args)?.print();
    Ok(())
}

/// Checks every byte, and then again after `hold`. What is held has the time of its writing for a
/// counter; its age goes to `ages`.
#[inline]
fn check(value: &Value, hold: Duration, ages: &mut Vec<u64>) -> Option<u64> {
    if hold.is_zero() {
        return counter_twice(value);
    }
    let first = counter_twice(value);
    ages.extend(first.map(|written| clock::now().saturating_sub(written)));
    thread::sleep(hold);
    if first == counter_twice(value) { first } else { None }
}

fn read<C: Values>(args: &Args) -> Result<Tally> {
    let _pinned = args.core.map(cores::pin).transpose()?;
    let place = Place::existing(args.dir.clone());
    let mut reader = C::reader(&place).with_context(|| format!("{} cannot be opened", C::NAME))?;
    reader.take(|_| ())?;
    println!("{READY}");

    // The clock starts with the flood, not before. A writer that other readers keep from writing
    // may have nothing for this one.
    let patience = Instant::now() + PATIENCE;
    while reader.take(|_| ())?.is_none() {
        if Instant::now() >= patience {
            return Ok(Tally { nanos: u64::try_from(PATIENCE.as_nanos())?, ..Tally::default() });
        }
    }
    let hold = Duration::from_micros(args.hold_micros);
    // One that holds its values does not need to be asked often how late it is.
    let burst = if hold.is_zero() { BURST } else { 1 };
    let mut tally = Tally::default();
    let mut newest = 0;
    let start = Instant::now();
    let end = start + Duration::from_millis(args.millis);
    let mut now = start;
    while now < end {
        for _ in 0..burst {
            let Some(found) = reader.take(|value| check(value, hold, &mut tally.ages))? else {
                continue;
            };
            tally.checked += 1;
            match found {
                None => tally.torn += 1,
                Some(counter) if counter > newest => {
                    newest = counter;
                    tally.fresh += 1;
                }
                Some(counter) if counter < newest => tally.stale += 1,
                Some(_) => {}
            }
        }
        now = Instant::now();
    }
    tally.nanos = u64::try_from((now - start).as_nanos())?;
    Ok(tally)
}
