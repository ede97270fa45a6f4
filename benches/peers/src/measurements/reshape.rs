//! What does another shape cost: one that fits into the memory at hand, and one that does not?

use std::fs::OpenOptions;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memmap2::MmapMut;

use super::{OURS, Report, SIZES, SMALL, Settings, size_name, verify};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::{Ndsharray, Prefaulting};
use crate::contenders::{Frames, PutFrame};
use crate::harness::clock::thread_time;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;

/// The figures' names.
pub(crate) const FITS: &str = "write of another shape that fits";
pub(crate) const GROWS: &str = "write of a shape that does not fit";

/// The floor of growth.
const FAULTS: &str = "floor: new file, mapped, copied into";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    let same = Subject::new("ndsharray, same shape", writes(&[4096, 4096])?);
    let subjects = vec![Subject::new(OURS, writes(&[4096, 4032])?), same, frames::<Slices>()?, frames::<Raw>()?];
    let series = race(subjects, &settings.pace())?;
    report.add_race(FITS, 4096, "Write 4 KiB and 4032 B in turn", &series);

    for size in SIZES.into_iter().skip(2) {
        let source = verify::noise(size);
        let subjects = vec![
            grow::<Ndsharray>(&source)?,
            grow::<Prefaulting>(&source)?,
            floor(&source),
            grow::<Slices>(&source)?,
            grow::<Raw>(&source)?,
        ];
        let series = race(subjects, &settings.pace_of(size))?;
        report.add_race(GROWS, size, format!("The first write of {} after some of 64 B", size_name(size)), &series);
        if let Some((ours, floor)) = find(&series, OURS).zip(find(&series, FAULTS)) {
            let what = format!("growth to {}, of faulting in the new pages", size_name(size));
            report.goals.push(Goal::at_most(what, ours.ratio_to(floor), 1.20, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(report)
}

/// Writes arrays of these lengths in turn.
fn writes(lengths: &'static [usize; 2]) -> Result<impl FnMut(u64) -> Result<()>> {
    let place = Place::fresh()?;
    let mut writer = ndsharray::Options::new().dir(place.dir()).create::<u8>("reshape")?;
    let source = verify::noise(lengths[0]);
    Ok(move |count| {
        let _keep = &place;
        for turn in 0..count {
            let len = black_box(lengths)[(turn & 1) as usize];
            writer.write(&[len], black_box(&source[..len]))?;
        }
        Ok(())
    })
}

fn frames<C: Frames>() -> Result<Subject> {
    let mut ends = verify::frames::<C>(&verify::noise(4096), 1)?;
    let other = C::Writer::frame(&verify::noise(4032))?;
    Ok(Subject::new(C::NAME, move |count| {
        for turn in 0..count {
            ends.writer.put_frame(black_box(if turn & 1 == 0 { &ends.frame } else { &other }))?;
        }
        Ok(())
    }))
}

/// A fresh channel, some small values, then the large one: that alone is timed.
fn grow<C: Frames>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let (small, large) = (C::Writer::frame(&verify::noise(SMALL))?, C::Writer::frame(source)?);
    Ok(Subject::timed(C::NAME, move |count| {
        let mut took = Duration::ZERO;
        for _ in 0..count {
            let place = Place::fresh()?;
            let mut writer = C::writer(&place, SMALL, 1)?;
            for _ in 0..8 {
                writer.put_frame(&small)?;
            }
            let start = thread_time()?;
            writer.put_frame(black_box(&large))?;
            took += thread_time()?.saturating_sub(start);
        }
        Ok(took)
    }))
}

/// What has to be done in any case: a file, its pages faulted in one by one as the array is copied
/// into them.
fn floor(source: &Rc<Vec<u8>>) -> Subject {
    let source = Rc::clone(source);
    Subject::timed(FAULTS, move |count| {
        let mut took = Duration::ZERO;
        for _ in 0..count {
            let place = Place::fresh()?;
            let path = place.dir().join("floor");
            let start = thread_time()?;
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).context("no file")?;
            file.set_len(source.len() as u64)?;
            // SAFETY: the file is new, in a private directory, and no process truncates it while it
            // is mapped.
            let mut map = unsafe { MmapMut::map_mut(&file)? };
            map.copy_from_slice(black_box(&source));
            took += thread_time()?.saturating_sub(start);
            ensure!(map.last() == source.last(), "a copy came out wrong");
        }
        Ok(took)
    })
}
