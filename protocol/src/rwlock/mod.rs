//! The lock of a shared array: its sharers, its holder, and their deaths.
//!
//! Like [`crate::channel`], this module does no I/O and knows no pointers into mappings. It speaks
//! of words in shared memory, or on loom's heap. A [`Kernel`] and a [`Waiter`] wake, sleep, and say
//! which parties are dead.
//!
//! # Three ways to hold an array
//!
//! | way | beside it | for |
//! |---|---|---|
//! | exclusive | no other party | `&mut [T]` |
//! | shared, [`Share::View`] | other viewers | `&[T]` |
//! | shared, [`Share::Atomic`] | other parties that change elements atomically | atomic stores |
//!
//! [`Share::Peek`], for atomic loads, goes with either of the shared ways. Atomic stores include
//! read-modify-writes. The third way is what makes single-element access safe: an atomic store
//! under another party's `&[T]` would be undefined behaviour there, so the two exclude each other.
//!
//! # The words
//!
//! | word | written by | meaning |
//! |---|---|---|
//! | the lock word ([`LockWord`]) | all | the holder; else the group that may share; poison |
//! | `sharing` of each entry ([`Entry`]) | its owner | threads that share, or are about to |
//! | `wants` of each entry | its owner | threads that wait for a holder to go; a hint |
//! | `passed` of each entry | all | whether its turn has come and gone unused; a hint |
//! | `turn` | parties that hold back | when the sharers' turn began; a hint |
//! | `members` ([`Members`]) | all, at open and close | which entries are in use |
//! | `opened`, `cleared` (`EventWords`) | sleepers, wakers | whether a sleeper must be woken |
//!
//! An entry belongs to one handle, which proves that it lives by a lock that the kernel drops at
//! its death.
//!
//! # The steps
//!
//! *Share* (`shared.rs`): a party counts itself in `sharing` of its entry, and only then looks at
//! the lock word. If the word is free and admits its group, it is in. Otherwise it counts back, and
//! waits or switches (`switch`).
//!
//! *Claim* (`exclusive.rs`): a party exchanges the free lock word for its own entry, and only then
//! looks at all `sharing`. It holds the array alone as soon as all of them are zero. No new party
//! can get in meanwhile.
//!
//! *Switch*: to admit the other group, a party takes the array alone, changes the bit, counts
//! itself in `sharing`, and releases.
//!
//! # Why no party is in that should not be
//!
//! Two holders: the lock word has one at a time, and changes from one to another only through
//! "free".
//!
//! A holder and a sharer: claim and share are a store-then-load handshake, all four accesses
//! SeqCst. In their single total order S one store comes first, so the other side's load sees it.
//! The sharer finds the holder and counts back, or the holder finds the sharer and waits for it.
//! Both may happen.
//!
//! Two groups: the bit changes only while one party holds the array alone. A sharer that was let in
//! under the old bit is seen by that holder, as above. A sharer that looks at the word later sees
//! the new bit.
//!
//! The doings of one party happen before the next one's turn. A holder releases the word (Release),
//! and the next party to get in has loaded it (Acquire, contained in SeqCst). A sharer counts back
//! (Release), and a holder has loaded its zero (Acquire).
//!
//! # Death
//!
//! A waiting party looks once in a while (a slice) whether the parties it waits for are dead, which
//! the kernel proves, and reaps them (`reap.rs`). An entry's counts go to zero, and a lock word
//! that it holds becomes free and poisoned. The reaper has the entry's kernel lock meanwhile, so no
//! new handle moves in and no second reaper is at work. Therefore the lock word needs no
//! generation: while a party has the kernel lock of an entry, a word that names it can only be the
//! dead owner's.
//!
//! Every step here is one store. A process killed anywhere leaves either what was or what was to
//! be. A waker killed before it woke costs the sleepers one slice.
//!
//! # Turns
//!
//! A holder that waits for sharers lets no new ones in, so a stream of sharers does not starve it.
//! In return, a sharer that has to wait for a holder marks the lock word. After the release the
//! word stays marked, and parties that want the array alone hold back until no entry `wants` to
//! share any more. So a sharer waits for the holder that it found, and for no second one. Holding
//! back is a courtesy: nothing but fairness depends on it. Among parties that want the array alone
//! there is no order.
//!
//! The courtesy ends after a slice. Then the dead among the entries that `want` are reaped. The
//! living that have not come by then, because their process is stopped, are passed over: no party
//! holds back for them until they stir. So a death or a stop costs the others one slice, and not
//! one each time. A party that does not wait for a whole slice goes by the time at which the turn
//! began. The first party that holds back leaves it in `turn`.
//!
//! # Sleep
//!
//! As everywhere with an [`EventCount`]: take a ticket, announce, look once more, sleep. `opened`
//! is notified when a holder goes. `cleared` is notified when an entry's `sharing` or `wants` goes
//! to zero while a party could wait for it.
//!
//! # Evidence
//!
//! `models/` explores these functions with loom, as they ship, waiting loops and all, together with
//! twins that leave out one step each and must fail.

