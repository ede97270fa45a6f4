//! An array on the heap with its lock, a kernel in small, and parties.
//!
//! A [`Flaw`] exchanges one of the parties' steps.

use super::{Flaw, INTRUDER, LOST};
use crate::rwlock::{Acquired, Entry, Kernel, LockWord, Purpose, RwLock, RwLockWords, Share, Waiter, Wake};
use crate::sync::{AtomicU32, AtomicU64, Ordering, load_seqcst};
use loom::cell::UnsafeCell;
use loom::sync::{Condvar, Mutex};
use std::sync::Arc;

/// What the kernel knows: which parties sleep, and which are dead and not reaped yet.
pub(super) struct Machine {
    dead: Mutex<Vec<bool>>,
    woken: Condvar,
    /// The kernel's locks on the entries of the dead.
    ///
    /// One reaper or new owner is at work at a time.
    reapers: Mutex<()>,
    /// Slices that were over because a party was dead.
    pub(super) slices: AtomicU64,
    flaw: Flaw,
}

impl Machine {
    /// The owner of entry `index` is killed, here and now.
    pub(super) fn kill(&self, index: usize) {
        self.dead.lock().unwrap()[index] = true;
        self.woken.notify_all();
    }

    /// Gives a dead owner's entry to a new one, if no other was quicker.
    pub(super) fn inherit(&self, index: usize, join: impl FnOnce()) -> bool {
        let _reaper = self.reapers.lock().unwrap();
        if !self.dead.lock().unwrap()[index] {
            return false;
        }
        self.dead.lock().unwrap()[index] = false;
        join();
        true
    }
}

impl Kernel for Machine {
    fn wake_all(&self, _: &AtomicU32, _: u32) {
        let _queue = self.dead.lock().unwrap();
        self.woken.notify_all();
    }

    fn if_dead(&self, index: usize, reap: impl FnOnce()) {
        match self.flaw {
            Flaw::ReapsTheLiving => reap(),
            Flaw::LeavesWaiters => {}
            Flaw::ReapsUnlocked => {
                if self.dead.lock().unwrap()[index] {
                    reap();
                    self.dead.lock().unwrap()[index] = false;
                }
            }
            _ => {
                let _reaper = self.reapers.lock().unwrap();
                let is_dead = self.dead.lock().unwrap()[index];
                if is_dead {
                    reap();
                    self.dead.lock().unwrap()[index] = false;
                }
            }
        }
    }
}

/// Sleeps as the kernel has it.
///
/// A slice is over as soon as a party is dead, and with a twin that is quick to reap, at once.
struct Sleeper<'a>(&'a Machine);

