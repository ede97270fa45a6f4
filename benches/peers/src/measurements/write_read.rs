//! What does it cost to write 64 bytes and to read them, in one thread?

use std::hint::black_box;

use anyhow::{Result, ensure};

use super::{OURS, Report, Settings, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::{LoanSend, SendCopy};
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::value;
use crate::contenders::{Put, Take, Values};
use crate::harness::goal::Goal;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let subjects = vec![
        subject::<Ndsharray>()?,
        subject::<Typed>()?,
        subject::<Raw>()?,
        subject::<SendCopy>()?,
        subject::<LoanSend>()?,
        subject::<Blackboard>()?,
    ];
    let series = race(subjects, &settings.pace())?;
    let mut goals = Vec::new();
    for rival in [SendCopy::NAME, LoanSend::NAME] {
        if let Some((ours, theirs)) = find(&series, OURS).zip(find(&series, rival)) {
            let ratio = ours.ratio_to(theirs);
            let what = format!("write, then read 64 B, of {rival}");
            goals.push(Goal::at_most(what, ratio, 0.25, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(Report { tables: vec![Table::of_race("Write 64 B, then read them", &series, OURS)], goals })
}

fn subject<C: Values>() -> Result<Subject> {
    let mut ends = verify::values::<C>()?;
    // Two values take turns: mmap-sync tells a new value by its checksum and file.
    let values = [value(7), value(8)];
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for turn in 0..count {
            black_box(&mut ends.writer).put(black_box(&values[(turn & 1) as usize]))?;
            let found = black_box(&mut ends.reader).take(|value| black_box(value)[0])?;
            ensure!(black_box(found).is_some(), "nothing new after a write");
        }
        Ok(())
    }))
}