mod exclusive;
#[cfg(test)]
mod models;
mod reap;
mod seen;
mod shared;
mod word;

pub use word::{LockWord, Purpose, Share};

use crate::event_count::EventCount;
use crate::members::Members;
use crate::sync::{AtomicU32, AtomicU64, Ordering, assert_size, load_seqcst, load_seqcst_u32};

assert_size!(RwLockWords, 192);
assert_size!(Entry, 64);

/// What lies in shared memory for the lock, beside the entries.
#[repr(C, align(64))]
#[derive(Default)]
pub struct RwLockWords {
    word: AtomicU64,
    /// When a party first held back in this turn, by [`Waiter::now`]; 0 when none has.
    turn: AtomicU64,
    _rest_of_the_line: [AtomicU64; 6],
    /// Notified when a holder goes. For all parties that wait for that.
    opened: EventWords,
    /// Notified when an entry shares nothing any more, or wants nothing any more.
    ///
    /// For a holder, and for parties that hold back.
    cleared: EventWords,
    _reserved: [AtomicU64; 6],
    members: Members,
    _reserved_too: AtomicU64,
}

/// The two words of an [`EventCount`].
#[repr(C)]
#[derive(Default)]
struct EventWords {
    asleep: AtomicU32,
    wake: AtomicU32,
}

impl EventWords {
    #[inline]
    fn event_count(&self) -> EventCount<'_> {
        EventCount { asleep: &self.asleep, wake: &self.wake }
    }
}

/// One handle's line.
///
/// Only the handle that holds the kernel's lock on these bytes stores to it.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Entry {
    sharing: AtomicU64,
    wants: AtomicU64,
    /// The owner's process id as it saw itself: a hint for people.
    pid: AtomicU32,
    /// 1 when the owner's turn has come and gone unused.
    ///
    /// A party that holds back sets it; the owner clears it when it stirs.
    passed: AtomicU32,
}

impl Entry {
    /// Notes the process id of the owner, for people.
    #[inline]
    pub fn note_pid(&self, pid: u32) {
        // Relaxed: a hint.
        self.pid.store(pid, Ordering::Relaxed);
    }

    /// Whether an owner's thread waits for a holder to go, and was not passed over.
    #[inline]
    fn is_in_turn(&self) -> bool {
        // SeqCst: load half of the handshake with `Wanting`. Relaxed: a hint.
        load_seqcst(&self.wants) != 0 && self.passed.load(Ordering::Relaxed) == 0
    }

    /// The owner stirs, and has its turns again.
    #[inline]
    fn stir(&self) {
        // Relaxed, both: a hint.
        if self.passed.load(Ordering::Relaxed) != 0 {
            self.passed.store(0, Ordering::Relaxed);
        }
    }
}

/// What the lock asks of the operating system.
pub trait Kernel {
    /// Wakes all sleepers on `wake`, which has just been changed from `replaced` to the next.
    fn wake_all(&self, wake: &AtomicU32, replaced: u32);

    /// Runs `reap` if entry `index` has no living owner.
    ///
    /// The entry's kernel lock is held meanwhile against all others, threads of this process
    /// included. An entry that does not exist has no owner; one's own does.
    fn if_dead(&self, index: usize, reap: impl FnOnce());
}

