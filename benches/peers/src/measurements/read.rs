//! What does it cost to read a value that has not been read before, and one that has?

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{OURS, Report, SIZES, SMALL, Settings, size_name, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::{SendCopy, Slices};
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::seqlock::Seqlock;
use crate::contenders::value::{counter, value};
use crate::contenders::{Frames, Latest, LatestFrame, Put, PutFrame, Take, TakeFrame, Values};
use crate::harness::clock;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::{Short, Spread};

/// The figures' names.
pub(crate) const NEW: &str = "read of a new value";
pub(crate) const AGAIN: &str = "read once more";

/// Readers of the same value. All of them read it, one after the other, between two readings of the
/// clock: one read alone is too short to time.
const READERS: usize = 16;

pub(super) fn new(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in SIZES {
        let subjects = if size == SMALL {
            vec![
                small::<Ndsharray>()?,
                small::<Typed>()?,
                small::<SendCopy>()?,
                small::<Blackboard>()?,
                small::<Seqlock>()?,
            ]
        } else {
            let source = verify::noise(size);
            vec![large::<Ndsharray>(&source)?, large::<Raw>(&source)?, large::<Slices>(&source)?]
        };
        let series = race(subjects, &settings.pace())?;
        report.add_race(NEW, size, format!("Read of a new value, {}", size_name(size)), &series);
    }
    Ok(report)
}

/// Times `read` of all readers after each `write`, without the write and without the clock.
fn batches(
    name: &'static str,
    mut write: impl FnMut(u64) -> Result<()> + 'static,
    mut read: impl FnMut() -> Result<()> + 'static,
) -> Subject {
    let clock = clock_cost();
    Subject::timed(name, move |count| {
        let batches = count.div_ceil(READERS as u64);
        let mut nanos = 0.0;
        for turn in 0..batches {
            write(turn)?;
            let start = clock::now();
            read()?;
            nanos += (clock::now() - start) as f64 - clock;
        }
        Ok(Duration::from_nanos((nanos.max(0.0) * count as f64 / (batches * READERS as u64) as f64) as u64))
    })
}

/// What lies between two readings of the clock with nothing between them, in nanoseconds.
fn clock_cost() -> f64 {
    let gaps: Vec<f64> = (0..1001)
        .map(|_| {
            let start = clock::now();
            (clock::now() - start) as f64
        })
        .collect();
    Spread::of(&gaps).median
}

fn small<C: Values>() -> Result<Subject> {
    let place = Place::fresh()?;
    let writer = std::cell::RefCell::new(C::crowd_writer(&place, READERS)?);
    writer.borrow_mut().put(&value(1))?;
    let mut readers = (0..READERS).map(|_| C::reader(&place)).collect::<Result<Vec<_>>>()?;
    let values = [value(7), value(8)];
    let mut writer = writer.into_inner();
    Ok(batches(
        C::NAME,
        move |turn| {
            let _keep = &place;
            writer.put(black_box(&values[(turn & 1) as usize]))
        },
        move || {
            for reader in &mut readers {
                let found = black_box(reader).take(|value| black_box(value)[0])?;
                ensure!(black_box(found).is_some(), "nothing new after a write");
            }
            Ok(())
        },
    ))
}

fn large<C: Frames>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let place = Place::fresh()?;
    // Two frames take turns: mmap-sync tells a new value by its checksum and file.
    let frames = [C::Writer::frame(source)?, C::Writer::frame(&verify::noise(source.len() - 1))?];
    let mut writer = C::writer(&place, source.len(), READERS)?;
    writer.put_frame(&frames[0])?;
    let mut readers = (0..READERS).map(|_| C::reader(&place)).collect::<Result<Vec<_>>>()?;
    Ok(batches(
        C::NAME,
        move |turn| {
            let _keep = &place;
            writer.put_frame(black_box(&frames[(turn & 1 ^ 1) as usize]))
        },
        move || {
            for reader in &mut readers {
                let found = black_box(reader).take_frame(|value| black_box(value)[0])?;
                ensure!(black_box(found).is_some(), "nothing new after a write");
            }
            Ok(())
        },
    ))
}

pub(super) fn again(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in SIZES {
        let subjects = if size == SMALL {
            vec![
                again_small::<Ndsharray>()?,
                again_small::<Typed>()?,
                again_small::<Blackboard>()?,
                again_small::<Seqlock>()?,
            ]
        } else {
            let source = verify::noise(size);
            vec![again_large::<Ndsharray>(&source)?, again_large::<Raw>(&source)?]
        };
        let series = race(subjects, &settings.pace())?;
        report.add_race(
            AGAIN,
            size,
            format!("Current value once more, {}: pin, typed view, drop", size_name(size)),
            &series,
        );
        if size == SMALL
            && let Some((ours, theirs)) = find(&series, OURS).zip(find(&series, <Typed as Values>::NAME))
        {
            let what = "latest + view + drop, of mmap-sync's read";
            report.goals.push(Goal::at_most(what, ours.ratio_to(theirs), 1.0, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(report)
}

fn again_small<C: Values<Reader: Latest>>() -> Result<Subject> {
    let mut ends = verify::values::<C>()?;
    let found = ends.reader.latest(counter)?;
    ensure!(found == Some(4), "{}: read {found:?} again", C::NAME);
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            // One byte is loaded, so that the view is really there.
            black_box(black_box(&mut ends.reader).latest(|value| black_box(value)[0])?);
        }
        Ok(())
    }))
}

fn again_large<C: Frames<Reader: LatestFrame>>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source, 1)?;
    ensure!(ends.reader.latest_frame(<[u8]>::len)? == source.len(), "{}: read another value again", C::NAME);
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            black_box(black_box(&mut ends.reader).latest_frame(|value| black_box(value)[0])?);
        }
        Ok(())
    }))
}