impl Waiter for Sleeper<'_> {
    fn spin(&mut self) -> bool {
        false
    }

    fn sleep(&mut self, wake: &AtomicU32, ticket: u32) -> Wake {
        if self.0.flaw == Flaw::ReapsTheLiving {
            return Wake::SliceOver;
        }
        let mut dead = self.0.dead.lock().unwrap();
        // Relaxed: the queue's lock is all the order that the kernel gives.
        if wake.load(Ordering::Relaxed) != ticket {
            return Wake::Woken;
        }
        if !dead.contains(&true) {
            dead = self.0.woken.wait(dead).unwrap();
        }
        if dead.contains(&true) {
            self.0.slices.fetch_add(1, Ordering::Relaxed);
            Wake::SliceOver
        } else {
            Wake::Woken
        }
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Does not wait.
struct Never;

impl Waiter for Never {
    fn spin(&mut self) -> bool {
        false
    }

    fn sleep(&mut self, _: &AtomicU32, _: u32) -> Wake {
        Wake::TimedOut
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Above any number of parties.
const CHANGING: u64 = 100;

/// The array and its lock.
pub(super) struct Arena {
    pub(super) words: RwLockWords,
    pub(super) entries: Vec<Entry>,
    /// The elements: loom finds uses of them that are not ordered.
    elements: UnsafeCell<u64>,
    /// The parties at them just now.
    ///
    /// 1 for each that looks, [`CHANGING`] for each that changes them.
    present: AtomicU64,
    pub(super) machine: Machine,
    flaw: Flaw,
}

impl Arena {
    /// An array with so many entries, of which the first `joined` are in use.
    pub(super) fn new(entries: usize, joined: usize, flaw: Flaw) -> Arc<Self> {
        let dead = Mutex::new(vec![false; entries]);
        let machine = Machine { dead, woken: Condvar::new(), reapers: Mutex::new(()), slices: AtomicU64::new(0), flaw };
        let entries = (0..entries).map(|_| Entry::default()).collect();
        let present = AtomicU64::new(0);
        let arena =
            Self { words: RwLockWords::default(), entries, elements: UnsafeCell::new(0), present, machine, flaw };
        for own in 0..joined {
            arena.words.members.add(own);
        }
        Arc::new(arena)
    }

    pub(super) fn party(&self, own: usize) -> Party<'_> {
        let lock = RwLock { words: &self.words, entries: &self.entries, own, kernel: &self.machine };
        Party { arena: self, lock, flaw: self.flaw }
    }

    /// Changes the elements.
    pub(super) fn change(&self) {
        // Relaxed: must not order what the lock does not.
        assert_eq!(self.present.fetch_add(CHANGING, Ordering::Relaxed), 0, "{INTRUDER}");
        // SAFETY: loom checks that no other thread is at it, and panics before we get the pointer.
        self.elements.with_mut(|elements| unsafe { *elements += 1 });
        self.present.fetch_sub(CHANGING, Ordering::Relaxed);
    }

    /// Looks at the elements.
    pub(super) fn view(&self) -> u64 {
        // Relaxed: as above.
        assert!(self.present.fetch_add(1, Ordering::Relaxed) < CHANGING, "{INTRUDER}");
        // SAFETY: loom checks that no thread changes them, and panics before we get the pointer.
        let elements = self.elements.with(|elements| unsafe { *elements });
        self.present.fetch_sub(1, Ordering::Relaxed);
        elements
    }

    pub(super) fn assert_changes(&self, changes: u64) {
        assert_eq!(self.view(), changes, "{LOST}");
    }
}

/// Runs `body` on a thread of its own, which owns entry `own`.
pub(super) fn spawn(
    arena: &Arc<Arena>,
    own: usize,
    body: impl FnOnce(&Party<'_>) + 'static,
) -> loom::thread::JoinHandle<()> {
    let arena = Arc::clone(arena);
    loom::thread::spawn(move || body(&arena.party(own)))
}

/// A party: an owner of an entry.
pub(super) struct Party<'a> {
    pub(super) arena: &'a Arena,
    pub(super) lock: RwLock<'a, Machine>,
    flaw: Flaw,
}

impl Party<'_> {
    pub(super) fn share(&self, share: Share) -> Acquired {
        let entry = &self.arena.entries[self.lock.own];
        let word = &self.arena.words.word;
        let acquired = |word: LockWord| Acquired { poisoned: word.is_poisoned() };
        match self.flaw {
            Flaw::LooksBeforeCounting => {
                let seen = LockWord::from_bits(load_seqcst(word));
                if seen.admits(share) {
                    entry.sharing.fetch_add(1, Ordering::SeqCst);
                    return acquired(seen);
                }
            }
            Flaw::WeakShare => {
                entry.sharing.fetch_add(1, Ordering::AcqRel);
                let seen = LockWord::from_bits(word.load(Ordering::Acquire));
                if seen.admits(share) {
                    return acquired(seen);
                }
                self.lock.leave();
            }
            Flaw::IgnoresGroups => return self.lock.share(Share::Peek, &mut Sleeper(&self.arena.machine)).unwrap(),
            Flaw::SwitchesAmongOthers => {
                entry.sharing.fetch_add(1, Ordering::SeqCst);
                let seen = LockWord::from_bits(load_seqcst(word));
                if seen.holder().is_none() {
                    match share {
                        Share::Atomic => word.fetch_or(LockWord::GROUP, Ordering::SeqCst),
                        _ => word.fetch_and(!LockWord::GROUP, Ordering::SeqCst),
                    };
                    return acquired(seen);
                }
                self.lock.leave();
            }
            Flaw::ReleasesBeforeCounting if !LockWord::from_bits(load_seqcst(word)).admits(share) => {
                let alone = self.lock.claim(Purpose::Switch, &mut Sleeper(&self.arena.machine)).unwrap();
                match share {
                    Share::Atomic => word.fetch_or(LockWord::GROUP, Ordering::Relaxed),
                    _ => word.fetch_and(!LockWord::GROUP, Ordering::Relaxed),
                };
                self.lock.release();
                entry.sharing.fetch_add(1, Ordering::SeqCst);
                return alone;
            }
            _ => {}
        }
        self.lock.share(share, &mut Sleeper(&self.arena.machine)).unwrap()
    }

    pub(super) fn leave(&self) {
        let entry = &self.arena.entries[self.lock.own];
        match self.flaw {
            Flaw::RelaxedLeave => {
                entry.sharing.fetch_sub(1, Ordering::Relaxed);
                if LockWord::from_bits(load_seqcst(&self.arena.words.word)).holder().is_some() {
                    self.lock.notify(&self.arena.words.cleared);
                }
            }
            Flaw::LeavesSilently => {
                entry.sharing.fetch_sub(1, Ordering::SeqCst);
            }
            _ => self.lock.leave(),
        }
    }

    pub(super) fn claim(&self) -> Acquired {
        let word = &self.arena.words.word;
        let sharers = |ordering| self.arena.entries.iter().any(|entry| entry.sharing.load(ordering) != 0);
        let acquired = |word: LockWord| Acquired { poisoned: word.is_poisoned() };
        let free = LockWord::from_bits(word.load(Ordering::Acquire));
        let mine = free.claimed(self.lock.own, Purpose::Write).to_bits();
        let exchange = |ordering| word.compare_exchange(free.to_bits(), mine, ordering, Ordering::Relaxed).is_ok();
        if free.holder().is_none() {
            match self.flaw {
                Flaw::DrainsBeforeClaiming => {
                    if !self.lock.is_shared() && exchange(Ordering::SeqCst) {
                        return acquired(free);
                    }
                }
                Flaw::WeakClaim => {
                    if exchange(Ordering::AcqRel) {
                        if !sharers(Ordering::Acquire) {
                            return acquired(free);
                        }
                        self.lock.release();
                    }
                }
                Flaw::NoDrain => {
                    if exchange(Ordering::SeqCst) {
                        return acquired(free);
                    }
                }
                Flaw::ClaimsInTwoSteps => {
                    word.store(mine, Ordering::SeqCst);
                    return acquired(free);
                }
                _ => {}
            }
        } else if self.flaw == Flaw::NoLookBeforeSleep {
            let event = self.arena.words.opened.event_count();
            let ticket = event.ticket();
            event.announce();
            let _ = Sleeper(&self.arena.machine).sleep(event.wake, ticket);
        }
        self.lock.claim(Purpose::Write, &mut Sleeper(&self.arena.machine)).unwrap()
    }

    /// Waits for sharers for no longer than it takes to look.
    pub(super) fn claim_briefly(&self) -> Option<Acquired> {
        let word = &self.arena.words.word;
        if matches!(self.flaw, Flaw::GivesUpHolding | Flaw::GivesUpSilently | Flaw::GivesUpInside) {
            let free = LockWord::from_bits(load_seqcst(word));
            let mine = free.claimed(self.lock.own, Purpose::Write);
            if free.holder().is_some() || free.is_waited_for() || !self.lock.exchange(free, mine) {
                return None;
            }
            if !self.lock.is_shared() {
                return Some(Acquired { poisoned: free.is_poisoned() });
            }
            match self.flaw {
                Flaw::GivesUpHolding => return None,
                Flaw::GivesUpSilently => {
                    word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
                    return None;
                }
                _ => {
                    self.lock.release();
                    return Some(Acquired { poisoned: free.is_poisoned() });
                }
            }
        }
        self.lock.claim(Purpose::Write, &mut Never)
    }

    pub(super) fn try_claim(&self) -> Option<Acquired> {
        self.lock.try_claim(&mut Never)
    }

    pub(super) fn release(&self) {
        let word = &self.arena.words.word;
        match self.flaw {
            Flaw::RelaxedRelease => {
                word.fetch_and(!LockWord::HELD, Ordering::Relaxed);
                self.lock.notify(&self.arena.words.opened);
            }
            Flaw::ReleasesSilently => {
                word.fetch_and(!LockWord::HELD, Ordering::SeqCst);
            }
            _ => self.lock.release(),
        }
    }

    /// Takes the array alone, changes it, gives it back.
    pub(super) fn write(&self) -> Acquired {
        let acquired = self.claim();
        self.arena.change();
        self.release();
        acquired
    }

    /// Looks at the array.
    pub(super) fn read(&self) -> Acquired {
        let acquired = self.share(Share::View);
        self.arena.view();
        self.leave();
        acquired
    }

    /// Changes an element atomically.
    ///
    /// Only one party of a model does so, because loom would take two for a race.
    pub(super) fn touch(&self) -> Acquired {
        let acquired = self.share(Share::Atomic);
        self.arena.change();
        self.leave();
        acquired
    }
}
