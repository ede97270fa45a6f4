//! One writer, one or two readers with borrowed samples: claim against pin.

use super::{BROKEN, Channel, Flaw, Model, Reader, TORN, Writer, dear, spawn};

/// `readers` readers take `reads` samples each while `publications` values follow the first.
fn write_and_read(slots: usize, readers: usize, reads: usize, publications: usize, flaw: Flaw) {
    write_ahead_and_read(0, slots, readers, reads, publications, flaw);
}

/// The same with a writer that claims `width` slots at once, along with a publication.
fn write_ahead_and_read(width: usize, slots: usize, readers: usize, reads: usize, publications: usize, flaw: Flaw) {
    let channel = Channel::new(slots, readers, readers);
    let mut writer = Writer::new(&channel, flaw);
    writer.width = width;
    writer.publish();
    let readers: Vec<_> = (0..readers)
        .map(|entry| {
            spawn(&channel, move |channel| {
                let mut reader = Reader::new(channel, entry, flaw);
                for _ in 0..reads {
                    reader.read();
                }
            })
        })
        .collect();
    for _ in 0..publications {
        writer.publish();
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn one_reader_two_slots() {
    Model { name: "one reader, two slots", preemptions: 4, scenario: |flaw| write_and_read(2, 1, 1, 3, flaw) }
        .holds()
        .rejects(Flaw::NoSecondLook, TORN)
        .rejects(Flaw::WeakClaim, TORN)
        .rejects(Flaw::LatestBeforeSeq, BROKEN)
        .rejects(Flaw::NoSeqCheck, TORN)
        .rejects(Flaw::WeakPin, TORN)
        .rejects(Flaw::UnpinBeforeUse, TORN)
        .rejects(Flaw::RelaxedUnpin, TORN);
}

#[test]
fn one_reader_three_slots() {
    Model { name: "one reader, three slots", preemptions: 4, scenario: |flaw| write_and_read(3, 1, 2, 4, flaw) }
        .holds()
        .rejects(Flaw::NoSecondLook, TORN)
        .rejects(Flaw::NoSeqCheck, TORN);
}

#[test]
fn two_readers() {
    Model { name: "two readers, three slots", preemptions: dear(3), scenario: |flaw| write_and_read(3, 2, 1, 3, flaw) }
        .holds()
        .rejects(Flaw::NoSecondLook, TORN)
        .rejects(Flaw::WeakPin, TORN);
}

#[test]
fn one_slot_ahead_of_one_reader() {
    Model {
        name: "one reader, two slots, one ahead",
        preemptions: 4,
        scenario: |flaw| write_ahead_and_read(1, 2, 1, 1, 3, flaw),
    }
    .holds()
    .rejects(Flaw::NoLookAhead, TORN)
    .rejects(Flaw::WeakAhead, TORN)
    .rejects(Flaw::UnorderedAhead, BROKEN)
    .rejects(Flaw::LatestBeforeSeq, BROKEN)
    .rejects(Flaw::NoSeqCheck, TORN)
    .rejects(Flaw::WeakPin, TORN)
    .rejects(Flaw::UnpinBeforeUse, TORN)
    .rejects(Flaw::RelaxedUnpin, TORN);
}

#[test]
fn two_slots_ahead_of_one_reader() {
    Model {
        name: "one reader, four slots, two ahead",
        preemptions: 3,
        scenario: |flaw| write_ahead_and_read(2, 4, 1, 2, 5, flaw),
    }
    .holds()
    .rejects(Flaw::NoLookAhead, TORN)
    .rejects(Flaw::NoSeqCheck, TORN);
}

#[test]
fn one_slot_ahead_of_two_readers() {
    Model {
        name: "two readers, three slots, one ahead",
        preemptions: dear(3),
        scenario: |flaw| write_ahead_and_read(1, 3, 2, 1, 3, flaw),
    }
    .holds()
    .rejects(Flaw::NoLookAhead, TORN)
    .rejects(Flaw::WeakPin, TORN);
}
