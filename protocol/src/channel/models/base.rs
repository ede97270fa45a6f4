//! Imported numbers: an empty channel's base moves until its first value is published.
//!
//! A reader that came before counts from the base that it finds with that value.

use super::{Channel, Flaw, MISCOUNTED, Model, NEVER_WERE, Pair, Reader, Writer, spawn};
use crate::channel::Hot;
use std::sync::Arc;

/// Numbers before the first value: as the channel was made, and as its source then said.
const FIRST_GUESS: u64 = 3;
const SECOND_GUESS: u64 = 7;
const BEFORE_FIRST: u64 = 9;

/// A reader's place among the numbers, as the library keeps it.
struct Place {
    position: u64,
    came_early: bool,
}

impl Place {
    /// Of a reader that comes now.
    fn new(hot: &Hot, channel: &Channel, flaw: Flaw) -> Self {
        let latest = channel.reader_side().latest();
        if !latest.is_none() {
            return Self { position: latest.number() - 1, came_early: false };
        }
        Self { position: hot.base(), came_early: flaw != Flaw::KeepsEarlyBase }
    }

    fn settle(&mut self, hot: &Hot) {
        if std::mem::take(&mut self.came_early) {
            self.position = self.position.max(hot.base());
        }
    }
}

/// A writer moves the base twice and publishes two values, beside a reader that misses none.
fn move_base(flaw: Flaw) {
    let channel = Channel::<Pair>::new(3, 1, 1);
    let hot = Arc::new(Hot::default());
    hot.set_base(1, FIRST_GUESS);
    let seen = Arc::clone(&hot);
    let reader = spawn(&channel, move |channel| {
        let mut reader = Reader::new(channel, 0, flaw);
        let mut place = Place::new(&seen, channel, flaw);
        for _ in 0..2 {
            if flaw == Flaw::TakesBaseEarly {
                place.settle(&seen);
            }
            let Some(latest) = reader.pin() else { continue };
            place.settle(&seen);
            reader.check(latest);
            reader.unpin();
            // The second value may be the first that it sees.
            let newer = latest.number() - BEFORE_FIRST;
            assert!(latest.number() - place.position <= newer, "{NEVER_WERE}");
            place.position = latest.number();
        }
    });
    let mut writer = Writer::new(&channel, flaw);
    hot.move_base(SECOND_GUESS);
    if flaw != Flaw::MovesBaseLate {
        hot.move_base(BEFORE_FIRST);
    }
    writer.number = BEFORE_FIRST;
    writer.publish();
    if flaw == Flaw::MovesBaseLate {
        hot.move_base(BEFORE_FIRST);
    }
    writer.publish();
    reader.join().unwrap();
}

#[test]
fn the_base_moves_until_the_first_value() {
    Model { name: "the base moves", preemptions: 4, scenario: move_base }
        .holds()
        .rejects(Flaw::MovesBaseLate, MISCOUNTED)
        .rejects(Flaw::TakesBaseEarly, MISCOUNTED)
        .rejects(Flaw::KeepsEarlyBase, MISCOUNTED);
}
