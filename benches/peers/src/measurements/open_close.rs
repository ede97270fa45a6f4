//! What does it cost to open and to close a channel?

use std::time::Duration;

use anyhow::Result;

use super::{OURS, Report, SMALL, Settings};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::SendCopy;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::value::value;
use crate::contenders::{Put, Take, Values};
use crate::harness::clock;
use crate::harness::place::Place;
use crate::harness::race::{Subject, race};

/// The figures' names.
pub(crate) const WRITER: &str = "create a channel, write 64 B, close it";
pub(crate) const READER: &str = "open a reader, read 64 B, close it";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    let subjects = vec![
        writer::<Ndsharray>(OURS),
        writer::<Raw>("mmap-sync"),
        writer::<SendCopy>("iceoryx2"),
        writer::<Blackboard>(Blackboard::NAME),
    ];
    report.add_race(WRITER, SMALL, "Create a channel, write 64 B, close it", &race(subjects, &settings.pace())?);
    let subjects = vec![
        reader::<Ndsharray>(OURS)?,
        reader::<Raw>("mmap-sync")?,
        reader::<SendCopy>("iceoryx2")?,
        reader::<Blackboard>(Blackboard::NAME)?,
    ];
    report.add_race(
        READER,
        SMALL,
        "Open a reader on a value of 64 B, read it, close it",
        &race(subjects, &settings.pace())?,
    );
    Ok(report)
}

/// By the wall clock: a part of it may be waiting. There is no reader, so that none has to be
/// waited for.
fn writer<C: Values>(name: &str) -> Subject {
    Subject::timed(name, move |count| {
        let place = Place::fresh()?;
        let start = clock::now();
        for _ in 0..count {
            let mut writer = C::writer(&place)?;
            writer.put(&value(1))?;
            drop(writer);
        }
        Ok(Duration::from_nanos(clock::now() - start))
    })
}

fn reader<C: Values>(name: &str) -> Result<Subject> {
    let place = Place::fresh()?;
    let mut writer = C::writer(&place)?;
    writer.put(&value(1))?;
    Ok(Subject::timed(name, move |count| {
        let _keep = (&place, &writer);
        let start = clock::now();
        for _ in 0..count {
            // A subscriber that came too late has nothing to read, and is none the worse for it.
            C::reader(&place)?.take(|value| std::hint::black_box(value)[0])?;
        }
        Ok(Duration::from_nanos(clock::now() - start))
    }))
}
