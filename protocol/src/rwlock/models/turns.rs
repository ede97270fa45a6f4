//! Tests of the courtesy: which party is in turn after a holder.
//!
//! They go step by step, with a kernel that does as the test says.

use crate::rwlock::{Entry, Kernel, Purpose, RwLock, RwLockWords, SLICE_NS, Share, Waiter, Wake};
use crate::sync::{AtomicU32, Ordering};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Entries in `dead` are dead until they are reaped. The test wakes sleepers.
#[derive(Default)]
struct Peace {
    dead: RefCell<Vec<usize>>,
}

impl Kernel for Peace {
    fn wake_all(&self, _: &AtomicU32, _: u32) {}
    fn if_dead(&self, index: usize, reap: impl FnOnce()) {
        let found = self.dead.borrow().iter().position(|&dead| dead == index);
        if let Some(found) = found {
            self.dead.borrow_mut().remove(found);
            reap();
        }
    }
}

type Sleep<'a> = (Wake, Box<dyn Fn() + 'a>);

/// Sleeps end as listed, and do something on the way.
///
/// After the last one it gives up. The clock shows how long it has slept.
struct Script<'a> {
    sleeps: Vec<Sleep<'a>>,
    now: u64,
}

impl Waiter for Script<'_> {
    fn spin(&mut self) -> bool {
        false
    }

    fn sleep(&mut self, _: &AtomicU32, _: u32) -> Wake {
        if self.sleeps.is_empty() {
            return Wake::TimedOut;
        }
        let (slept, act) = self.sleeps.remove(0);
        act();
        if slept == Wake::SliceOver {
            self.now += SLICE_NS;
        }
        slept
    }

    fn now(&self) -> u64 {
        self.now
    }
}

