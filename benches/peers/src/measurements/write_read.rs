//! What does it cost to write a value and to read it, in one thread?

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Result, ensure};

use super::{OURS, Report, SIZES, SMALL, Settings, size_name, verify};
use crate::contenders::iceoryx2_blackboard::Blackboard;
use crate::contenders::iceoryx2_pubsub::{LoanSend, SendCopy, Slices};
use crate::contenders::mmap_sync::{Raw, Typed};
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::seqlock::Seqlock;
use crate::contenders::value::value;
use crate::contenders::wire::streams::{Pipe, Socket};
use crate::contenders::wire::{ReceiveFrame, SendFrame, Waiting, Wire};
use crate::contenders::{Frames, Put, PutFrame, Take, TakeFrame, Values, python};
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;

/// The figures' name.
pub(crate) const WRITE_READ: &str = "write, then read";

/// The largest value that a pipe and a socket hold without a reader at the other end.
const STREAMED: usize = 1 << 16;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for size in SIZES {
        let mut subjects = if size == SMALL {
            vec![
                small::<Ndsharray>()?,
                small::<SendCopy>()?,
                small::<LoanSend>()?,
                small::<Blackboard>()?,
                small::<Seqlock>()?,
                small::<Raw>()?,
                small::<Typed>()?,
            ]
        } else {
            let source = verify::noise(size);
            vec![large::<Ndsharray>(&source)?, large::<Slices>(&source)?, large::<Raw>(&source)?]
        };
        if size <= STREAMED {
            subjects.extend([streamed::<Pipe>(size)?, streamed::<Socket>(size)?]);
        }
        subjects.extend(python::pairs(size)?);
        let series = race(subjects, &settings.pace_of(size))?;
        report.add_race(WRITE_READ, size, format!("Write {}, then read them", size_name(size)), &series);
        for rival in [SendCopy::NAME, LoanSend::NAME] {
            if let Some((ours, theirs)) = find(&series, OURS).zip(find(&series, rival)) {
                let what = format!("write, then read 64 B, of {rival}");
                report.goals.push(Goal::at_most(what, ours.ratio_to(theirs), 0.25, |x| format!("{} ×", Short(x))));
            }
        }
    }
    Ok(report)
}

fn small<C: Values>() -> Result<Subject> {
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

fn large<C: Frames>(source: &Rc<Vec<u8>>) -> Result<Subject> {
    let mut ends = verify::frames::<C>(source, 1)?;
    let frames = [C::Writer::frame(source)?, C::Writer::frame(&verify::noise(source.len() - 1))?];
    Ok(Subject::new(C::NAME, move |count| {
        let ends = &mut ends;
        for turn in 0..count {
            // The other one first, as the last written was `source`.
            ends.writer.put_frame(black_box(&frames[(turn & 1 ^ 1) as usize]))?;
            let found = black_box(&mut ends.reader).take_frame(|value| black_box(value)[0])?;
            ensure!(black_box(found).is_some(), "nothing new after a write");
        }
        if count % 2 == 1 {
            ends.writer.put_frame(&frames[0])?;
            ends.reader.take_frame(|_| ())?;
        }
        Ok(())
    }))
}

fn streamed<C: Wire>(size: usize) -> Result<Subject> {
    let place = Place::fresh()?;
    let mut sender = C::sender(&place, size, Waiting::Asleep)?;
    let mut receiver = C::receiver(&place, size, Waiting::Asleep)?;
    Ok(Subject::new(C::NAME, move |count| {
        let _keep = &place;
        for turn in 0..count {
            sender.send(turn)?;
            ensure!(receiver.receive()? == turn, "another frame than was sent");
        }
        Ok(())
    }))
}