/// How a party waits.
pub trait Waiter {
    /// Whether to look again instead of sleeping; passes some nanoseconds.
    fn spin(&mut self) -> bool;

    /// Sleeps while `wake` is `ticket`.
    fn sleep(&mut self, wake: &AtomicU32, ticket: u32) -> Wake;

    /// Nanoseconds on a clock that all parties share; 0 where there is none.
    fn now(&self) -> u64;
}

/// Nanoseconds after which a party that is waited for is looked at.
///
/// Does it live, has it come in its turn?
pub const SLICE_NS: u64 = 10_000_000;

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Woken, or for no reason.
    Woken,
    /// Nothing for a whole slice: time to see whether a party is dead.
    SliceOver,
    /// The time is over: see which parties are dead, look once more, and give up.
    TimedOut,
}

/// A party got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a party that gets in must leave"]
pub struct Acquired {
    /// Whether the array was poisoned.
    pub poisoned: bool,
}

/// The lock as one party sees it.
pub struct RwLock<'a, K> {
    /// The words beside the entries.
    pub words: &'a RwLockWords,
    /// The entries of all parties.
    pub entries: &'a [Entry],
    /// Index of this party's entry.
    pub own: usize,
    /// Wakes sleepers, and says which parties are dead.
    pub kernel: &'a K,
}

impl<K: Kernel> RwLock<'_, K> {
    /// The lock word, in the order of S.
    ///
    /// What was stored by this party before is in sight of the party that stored what this misses.
    #[inline]
    fn look(&self) -> LockWord {
        // SeqCst: load half of the handshakes; contains the Acquire that pairs with `release` and
        // `reap`.
        LockWord::from_bits(load_seqcst(&self.words.word))
    }

    /// Changes the lock word from `seen` to `new`, if it still is `seen`.
    #[inline]
    fn exchange(&self, seen: LockWord, new: LockWord) -> bool {
        // SeqCst: store half of the handshake, with `share` when it claims, with the sleepers when
        // it frees. On failure nothing is concluded.
        self.words.word.compare_exchange(seen.to_bits(), new.to_bits(), Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Whether the array is poisoned.
    pub fn is_poisoned(&self) -> bool {
        self.look().is_poisoned()
    }

    /// Declares the array sound.
    pub fn clear_poison(&self) {
        // SeqCst: no partner; one order for poisoning and clearing.
        self.words.word.fetch_and(!LockWord::POISONED, Ordering::SeqCst);
    }

    /// Wakes the sleepers on `event`, if there are any.
    #[inline]
    fn notify(&self, event: &EventWords) {
        // SeqCst: as in `EventCount::notify`, which this spares the way there.
        if load_seqcst_u32(&event.asleep) != 0 {
            self.wake(event);
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(&self, event: &EventWords) {
        if let Some(replaced) = event.event_count().notify() {
            self.kernel.wake_all(&event.wake, replaced);
        }
    }

    /// Whether `is_so` of a member's entry.
    #[inline]
    fn any(&self, is_so: impl Fn(&Entry) -> bool) -> bool {
        self.words.members.any(self.entries.len(), |index| self.entries.get(index).is_some_and(&is_so))
    }

    /// Whether a member shares the array, or is about to.
    #[inline]
    fn is_shared(&self) -> bool {
        // SeqCst: load half of the handshake with `share`; contains the Acquire that pairs with
        // `leave`.
        self.any(|entry| load_seqcst(&entry.sharing) != 0)
    }

    /// Reaps the dead among the members with a `word` that is not zero.
    fn reap_dead(&self, word: impl Fn(&Entry) -> &AtomicU64) {
        self.words.members.any(self.entries.len(), |index| {
            if self.entries.get(index).is_some_and(|entry| load_seqcst(word(entry)) != 0) {
                self.reap_if_dead(index);
            }
            false
        });
    }

    #[inline]
    fn entry(&self) -> Option<&Entry> {
        self.entries.get(self.own)
    }
}
