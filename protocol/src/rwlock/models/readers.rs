//! A party that wants the array alone, and parties that look at it.

use super::{Arena, Flaw, LOST_WAKEUP, Model, TORN, spawn};
use crate::rwlock::Share;

fn write_and_read(writes: u64, reads: usize, flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let reader = spawn(&arena, 1, move |party| {
        for _ in 0..reads {
            party.read();
        }
    });
    let party = arena.party(0);
    for _ in 0..writes {
        party.write();
    }
    reader.join().unwrap();
    arena.assert_changes(writes);
}

/// Two threads of one handle count in the same entry.
fn two_threads_of_a_reader(flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let readers = [1, 1].map(|own| {
        spawn(&arena, own, |party| {
            party.read();
        })
    });
    arena.party(0).write();
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    arena.assert_changes(1);
}

/// A handle is opened while another writes.
fn a_reader_joins(flaw: Flaw) {
    let arena = Arena::new(2, 1, flaw);
    let reader = spawn(&arena, 1, move |party| {
        if flaw == Flaw::SharesBeforeJoining {
            party.share(Share::View);
            party.arena.words.members.add(1);
            party.arena.view();
            party.leave();
        } else {
            party.lock.join();
            party.read();
        }
        party.lock.part();
    });
    let party = arena.party(0);
    party.write();
    party.write();
    reader.join().unwrap();
    arena.assert_changes(2);
}

#[test]
fn a_writer_and_a_reader() {
    Model { name: "a writer and a reader", preemptions: 4, scenario: |flaw| write_and_read(2, 2, flaw) }
        .holds()
        .rejects(Flaw::LooksBeforeCounting, TORN)
        .rejects(Flaw::WeakShare, TORN)
        .rejects(Flaw::RelaxedLeave, TORN)
        .rejects(Flaw::LeavesSilently, LOST_WAKEUP)
        .rejects(Flaw::DrainsBeforeClaiming, TORN)
        .rejects(Flaw::WeakClaim, TORN)
        .rejects(Flaw::NoDrain, TORN)
        .rejects(Flaw::RelaxedRelease, TORN)
        .rejects(Flaw::ReleasesSilently, LOST_WAKEUP)
        .rejects(Flaw::ReapsTheLiving, TORN);
}

#[test]
fn a_writer_and_two_threads_of_a_reader() {
    Model { name: "a writer and two threads of a reader", preemptions: 3, scenario: two_threads_of_a_reader }
        .holds()
        .rejects(Flaw::NoDrain, TORN)
        .rejects(Flaw::LeavesSilently, LOST_WAKEUP);
}

#[test]
fn a_reader_comes_and_goes() {
    Model { name: "a reader comes and goes", preemptions: 4, scenario: a_reader_joins }
        .holds()
        .rejects(Flaw::SharesBeforeJoining, TORN)
        .rejects(Flaw::NoDrain, TORN);
}
