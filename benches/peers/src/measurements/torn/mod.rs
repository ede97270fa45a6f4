//! How many values are torn, of larger ones under a writer that never pauses?
//!
//! Four readers share a core, so that they are interrupted while they look; every byte of every
//! frame is checked, twice.

pub(crate) mod reader;

use std::ffi::OsString;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};

use super::{OURS, Report, Settings, size_name};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::in_place::InPlace;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::pattern::{self, FRAMES};
use crate::contenders::python::{self, Name, Python};
use crate::contenders::{Frames, PutFrame};
use crate::harness::child::Child;
use crate::harness::cores;
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::stats::{Short, Spread};
use crate::harness::table::Table;

/// The figures' name.
pub(crate) const TORN: &str = "torn values per million";

const SIZES: [usize; 2] = [4 << 10, 64 << 10];

const READERS: usize = 4;

/// Each starts as many processes.
const ROUNDS: usize = 6;

/// What all readers of one contender saw.
#[derive(Clone, Copy, Default)]
struct Tally {
    checked: u64,
    torn: u64,
}

/// A contender's way to flood and to count.
type Run = fn(&Settings, usize) -> Result<Option<Tally>>;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let contenders: [(&str, Run); 5] = [
        (OURS, flood::<Ndsharray>),
        (<Slices as Frames>::NAME, flood::<Slices>),
        (<Raw as Frames>::NAME, flood::<Raw>),
        (<InPlace as Frames>::NAME, flood::<InPlace>),
        (python::NAME, flood_python),
    ];
    let mut report = Report::default();
    for size in SIZES {
        let mut tallies = [None::<Tally>; 5];
        for _ in 0..settings.rounds.min(ROUNDS) {
            for ((name, run), sum) in contenders.iter().zip(&mut tallies) {
                if settings.pace().admits(name)
                    && let Some(tally) = run(settings, size).with_context(|| *name)?
                {
                    let sum = sum.get_or_insert_default();
                    sum.checked += tally.checked;
                    sum.torn += tally.torn;
                }
            }
        }
        let title = format!("A flooding writer of {} on one core, {READERS} readers on another", size_name(size));
        let mut table = Table::new(title, &["contender", "values checked", "torn", "torn per million"]);
        for ((name, _), tally) in contenders.iter().zip(tallies) {
            let Some(Tally { checked, torn }) = tally else { continue };
            let rate = torn as f64 * 1e6 / checked as f64;
            table.row(vec![(*name).into(), checked.to_string(), torn.to_string(), Short(rate).to_string()]);
            report.figures.push(Figure {
                what: TORN,
                at: size,
                contender: (*name).into(),
                value: Spread::of(&[rate]),
                times_ours: None,
            });
            if *name == OURS {
                let what = format!("torn of {checked} values of {}", size_name(size));
                report.goals.push(Goal::at_most(what, Spread::of(&[torn as f64]), 0.0, |x| format!("{x}")));
            }
        }
        report.tables.push(table);
    }
    Ok(report)
}

fn flood<C: Frames>(settings: &Settings, size: usize) -> Result<Option<Tally>> {
    let place = Place::fresh()?;
    let frames = (0..FRAMES)
        .map(|counter| C::Writer::frame(&Rc::new(pattern::frame(counter, size))))
        .collect::<Result<Vec<_>>>()?;
    let mut writer = C::writer(&place, size, READERS)?;
    writer.put_frame(frames.first().context("no frames")?)?;
    let cores = cores::allowed()?;
    let mut children = (0..READERS)
        .map(|_| {
            let mut arguments: Vec<OsString> = vec!["torn-reader".into(), C::NAME.into(), place.dir().into()];
            arguments.push(settings.flood.as_millis().to_string().into());
            if let Some(core) = cores.get(1) {
                arguments.extend(["--core".into(), core.to_string().into()]);
            }
            Child::start(arguments)
        })
        .collect::<Result<Vec<_>>>()?;
    let _pinned = cores.first().copied().map(cores::pin).transpose()?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let tallies = children.iter_mut().map(tally).collect::<Result<Vec<_>>>();
            done.store(true, Ordering::Relaxed);
            tallies
        });
        for frame in frames.iter().cycle() {
            if done.load(Ordering::Relaxed) {
                break;
            }
            writer.put_frame(frame)?;
        }
        let tallies = collector.join().map_err(|_| anyhow::anyhow!("the thread that collects results panicked"))??;
        Ok(Some(Tally {
            checked: tallies.iter().map(|tally| tally.checked).sum(),
            torn: tallies.iter().map(|tally| tally.torn).sum(),
        }))
    })
}

fn tally(child: &mut Child) -> Result<Tally> {
    child.expect_ready()?;
    let line = child.line()?;
    child.finish()?;
    let (checked, torn) = line.split_once(' ').context("not a tally")?;
    Ok(Tally { checked: checked.parse()?, torn: torn.parse()? })
}

/// Python to Python: one writer and one reader, wherever the scheduler puts them.
fn flood_python(settings: &Settings, size: usize) -> Result<Option<Tally>> {
    let Some(interpreter) = python::interpreter() else { return Ok(None) };
    let name = Name::new("torn");
    let (mut writer, mut reader) = (Python::start(&interpreter)?, Python::start(&interpreter)?);
    writer.ask(&format!("writer {}", name.0))?;
    writer.ask(&format!("flood-write {} 0.01", size / 8))?;
    reader.ask(&format!("reader {}", name.0))?;
    let seconds = settings.flood.as_secs_f64();
    reader.begin(&format!("flood-read 1000000000 {seconds}"))?;
    writer.begin(&format!("flood-write {} {}", size / 8, seconds + 0.05))?;
    let answer = reader.end()?;
    writer.end()?;
    let fields: Vec<&str> = answer.split(' ').collect();
    let [accepted, torn, ..] = fields[..] else { bail!("not a tally: {answer}") };
    Ok(Some(Tally { checked: accepted.parse()?, torn: torn.parse()? }))
}
