//! What does it cost to write 64 bytes, with one reader connected that does not read?

use std::hint::black_box;

use anyhow::Result;

use super::{OURS, Report, Settings, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::{LoanSend, SendCopy};
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::value;
use crate::contenders::{Put, Values, memcpy};
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let subjects = vec![
        subject::<Ndsharray>()?,
        floor()?,
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
            goals.push(Goal::at_most(format!("write 64 B, of {rival}"), ratio, 0.25, |x| format!("{} ×", Short(x))));
        }
    }
    Ok(Report { tables: vec![Table::of_race("Write 64 B", &series, OURS)], goals })
}

fn subject<C: Values>() -> Result<Subject> {
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

fn floor() -> Result<Subject> {
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
