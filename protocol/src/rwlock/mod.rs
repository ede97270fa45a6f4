//! The lock of a shared array: who may look at its elements, who may change them, and what happens when one of them dies.
//!
//! Like [`crate::channel`], this module does no I/O and knows no pointers into mappings. It speaks of words in shared memory (or on loom's
//! heap), and asks a [`Kernel`] and a [`Waiter`] to wake, to sleep, and to say who is dead.
//!
//! # Three ways to have an array
//!
//! | way | who else | for |
//! |---|---|---|
//! | alone | nobody | `&mut [T]` |
//! | shared, [`Share::View`] | others who view | `&[T]` |
//! | shared, [`Share::Atomic`] | others who change elements atomically | atomic stores and read-modify-writes |
//!
//! ([`Share::Peek`], for atomic loads, goes with either of the shared ways.) The third way is what makes single-element access safe: an atomic store
//! under somebody's `&[T]` would be undefined behaviour there, so the two exclude each other.
//!
//! # The words
//!
//! | word | written by | meaning |
//! |---|---|---|
//! | the lock word ([`LockWord`]) | all | who holds the array alone; which of the two groups may share it otherwise; poison |
//! | `sharing` of each entry ([`Entry`]) | its owner | how many of its threads share the array, or are about to |
//! | `wants` of each entry | its owner | how many of its threads wait for a holder to go; a hint |
//! | `passed` of each entry | all | whether its turn has come and gone unused; a hint |
//! | `turn` | those who hold back | when the turn of those who want to share began; a hint |
//! | `members` ([`Members`]) | all, at open and close | which entries are in use |
//! | `opened`, `cleared` ([`EventWords`]) | sleepers and those who wake them | who has to be woken |
//!
//! An entry belongs to one handle, which proves that it lives by a lock that the kernel drops at its death.
//!
//! # The steps
//!
//! *Share* ([`shared`]): count oneself in `sharing` of one's entry, and only then look at the lock word. If it is free and admits one's
//! group, one is in. Otherwise count back, and wait or [switch](RwLock::switch).
//!
//! *Claim* ([`exclusive`]): compare-exchange the free lock word to one's own entry, and only then look at all `sharing`. One has the array alone as soon
//! as all of them are zero; nobody new can get in meanwhile.
//!
//! *Switch*: to have the other group admitted, take the array alone, change the bit, count oneself in `sharing`, and release.
//!
//! # Why nobody is there who should not be
//!
//! Two holders: the lock word has one at a time, and changes from one to another only through "free".
//!
//! A holder and a sharer: claim and share are a store-then-load handshake, all four accesses SeqCst. In their single total order S one store comes
//! first, so the other side's load sees it: the sharer finds the holder and counts back, or the holder finds the sharer and waits for it. Both may
//! happen.
//!
//! Two groups: the bit changes only while somebody has the array alone. A sharer that was let in under the old bit is seen by that holder, as
//! above; one whose look at the word comes later sees the new bit.
//!
//! What one did happens before the next one's turn: a holder releases the word (Release), and whoever gets in afterwards has loaded it
//! (Acquire, contained in SeqCst); a sharer counts back (Release), and a holder has loaded its zero (Acquire).
//!
//! # Death
//!
//! Whoever waits looks once in a while (a slice) whether those it waits for are dead, which the kernel proves, and [reaps](RwLock::reap) them: an entry's counts
//! go to zero, and a lock word that it holds becomes free and poisoned. The reaper has the entry's kernel lock meanwhile, so no
//! new handle moves in and no second one digs. Therefore the lock word needs no generation: as long as one has the kernel lock of an entry, a
//! word that names it can only be the dead owner's.
//!
//! Every step here is one store, so a process killed anywhere leaves either what was or what was to be, and a waker killed before it woke costs the sleepers
//! one slice.
//!
//! # Turns
//!
//! A holder that waits for sharers lets no new ones in, so a stream of sharers does not starve it. In return, whoever has to wait for a holder marks the lock
//! word; after the release it stays marked, and those who want the array alone hold back until nobody `wants` to share any more. So a sharer waits for
//! the holder that it found, and for no second one. Holding back is a courtesy, and nothing but fairness depends on it. Among those who want the array
//! alone there is no order.
//!
//! The courtesy ends after a slice. Then the dead among those who `want` are reaped. The living who have not come by then, because their process is stopped,
//! are passed over: nobody holds back for them any more until they stir, so that a death or a stop costs the others one slice, and not one each time. Whoever does
//! not wait for a whole slice goes by the time at which the turn began, which the first to hold back leaves in `turn`.
//!
//! # Sleep
//!
//! [`EventCount`] again: take a ticket, announce, look once more, sleep. `opened` is notified when a holder goes, `cleared` when an entry's `sharing` or `wants`
//! goes to zero while somebody could wait for it.
//!
//! # Evidence
//!
//! `models/` explores these functions with loom, as they ship, waiting loops and all, together with twins that leave out one step each and must be found
//! out.

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
    /// When somebody first held back in the turn that is on, by [`Waiter::now`]; 0 when nobody has.
    turn: AtomicU64,
    _rest_of_the_line: [AtomicU64; 6],
    /// Notified when a holder goes. For all who wait for that.
    opened: EventWords,
    /// Notified when an entry shares nothing any more, or wants nothing any more. For a holder, and for those who hold back.
    cleared: EventWords,
    _reserved: [AtomicU64; 6],
    members: Members,
    _reserved_too: AtomicU64,
}

