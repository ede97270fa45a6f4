//! What does it cost to look at the current value once more?

use std::hint::black_box;

use anyhow::{Result, ensure};

use super::{OURS, Report, Settings, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::counter;
use crate::contenders::{Latest, Values};
use crate::harness::goal::Goal;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

const MMAP_SYNC: &str = "mmap-sync, read(false)";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let subjects = vec![
        subject::<Ndsharray>(OURS)?,
        subject::<Typed>(MMAP_SYNC)?,
        subject::<Blackboard>("iceoryx2, blackboard get")?,
    ];
    let series = race(subjects, &settings.pace())?;
    let goals = find(&series, OURS).zip(find(&series, MMAP_SYNC)).map(|(ours, theirs)| {
        Goal::at_most("latest + view + drop, of mmap-sync's read", ours.ratio_to(theirs), 1.0, |x| {
            format!("{} ×", Short(x))
        })
    });
    Ok(Report {
        tables: vec![Table::of_race("Current value of 64 B: pin, typed view, drop", &series, OURS)],
        goals: goals.into_iter().collect(),
    })
}

fn subject<C: Values<Reader: Latest>>(name: &str) -> Result<Subject> {
    let mut ends = verify::values::<C>()?;
    let found = ends.reader.latest(counter)?;
    ensure!(found == Some(4), "{name}: read {found:?} again");
    Ok(Subject::new(name, move |count| {
        let ends = &mut ends;
        for _ in 0..count {
            // One byte is loaded, so that the view is really there.
            black_box(black_box(&mut ends.reader).latest(|value| black_box(value)[0])?);
        }
        Ok(())
    }))
}