fn script<const N: usize>(sleeps: [Sleep<'_>; N]) -> Script<'_> {
    Script { sleeps: sleeps.into(), now: 1 }
}

fn never<'a>() -> Script<'a> {
    script([])
}

/// At a later time.
fn never_at<'a>(now: u64) -> Script<'a> {
    Script { now, ..never() }
}

struct Hall(RwLockWords, [Entry; 3], Peace);

impl Hall {
    fn new() -> Self {
        let hall =
            Self(RwLockWords::default(), [Entry::default(), Entry::default(), Entry::default()], Peace::default());
        (0..3).for_each(|own| hall.party(own).join());
        hall
    }

    fn party(&self, own: usize) -> RwLock<'_, Peace> {
        RwLock { words: &self.0, entries: &self.1, own, kernel: &self.2 }
    }
}

/// After a holder the parties that waited to share come first.
///
/// Then comes one that wants the array alone.
#[test]
fn sharers_have_their_turn_after_a_holder() {
    let hall = Hall::new();
    let [holder, reader, writer] = [0, 1, 2].map(|own| hall.party(own));
    let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
    let tries = |lock: &RwLock<'_, Peace>| lock.claim(Purpose::Write, &mut never()).map(|_| lock.release()).is_some();
    // While the reader sleeps the holder goes, and a writer that comes at that very moment holds
    // back.
    let mut waiter = script([(
        Wake::Woken,
        Box::new(|| {
            holder.release();
            assert!(hall.0.word.load(Ordering::Relaxed) != 0, "it is somebody's turn");
            assert!(!tries(&writer) && !tries(&holder));
        }),
    )]);
    assert!(reader.share(Share::View, &mut waiter).is_some());
    assert!(!tries(&writer), "the reader is inside");
    reader.leave();
    assert!(tries(&writer));
    assert_eq!(hall.0.word.load(Ordering::Relaxed), 0, "no turn is left over");
}

fn woken<'a>() -> Sleep<'a> {
    (Wake::Woken, Box::new(|| ()))
}

fn slice<'a>() -> Sleep<'a> {
    (Wake::SliceOver, Box::new(|| ()))
}

/// The word is free, but marked by entry 1, which wants and does not stir.
fn wanted(hall: &Hall) {
    let [holder, waiter] = [0, 1].map(|own| hall.party(own));
    assert!(holder.claim(Purpose::Write, &mut never()).is_some());
    if hall.1[1].wants.load(Ordering::SeqCst) == 0 {
        hall.1[1].wants.fetch_add(1, Ordering::SeqCst);
    }
    let word = waiter.look();
    assert!(waiter.exchange(word, word.waited_for()));
    holder.release();
}

/// A stopped party that always wants holds the others up for one slice.
///
/// It does not hold them up for one slice each time.
#[test]
fn the_stopped_are_passed_over() {
    let hall = Hall::new();
    let [stopped, writer] = [1, 2].map(|own| hall.party(own));
    wanted(&hall);
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    let mut waiter = script([woken(), slice()]);
    assert!(writer.claim(Purpose::Write, &mut waiter).is_some());
    assert!(waiter.sleeps.is_empty());
    writer.release();
    for _ in 0..3 {
        // Others wait too, and mark the word.
        wanted(&hall);
        assert!(writer.claim(Purpose::Write, &mut never()).is_some(), "it has had its turn");
        writer.release();
    }
    // It goes on, and is in turn again.
    hall.1[1].stir();
    wanted(&hall);
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    assert!(stopped.try_share(Share::View).is_some());
    stopped.leave();
}

/// A party that waits less than a slice goes by the turn's beginning.
#[test]
fn those_who_only_try_hold_back_no_longer_than_others() {
    let hall = Hall::new();
    let writer = hall.party(2);
    wanted(&hall);
    let tries = |now| writer.try_claim(&mut never_at(now)).map(|_| writer.release()).is_some();
    assert!(!tries(5) && !tries(6) && !tries(5 + SLICE_NS - 1));
    assert!(tries(5 + SLICE_NS), "the turn is over");
    wanted(&hall);
    assert!(tries(6 + SLICE_NS), "and does not begin again for one who has not stirred");
    hall.1[1].stir();
    wanted(&hall);
    assert!(!tries(7 + SLICE_NS), "this is another turn");
    assert!(tries(8 + 2 * SLICE_NS));
}

/// The dead are reaped the first time that a party holds back for them.
#[test]
fn the_dead_are_waited_for_once() {
    let hall = Hall::new();
    let writer = hall.party(2);
    wanted(&hall);
    hall.2.dead.borrow_mut().push(1);
    let mut waiter = script([slice()]);
    assert!(writer.claim(Purpose::Write, &mut waiter).is_some());
    assert!(waiter.sleeps.is_empty());
    writer.release();
    assert_eq!(hall.1[1].wants.load(Ordering::SeqCst), 0);
    assert!(!hall.0.members.any(3, |index| index == 1), "it is no member any more");
}

/// A party that panics while it waits for sharers leaves the array to others.
///
/// It has not got the array.
#[test]
fn a_panic_in_a_wait_leaves_the_array_free() {
    let hall = Hall::new();
    let [reader, writer, other] = [0, 1, 2].map(|own| hall.party(own));
    let panic: fn() = || resume_unwind(Box::new("on purpose"));
    let panics = || script([(Wake::Woken, Box::new(panic))]);
    assert!(reader.try_share(Share::View).is_some());
    for purpose in [Purpose::Write, Purpose::Switch] {
        assert!(catch_unwind(AssertUnwindSafe(|| writer.claim(purpose, &mut panics()))).is_err());
        assert_eq!(writer.look().holder(), None);
    }
    assert!(catch_unwind(AssertUnwindSafe(|| writer.share(Share::Atomic, &mut panics()))).is_err());
    reader.leave();
    assert!(other.try_claim(&mut never()).is_some());
    assert!(catch_unwind(AssertUnwindSafe(|| writer.claim(Purpose::Write, &mut panics()))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| writer.share(Share::View, &mut panics()))).is_err());
    other.release();
    assert!(!other.is_poisoned(), "nothing was changed");
    let words = hall.1.iter().map(|entry| entry.sharing.load(Ordering::Relaxed) + entry.wants.load(Ordering::Relaxed));
    assert_eq!(words.sum::<u64>(), 0);
}

/// A party that finds the holder dead, and does not wait, shares the array.
///
/// Whichever group it was for.
#[test]
fn a_party_that_reaps_the_holder_gets_in() {
    let hall = Hall::new();
    let [holder, reader] = [0, 1].map(|own| hall.party(own));
    for share in [Share::View, Share::Atomic, Share::View] {
        let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
        hall.2.dead.borrow_mut().push(0);
        assert!(reader.share(share, &mut never()).is_some(), "{share:?}");
        reader.leave();
        holder.join();
    }
}

/// A party that gives up leaves no mark that matters.
#[test]
fn a_wait_in_vain_leaves_nothing() {
    let hall = Hall::new();
    let [holder, reader, writer] = [0, 1, 2].map(|own| hall.party(own));
    let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
    assert!(reader.share(Share::View, &mut never()).is_none());
    assert!(reader.share(Share::Atomic, &mut never()).is_none());
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    holder.release();
    assert!(writer.try_claim(&mut never()).is_some());
    writer.release();
    assert!(reader.share(Share::View, &mut never()).is_some());
    assert!(writer.try_claim(&mut never()).is_none());
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    assert!(holder.try_share(Share::View).is_some(), "an attempt to write leaves the array to its readers");
    holder.leave();
    reader.leave();
    let words = hall.1.iter().map(|entry| entry.sharing.load(Ordering::Relaxed) + entry.wants.load(Ordering::Relaxed));
    assert_eq!(words.sum::<u64>(), 0);
}
