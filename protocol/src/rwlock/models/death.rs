//! A party is killed, and the others go on.

use super::{Arena, Flaw, HELD_UP, LOST_WAKEUP, Model, TORN, UNPOISONED, UNTOLD, WAITED_AGAIN, dear, spawn};
use crate::rwlock::{LockWord, Purpose, Share};
use crate::sync::{Ordering, load_seqcst, store_seqcst};

/// The last thing that a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It has claimed the word, and sees that it has the array alone.
    Claimed,
    /// It has half changed the elements.
    Changed,
    /// It has freed the word, and woken no party.
    Freed,
    /// It has claimed the word to switch the group.
    Switching,
    /// It has counted itself in, and not looked.
    Counted,
    /// It shares the array.
    Acquired,
    /// It waits to share the array.
    Wanting,
}

fn die(party: &super::arena::Party<'_>, last: Last) {
    let words = &party.arena.words;
    let entry = &party.arena.entries[party.lock.own];
    match last {
        Last::Claimed => {
            party.claim();
        }
        Last::Changed => {
            party.claim();
            party.arena.change();
        }
        Last::Freed => {
            party.claim();
            party.arena.change();
            words.word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
        }
        Last::Switching => {
            let word = LockWord::from_bits(load_seqcst(&words.word));
            if word.holder().is_none() {
                party.lock.exchange(word, word.claimed(party.lock.own, Purpose::Switch));
            }
        }
        Last::Counted => {
            entry.sharing.fetch_add(1, Ordering::SeqCst);
        }
        Last::Acquired => {
            party.share(Share::View);
            party.arena.view();
        }
        Last::Wanting => {
            entry.wants.fetch_add(1, Ordering::SeqCst);
            let word = LockWord::from_bits(load_seqcst(&words.word));
            party.lock.exchange(word, word.waited_for());
        }
    }
    party.arena.machine.kill(party.lock.own);
}

/// One dies; the other reads and writes, whenever that is.
fn one_dies(last: Last, flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let mortal = spawn(&arena, 1, move |party| die(party, last));
    let party = arena.party(0);
    party.read();
    party.write();
    mortal.join().unwrap();
    let changed = matches!(last, Last::Changed | Last::Freed);
    // By now the word may still be the dead one's.
    let acquired = party.claim();
    assert_eq!(acquired.poisoned, matches!(last, Last::Claimed | Last::Changed), "{UNPOISONED}");
    arena.change();
    party.release();
    arena.assert_changes(2 + u64::from(changed));
}

/// One dies while it waits for a holder.
///
/// A party that waits for it afterwards does so once.
fn a_waiter_dies(flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    let party = arena.party(0);
    party.claim();
    let mortal = spawn(&arena, 1, |party| die(party, Last::Wanting));
    arena.change();
    party.release();
    party.write();
    mortal.join().unwrap();
    for _ in 0..2 {
        // Others have waited meanwhile, and left the word marked.
        let word = LockWord::from_bits(load_seqcst(&arena.words.word));
        party.lock.exchange(word, word.waited_for());
        party.write();
    }
    // Relaxed: counted by this thread alone.
    assert!(arena.machine.slices.load(Ordering::Relaxed) <= 1, "{WAITED_AGAIN}");
    arena.assert_changes(4);
}

/// A waiting party reaps the dead one's entry, or a new handle inherits it.
///
/// The new handle uses it at once.
fn an_heir(last: Last, flaw: Flaw) {
    let arena = Arena::new(2, 2, flaw);
    die(&arena.party(1), last);
    let heir = spawn(&arena, 1, move |party| {
        let join = || match flaw {
            Flaw::JoinsUncleared => party.arena.words.members.add(1),
            _ => party.lock.join(),
        };
        // The entry may have been reaped already; its kernel lock is free either way.
        if party.arena.machine.inherit(1, join) {
            party.read();
            party.write();
        }
    });
    let party = arena.party(0);
    party.write();
    party.write();
    heir.join().unwrap();
}

/// Two wait for a dead holder, and both want to reap it.
///
/// The first one in dies too.
fn two_reapers(flaw: Flaw) {
    let arena = Arena::new(3, 3, flaw);
    die(&arena.party(2), Last::Changed);
    let other = spawn(&arena, 1, |party| {
        party.write();
    });
    arena.party(0).write();
    other.join().unwrap();
    arena.assert_changes(3);
}

/// A twin that leaves a part of the dead in place, instead of `reap`.
fn bury_badly(flaw: Flaw, last: Last) {
    let arena = Arena::new(2, 2, Flaw::None);
    die(&arena.party(1), last);
    let words = &arena.words;
    arena.machine.inherit(1, || {
        let word = LockWord::from_bits(load_seqcst(&words.word));
        if flaw != Flaw::LeavesTheWord && word.holder() == Some(1) {
            let orphaned =
                if flaw == Flaw::HidesTheDeath { word.to_bits() & !LockWord::HELD } else { word.orphaned().to_bits() };
            store_seqcst(&words.word, orphaned);
        }
        if flaw != Flaw::LeavesTheCounts {
            store_seqcst(&arena.entries[1].sharing, 0);
        }
    });
    let acquired = arena.party(0).write();
    assert_eq!(acquired.poisoned, last == Last::Changed, "{UNPOISONED}");
}

#[test]
fn the_death_of_a_holder() {
    for last in [Last::Claimed, Last::Changed, Last::Freed, Last::Switching] {
        println!("the holder ends {last:?}");
        Model { name: "death of a holder", preemptions: 5, scenario: move |flaw| one_dies(last, flaw) }.holds();
    }
}

#[test]
fn the_death_of_a_sharer() {
    for last in [Last::Counted, Last::Acquired, Last::Wanting] {
        println!("the sharer ends {last:?}");
        Model { name: "death of a sharer", preemptions: 5, scenario: move |flaw| one_dies(last, flaw) }.holds();
    }
}

#[test]
fn the_death_of_a_waiter() {
    Model { name: "death of a waiter", preemptions: 5, scenario: a_waiter_dies }
        .holds()
        .rejects(Flaw::LeavesWaiters, HELD_UP);
}

#[test]
fn the_entry_of_the_dead() {
    for last in [Last::Changed, Last::Acquired] {
        println!("the owner ends {last:?}");
        Model { name: "the entry of the dead", preemptions: dear(4), scenario: move |flaw| an_heir(last, flaw) }
            .holds()
            .rejects(Flaw::ReapsUnlocked, TORN)
            .rejects(Flaw::JoinsUncleared, LOST_WAKEUP);
    }
}

#[test]
fn two_who_bury() {
    Model { name: "two that reap", preemptions: 4, scenario: two_reapers }.holds();
}

#[test]
fn half_a_burial() {
    Model { name: "half a burial", preemptions: 3, scenario: |flaw| bury_badly(flaw, Last::Changed) }
        .holds()
        .rejects(Flaw::HidesTheDeath, UNTOLD)
        .rejects(Flaw::LeavesTheWord, LOST_WAKEUP);
    Model { name: "half a burial", preemptions: 3, scenario: |flaw| bury_badly(flaw, Last::Acquired) }
        .holds()
        .rejects(Flaw::LeavesTheCounts, LOST_WAKEUP);
}
