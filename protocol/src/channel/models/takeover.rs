//! Takeover: a writer dies between two steps, and the next one goes on.
//!
//! The next one has only the words that the dead one left.

use super::{BROKEN, Channel, Flaw, Latest, Model, Payload, Reader, TORN, WENT_BACK, Writer, dear, spawn};
use crate::channel::{KeptPins, PinScan};
use crate::sync::Ordering;

/// The last thing that the first writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `seq` is 0, the pins have not been looked at again.
    Zeroed,
    /// The slot is claimed, its old value whole.
    Confirmed,
    /// The value is written, `seq` is 0.
    Written,
    /// `seq` has the number, `latest` does not name it yet.
    Numbered,
    /// Everything has happened.
    Named,
    /// And a slot is claimed for the next value.
    Preclaimed,
}

const STEPS: [Step; 6] = [Step::Zeroed, Step::Confirmed, Step::Written, Step::Numbered, Step::Named, Step::Preclaimed];

/// Publishes as far as `last`, in the first slot that can be claimed.
fn die_after(last: Step, writer: &mut Writer<'_>) {
    let side = writer.channel.writer_side();
    if last == Step::Zeroed {
        // The token is lost, as it is when the process dies.
        let _ = writer.candidates().next().map(|slot| side.begin(slot));
        return;
    }
    if matches!(last, Step::Named | Step::Preclaimed) {
        writer.width = usize::from(last == Step::Preclaimed);
        writer.publish();
        return;
    }
    let Some(claim) = writer.candidates().find_map(|slot| side.claim(slot, &mut PinScan::default())) else {
        return;
    };
    let slot = writer.channel.slot(claim.slot());
    if last == Step::Confirmed {
        return;
    }
    let number = writer.number + 1;
    slot.payload.write(number);
    if last == Step::Numbered {
        slot.seq.0.store(number, Ordering::Release);
    }
    if writer.flaw == Flaw::RestoresOverwritten {
        side.abandon(claim);
    }
}

/// One writer dies while it publishes, another takes over; a reader takes two samples meanwhile.
///
/// The first publishes `before` values and dies in the next, the second publishes `after` values.
/// Both writers claim `ahead` slots along with each publication.
fn take_over(last: Step, before: usize, after: usize, ahead: usize, flaw: Flaw) {
    let channel = Channel::new(2, 1, 1);
    let mut first = Writer::new(&channel, flaw);
    first.width = ahead;
    first.publish();
    let reader = spawn(&channel, move |channel| {
        let mut reader = Reader::new(channel, 0, flaw);
        reader.read();
        reader.read();
    });
    for _ in 0..before {
        first.publish();
    }
    die_after(last, &mut first);

    // One thread plays both writers: the second one runs because the kernel gave it the first one's
    // lock, so it sees all that the first did; but it knows only what it finds in the shared words.
    let mut second = Writer::inherit(&channel, flaw);
    second.width = ahead;
    match flaw {
        Flaw::ForgetsLatest => second.latest = Latest::NONE,
        Flaw::RestartsNumbers => second.number = 0,
        Flaw::ClearsPins => channel.pins(0).register(&channel.registered, 0),
        _ => {}
    }
    for _ in 0..after {
        second.publish();
    }
    reader.join().unwrap();
    assert!(second.publish(), "no slot is lost to the dead");
}

#[test]
fn a_writer_takes_over() {
    for (last, ahead) in STEPS.into_iter().flat_map(|step| [(step, 0), (step, 1)]) {
        println!("the first writer ends {last:?}, {ahead} ahead");
        Model {
            name: "takeover",
            preemptions: dear(4 - ahead).max(3),
            scenario: move |flaw| take_over(last, 1, 2, ahead, flaw),
        }
        .holds()
        .rejects(Flaw::ForgetsLatest, BROKEN)
        .rejects(Flaw::RestartsNumbers, WENT_BACK)
        .rejects(Flaw::ClearsPins, TORN);
    }
}

/// As [`take_over`], but the second writer dies too, and a third goes on.
///
/// The second writer dies after `again`.
fn take_over_twice(last: Step, again: Step, flaw: Flaw) {
    let channel = Channel::new(2, 1, 1);
    let mut first = Writer::new(&channel, flaw);
    first.publish();
    let reader = spawn(&channel, move |channel| {
        let mut reader = Reader::new(channel, 0, flaw);
        reader.read();
        reader.read();
    });
    die_after(last, &mut first);
    // One thread plays all writers, as in `take_over`.
    let mut second = Writer::inherit(&channel, flaw);
    second.publish();
    die_after(again, &mut second);
    let mut third = Writer::inherit(&channel, flaw);
    match flaw {
        Flaw::ForgetsLatest => third.latest = Latest::NONE,
        Flaw::RestartsNumbers => third.number = 0,
        Flaw::ClearsPins => channel.pins(0).register(&channel.registered, 0),
        _ => {}
    }
    third.publish();
    third.publish();
    reader.join().unwrap();
    assert!(third.publish(), "no slot is lost to the dead");
}

/// A reader drops an owned sample while the writer that takes over publishes.
///
/// The sample is of the first writer's, and is dropped on another thread.
fn take_over_beside_an_owned_sample(last: Step, flaw: Flaw) {
    let channel = Channel::new(3, 1, 1);
    let mut first = Writer::new(&channel, flaw);
    first.publish();
    let mut reader = Reader::new(&channel, 0, flaw);
    let sample = reader.pin().unwrap();
    let kept = KeptPins::new();
    kept.keep(reader.pins, sample.slot());
    reader.unpin();
    first.publish();
    let dropper = spawn(&channel, move |channel| {
        Reader::new(channel, 0, flaw).check(sample);
        kept.release(channel.pins(0), sample.slot());
    });
    die_after(last, &mut first);
    let mut second = Writer::inherit(&channel, flaw);
    if flaw == Flaw::ClearsPins {
        channel.pins(0).register(&channel.registered, 0);
    }
    for _ in 0..3 {
        second.publish();
    }
    dropper.join().unwrap();
    assert!(second.publish() && second.publish() && second.publish(), "no slot is lost to the dead");
}

#[test]
fn a_writer_that_took_over_dies_too() {
    for (last, again) in
        [(Step::Zeroed, Step::Numbered), (Step::Numbered, Step::Written), (Step::Named, Step::Preclaimed)]
    {
        println!("the first writer ends {last:?}, the second {again:?}");
        Model { name: "two takeovers", preemptions: 3, scenario: move |flaw| take_over_twice(last, again, flaw) }
            .holds()
            .rejects(Flaw::ForgetsLatest, BROKEN)
            .rejects(Flaw::RestartsNumbers, WENT_BACK)
            .rejects(Flaw::ClearsPins, TORN);
    }
}

#[test]
fn a_writer_takes_over_beside_an_owned_sample() {
    for last in STEPS {
        println!("the first writer ends {last:?}");
        Model {
            name: "takeover beside an owned sample",
            preemptions: 3,
            scenario: move |flaw| take_over_beside_an_owned_sample(last, flaw),
        }
        .holds()
        .rejects(Flaw::ClearsPins, TORN);
    }
}

#[test]
fn an_overwritten_slot_is_not_given_back() {
    Model {
        name: "an overwritten slot is not given back",
        preemptions: 4,
        scenario: |flaw| take_over(Step::Written, 1, 1, 0, flaw),
    }
    .holds()
    .rejects(Flaw::RestoresOverwritten, TORN);
}
