//! Two parties that want the array alone.

use super::{Arena, Flaw, LOST_WAKEUP, Model, TORN, spawn};

fn both_write(times: u64, flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let other = spawn(&arena, 1, move |party| {
        for _ in 0..times {
            party.write();
        }
    });
    let party = arena.party(0);
    for _ in 0..times {
        party.write();
    }
    other.join().unwrap();
    arena.assert_changes(2 * times);
}

/// One tries once, without waiting, while the other writes.
fn one_tries(flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let other = spawn(&arena, 1, |party| {
        party.write();
        party.read();
    });
    let party = arena.party(0);
    let mut changes = 1;
    if party.try_claim().is_some() {
        arena.change();
        party.release();
        changes = 2;
    }
    other.join().unwrap();
    arena.assert_changes(changes);
}

/// One waits no longer than it takes to look.
///
/// Meanwhile the other looks at the array and changes it.
fn one_gives_up(flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let other = spawn(&arena, 1, |party| {
        party.read();
        party.write();
    });
    let party = arena.party(0);
    let mut changes = 1;
    if party.claim_briefly().is_some() {
        arena.change();
        party.release();
        changes = 2;
    }
    other.join().unwrap();
    arena.assert_changes(changes);
}

#[test]
fn a_writer_gives_up() {
    Model { name: "a writer gives up", preemptions: 5, scenario: one_gives_up }
        .holds()
        .rejects(Flaw::GivesUpHolding, LOST_WAKEUP)
        .rejects(Flaw::GivesUpSilently, LOST_WAKEUP)
        .rejects(Flaw::GivesUpInside, TORN);
}

#[test]
fn two_writers() {
    Model { name: "two writers", preemptions: 5, scenario: |flaw| both_write(2, flaw) }
        .holds()
        .rejects(Flaw::ClaimsInTwoSteps, TORN)
        .rejects(Flaw::ReleasesSilently, LOST_WAKEUP)
        .rejects(Flaw::NoLookBeforeSleep, LOST_WAKEUP)
        .rejects(Flaw::ReapsTheLiving, TORN);
}

#[test]
fn a_writer_tries() {
    Model { name: "a writer tries", preemptions: 5, scenario: one_tries }.holds();
}
