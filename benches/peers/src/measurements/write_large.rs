//! How close to a bare copy is a write of a large array?

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Result, ensure};

use super::{FRAME_SIZES, OURS, Report, Settings, verify};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::{Frames, PutFrame, memcpy};
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in FRAME_SIZES {
        let source = verify::noise(size);
        let subjects = vec![
            subject::<Ndsharray>(&source)?,
            floor(&source)?,
            subject::<Slices>(&source)?,
            subject::<Raw>(&source)?,
            subject::<Typed>(&source)?,
        ];
        let series = race(subjects, &settings.large_pace())?;
        report.tables.push(Table::of_race(format!("Write {size} B"), &series, OURS));
        if let Some((ours, floor)) = find(&series, OURS).zip(find(&series, memcpy::NAME)) {
            let what = format!("write {size} B, of memcpy");
            report.goals.push(Goal::at_most(what, ours.ratio_to(floor), 1.10, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(report)
}

fn subject<C: Frames>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source)?;
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            ends.writer.put_frame(black_box(&ends.frame))?;
        }
        Ok(())
    }))
}

fn floor(source: &Rc<Vec<u8>>) -> Result<Subject> {
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