/// The two words of a [`EventCount`].
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

/// One handle's line. Only the handle that holds the kernel's lock on these bytes stores to it.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Entry {
    sharing: AtomicU64,
    wants: AtomicU64,
    /// The owner's process id as it saw itself: a hint for people.
    pid: AtomicU32,
    /// 1 when the owner's turn has come and gone unused; whoever holds back sets it, the owner clears it when it stirs.
    passed: AtomicU32,
}

impl Entry {
    /// Notes the process id of the owner, for people.
    #[inline]
    pub fn note_pid(&self, pid: u32) {
        // Relaxed: a hint.
        self.pid.store(pid, Ordering::Relaxed);
    }

    /// Whether a thread of the owner's waits for a holder to go, and has not been passed over.
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
    /// Wakes all who sleep on `wake`, which has just been changed from `replaced` to the next.
    fn wake_all(&self, wake: &AtomicU32, replaced: u32);

    /// If entry `index` has no living owner: runs `reap` with the entry's kernel lock held against everybody, other threads of this process included. An entry
    /// that does not exist has no owner; one's own does.
    fn if_dead(&self, index: usize, reap: impl FnOnce());
}

/// How somebody waits.
pub trait Waiter {
    /// Whether to look again instead of sleeping; passes some nanoseconds.
    fn spin(&mut self) -> bool;

    /// Sleeps while `wake` is `ticket`.
    fn sleep(&mut self, wake: &AtomicU32, ticket: u32) -> Wake;

    /// Nanoseconds on a clock that all parties share; 0 where there is none.
    fn now(&self) -> u64;
}

/// Nanoseconds after which whoever is waited for is looked at: is it alive, has it come when it was its turn?
pub const SLICE_NS: u64 = 10_000_000;

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Woken, or for no reason.
    Woken,
    /// Nothing for a whole slice: time to see whether somebody is dead.
    SliceOver,
    /// The time is over: see who is dead, look once more, and give up.
    TimedOut,
}

/// Somebody got in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "whoever gets in must leave"]
pub struct Acquired {
    /// Whether the array was poisoned.
    pub poisoned: bool,
}

/// The lock as one party has it.
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
    /// The lock word, in the order of S: what was stored by this party before is in sight of whoever stored what this misses.
    #[inline]
    fn look(&self) -> LockWord {
        // SeqCst: load half of the handshakes; contains the Acquire that pairs with `release` and `reap`.
        LockWord::from_bits(load_seqcst(&self.words.word))
    }

    /// Changes the lock word from `seen` to `new`, if it still is `seen`.
    #[inline]
    fn exchange(&self, seen: LockWord, new: LockWord) -> bool {
        // SeqCst: store half of the handshake, with `share` when it claims, with the sleepers when it frees. On failure nothing is concluded.
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

    /// Wakes those who sleep on `event`, if there are any.
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
        // SeqCst: load half of the handshake with `share`; contains the Acquire that pairs with `leave`.
        self.any(|entry| load_seqcst(&entry.sharing) != 0)
    }

    /// Reaps the dead among the members whose word, picked by `word`, is not zero.
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
