//! What do attributes beside a value cost, to write and to read?

use std::hint::black_box;

use anyhow::{Result, ensure};
use ndsharray::Options;

use super::{OURS, Report, SMALL, Settings};
use crate::contenders::ndsharray::CHANNEL;
use crate::contenders::value::{counter, value};
use crate::harness::place::Place;
use crate::harness::race::{Subject, race};
use crate::harness::table::Table;

/// Bytes of attributes: as many as the value has, and the most.
const LENGTHS: [usize; 2] = [SMALL, ndsharray::MAX_ATTRIBUTES];

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut subjects = vec![subject(0)?];
    for len in LENGTHS {
        subjects.push(subject(len)?);
        subjects.push(in_one_array(len)?);
    }
    let series = race(subjects, &settings.pace())?;
    let mut report = Report::default();
    let title = format!("Write {SMALL} B with attributes, then read both");
    report.tables.push(Table::of_race(title, &series, &name(0)));
    Ok(report)
}

fn name(len: usize) -> String {
    match len {
        0 => format!("{OURS}, none"),
        _ => format!("{OURS}, {len} B"),
    }
}

fn subject(len: usize) -> Result<Subject> {
    let place = Place::fresh()?;
    let options = Options::new().dir(place.dir());
    let mut writer = options.create::<u8>(CHANNEL)?;
    let mut reader = options.open(CHANNEL)?;
    let values = [value(7), value(8)];
    let attributes = vec![0x5a; len];
    Ok(Subject::new(name(len), move |count| {
        let _keep = &place;
        for turn in 0..count {
            let value = black_box(&values[(turn & 1) as usize]);
            black_box(&mut writer).write_with(&[value.len()], value, black_box(&attributes))?;
            let Some(sample) = black_box(&mut reader).read()? else { anyhow::bail!("nothing new after a write") };
            let found = counter(sample.view::<u8>()?.as_slice().try_into()?);
            ensure!(found == Some(7 + (turn & 1)), "another value than was written");
            let found = black_box(sample.attributes());
            ensure!(found.len() == len && found.last().is_none_or(|&last| last == 0x5a), "other attributes");
        }
        Ok(())
    }))
}

/// The same bytes as one array, which a user without attributes would write.
fn in_one_array(len: usize) -> Result<Subject> {
    let place = Place::fresh()?;
    let options = Options::new().dir(place.dir());
    let mut writer = options.create::<u8>(CHANNEL)?;
    let mut reader = options.open(CHANNEL)?;
    let arrays = [7, 8].map(|number| [value(number).as_slice(), &vec![0x5a; len]].concat());
    Ok(Subject::new(format!("{OURS}, {len} B in the same array"), move |count| {
        let _keep = &place;
        for turn in 0..count {
            let array = black_box(&arrays[(turn & 1) as usize]);
            black_box(&mut writer).write(&[array.len()], array)?;
            let Some(sample) = black_box(&mut reader).read()? else { anyhow::bail!("nothing new after a write") };
            let view = sample.view::<u8>()?;
            let (front, found) = view.as_slice().split_at(SMALL);
            ensure!(counter(front.try_into()?) == Some(7 + (turn & 1)), "another value than was written");
            let found = black_box(found);
            ensure!(found.len() == len && found.last().is_none_or(|&last| last == 0x5a), "other attributes");
        }
        Ok(())
    }))
}
