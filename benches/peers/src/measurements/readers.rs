//! What do readers cost the writer that are there and do not read?

use std::hint::black_box;

use anyhow::Result;

use super::{OURS, Report, Settings};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::mmap_sync::Typed;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::value;
use crate::contenders::{Put, Take, Values};
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

/// The figures' name; they are per number of readers.
pub(crate) const IDLE: &str = "write of 64 B beside idle readers";

/// As many as there are by default at most.
pub(crate) const READERS: [usize; 4] = [1, 4, 16, 64];

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut subjects = Vec::new();
    for readers in READERS {
        subjects.push(subject::<Ndsharray>(readers)?);
        subjects.push(subject::<Typed>(readers)?);
        subjects.push(subject::<SendCopy>(readers)?);
        subjects.push(subject::<Blackboard>(readers)?);
    }
    // One race, so that one number of readers can be held against another.
    let series = race(subjects, &settings.pace())?;
    let mut report = Report::default();
    report.tables.push(Table::of_race("Write 64 B beside idle readers (ours: with 1)", &series, &name(OURS, 1)));
    for readers in READERS {
        for contender in [OURS, Typed::NAME, SendCopy::NAME, Blackboard::NAME] {
            if let Some(each) = find(&series, &name(contender, readers)) {
                let ours = find(&series, &name(OURS, readers));
                report.figures.push(Figure {
                    what: IDLE,
                    at: readers,
                    contender: contender.into(),
                    value: each.spread(),
                    times_ours: ours.map(|ours| each.ratio_to(ours)),
                });
            }
        }
    }
    if let Some((many, one)) = find(&series, &name(OURS, 64)).zip(find(&series, &name(OURS, 1))) {
        let ratio = many.ratio_to(one);
        report
            .goals
            .push(Goal::at_most("write beside 64 idle readers, of 1", ratio, 3.0, |x| format!("{} ×", Short(x))));
    }
    Ok(report)
}

fn name(contender: &str, readers: usize) -> String {
    format!("{contender}, {readers}")
}

fn subject<C: Values>(readers: usize) -> Result<Subject> {
    let place = Place::fresh()?;
    let mut writer = C::crowd_writer(&place, readers)?;
    writer.put(&value(1))?;
    let mut ends = (0..readers).map(|_| C::reader(&place)).collect::<Result<Vec<_>>>()?;
    for reader in &mut ends {
        // Each has been at work once.
        reader.take(|_| ())?;
    }
    let value = value(7);
    Ok(Subject::new(name(C::NAME, readers), move |count| {
        let _keep = (&place, &ends);
        for _ in 0..count {
            black_box(&mut writer).put(black_box(&value))?;
        }
        Ok(())
    }))
}
