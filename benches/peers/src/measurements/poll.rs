//! What does it cost to find that there is nothing new?

use std::hint::black_box;

use anyhow::Result;

use super::{OURS, Report, SMALL, Settings, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::{Take, Values};
use crate::harness::goal::Goal;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Nanos;

/// The figures' name.
pub(crate) const POLL: &str = "poll";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let subjects = vec![
        subject::<Ndsharray>(OURS)?,
        subject::<Typed>("mmap-sync, version")?,
        subject::<SendCopy>("iceoryx2, receive")?,
        subject::<Blackboard>("iceoryx2, is_up_to_date")?,
    ];
    let series = race(subjects, &settings.pace())?;
    let mut report = Report::default();
    report.add_race(POLL, SMALL, "Poll with nothing new", &series);
    if let Some(ours) = find(&series, OURS) {
        report.goals.push(Goal::at_most("poll with nothing new", ours.spread(), 2.0, |ns| Nanos(ns).to_string()));
    }
    Ok(report)
}

fn subject<C: Values>(name: &str) -> Result<Subject> {
    let mut ends = verify::values::<C>()?;
    Ok(Subject::new(name, move |count| {
        // The writer stays: a channel without one might answer faster.
        let ends = &mut ends;
        for _ in 0..count {
            black_box(black_box(&mut ends.reader).poll()?);
        }
        Ok(())
    }))
}
