//! Does publishing without a copy depend on the size?

use std::rc::Rc;

use anyhow::Result;

use super::{FRAME_SIZES, OURS, Report, Settings, verify};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::{Frames, LoanFrame};
use crate::harness::goal::Goal;
use crate::harness::race::{Subject, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

/// A loan that does not depend on the size still touches other memory, other pages: allow for that.
const TOLERANCE: f64 = 1.5;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let sizes: Vec<usize> = [64].into_iter().chain(FRAME_SIZES).collect();
    let mut subjects = Vec::new();
    for &size in &sizes {
        let source = verify::noise(size);
        subjects.push(subject::<Ndsharray>(&source)?);
        subjects.push(subject::<Slices>(&source)?);
    }
    let series = race(subjects, &settings.pace())?;
    let mut report = Report::default();
    let smallest = name(OURS, sizes[0]);
    report.tables.push(Table::of_race(
        format!("Loan, set one byte, publish (ours: with {} B)", sizes[0]),
        &series,
        &smallest,
    ));
    if let Some(base) = series.iter().find(|each| each.name == smallest) {
        for &size in &sizes[1..] {
            if let Some(each) = series.iter().find(|each| each.name == name(OURS, size)) {
                let what = format!("loan + publish {size} B, of {} B", sizes[0]);
                let ratio = each.ratio_to(base);
                report.goals.push(Goal::at_most(what, ratio, TOLERANCE, |x| format!("{} ×", Short(x))));
            }
        }
    }
    Ok(report)
}

fn name(contender: &str, size: usize) -> String {
    format!("{contender}, {size} B")
}

fn subject<C: Frames<Writer: LoanFrame>>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source)?;
    let size = source.len();
    Ok(Subject::new(name(C::NAME, size), move |count| {
        let ends = &mut ends;
        for turn in 0..count {
            ends.writer.loan_frame(size, turn as u8)?;
        }
        Ok(())
    }))
}
