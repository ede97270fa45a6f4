//! What does it cost to write a value, and how close is that to a bare copy?

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Result, ensure};

use super::{OURS, Report, SIZES, SMALL, Settings, size_name, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::{LoanSend, SendCopy, Slices};
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::seqlock::Seqlock;
use crate::contenders::value::value;
use crate::contenders::{Frames, Put, PutFrame, Values, memcpy, python};
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;

/// The figures' name.
pub(crate) const WRITE: &str = "write";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in SIZES {
        let mut subjects = if size == SMALL {
            vec![
                small::<Ndsharray>()?,
                small_floor()?,
                small::<SendCopy>()?,
                small::<LoanSend>()?,
                small::<Blackboard>()?,
                small::<Seqlock>()?,
                small::<Raw>()?,
                small::<Typed>()?,
            ]
        } else {
            let source = verify::noise(size);
            vec![
                large::<Ndsharray>(&source)?,
                large_floor(&source)?,
                large::<Slices>(&source)?,
                large::<Raw>(&source)?,
                large::<Typed>(&source)?,
            ]
        };
        subjects.extend(python::writes(size)?);
        let series = race(subjects, &settings.pace_of(size))?;
        report.add_race(WRITE, size, format!("Write {}", size_name(size)), &series);

        let ours = find(&series, OURS);
        if size == SMALL {
            for rival in [SendCopy::NAME, LoanSend::NAME] {
                if let Some((ours, theirs)) = ours.zip(find(&series, rival)) {
                    let what = format!("write 64 B, of {rival}");
                    report.goals.push(Goal::at_most(what, ours.ratio_to(theirs), 0.25, |x| format!("{} ×", Short(x))));
                }
            }
        } else if size >= 1 << 16
            && let Some((ours, floor)) = ours.zip(find(&series, memcpy::NAME))
        {
            let what = format!("write {}, of memcpy", size_name(size));
            report.goals.push(Goal::at_most(what, ours.ratio_to(floor), 1.05, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(report)
}

fn small<C: Values>() -> Result<Subject> {
    let mut ends = verify::values::<C>()?;
    let value = value(7);
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            black_box(&mut ends.writer).put(black_box(&value))?;
        }
        Ok(())
    }))
}

fn small_floor() -> Result<Subject> {
    let place = Place::fresh()?;
    let value = value(7);
    let mut writer = memcpy::writer(&place, value.len())?;
    Ok(Subject::new(memcpy::NAME, move |count| {
        let _keep = &place;
        for _ in 0..count {
            black_box(&mut writer).put(black_box(&value))?;
        }
        Ok(())
    }))
}

fn large<C: Frames>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source, 1)?;
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            ends.writer.put_frame(black_box(&ends.frame))?;
        }
        Ok(())
    }))
}

fn large_floor(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let place = Place::fresh()?;
    let mut writer = memcpy::writer(&place, source.len())?;
    let frame = Rc::clone(source);
    writer.put_frame(&frame)?;
    ensure!(writer.current() == source.as_slice(), "a copy came out wrong");
    Ok(Subject::new(memcpy::NAME, move |count| {
        let _keep = &place;
        for _ in 0..count {
            black_box(&mut writer).put_frame(black_box(&frame))?;
        }
        Ok(())
    }))
}
