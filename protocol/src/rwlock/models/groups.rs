//! Parties that look, and parties that change elements atomically.

use super::{Arena, Flaw, LOST_WAKEUP, Model, TORN, spawn};

fn view_and_touch(times: u64, flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let other = spawn(&arena, 1, move |party| {
        for _ in 0..times {
            party.touch();
        }
    });
    let party = arena.party(0);
    for _ in 0..times {
        party.read();
    }
    other.join().unwrap();
    arena.assert_changes(times);
}

fn all_three(flaw: Flaw) {
    let arena = Arena::new(3, 3, flaw);
    let reader = spawn(&arena, 1, |party| {
        party.read();
    });
    let toucher = spawn(&arena, 2, |party| {
        party.touch();
    });
    arena.party(0).write();
    reader.join().unwrap();
    toucher.join().unwrap();
    arena.assert_changes(2);
}

#[test]
fn two_groups() {
    Model { name: "two groups", preemptions: 4, scenario: |flaw| view_and_touch(2, flaw) }
        .holds()
        .rejects(Flaw::IgnoresGroups, TORN)
        .rejects(Flaw::SwitchesAmongOthers, TORN)
        .rejects(Flaw::ReleasesBeforeCounting, TORN)
        .rejects(Flaw::LeavesSilently, LOST_WAKEUP);
}

#[test]
fn two_groups_and_a_writer() {
    Model { name: "two groups and a writer", preemptions: 3, scenario: all_three }
        .holds()
        .rejects(Flaw::IgnoresGroups, TORN)
        .rejects(Flaw::NoDrain, TORN);
}
