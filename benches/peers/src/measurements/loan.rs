//! Does publishing without a copy depend on the size?

use std::rc::Rc;

use anyhow::Result;

use super::{OURS, Report, SIZES, SMALL, Settings, size_name, verify};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::{Frames, LoanFrame};
use crate::harness::figure::Figure;
use crate::harness::goal::Goal;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

/// A loan that does not depend on the size still touches other memory, other pages: allow for that.
const TOLERANCE: f64 = 1.5;

/// The figures' name.
pub(crate) const LOAN: &str = "loan and publish";

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut subjects = Vec::new();
    for size in SIZES {
        let source = verify::noise(size);
        subjects.push(subject::<Ndsharray>(&source)?);
        subjects.push(subject::<Slices>(&source)?);
    }
    let series = race(subjects, &settings.pace())?;
    let mut report = Report::default();
    let smallest = name(OURS, SMALL);
    report.tables.push(Table::of_race(
        format!("Loan, set one byte, publish (ours: with {SMALL} B)"),
        &series,
        &smallest,
    ));
    for size in SIZES {
        for contender in [OURS, <Slices as Frames>::NAME] {
            let ratio_to = find(&series, &name(OURS, size));
            if let Some(each) = find(&series, &name(contender, size)) {
                report.figures.push(Figure {
                    what: LOAN,
                    at: size,
                    contender: contender.into(),
                    value: each.spread(),
                    times_ours: ratio_to.map(|ours| each.ratio_to(ours)),
                });
            }
        }
    }
    if let Some(base) = series.iter().find(|each| each.name == smallest) {
        for size in SIZES.into_iter().skip(1) {
            if let Some(each) = series.iter().find(|each| each.name == name(OURS, size)) {
                let what = format!("loan + publish {}, of {SMALL} B", size_name(size));
                let ratio = each.ratio_to(base);
                report.goals.push(Goal::at_most(what, ratio, TOLERANCE, |x| format!("{} ×", Short(x))));
            }
        }
    }
    Ok(report)
}

fn name(contender: &str, size: usize) -> String {
    format!("{contender}, {}", size_name(size))
}

fn subject<C: Frames<Writer: LoanFrame>>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source, 1)?;
    let size = source.len();
    Ok(Subject::new(name(C::NAME, size), move |count| {
        let ends = &mut ends;
        for turn in 0..count {
            ends.writer.loan_frame(size, turn as u8)?;
        }
        Ok(())
    }))
}
