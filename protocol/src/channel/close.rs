//! The end of a channel: the writer's close, and the last reader's clearing up.
//!
//! A close is a graceful death.
//!
//! A writer that closes says so ([`State::Left`]) and looks at the reader entries. If a living
//! reader has not come to the last value yet, that value's files stay for it; the writer gives its
//! lock back and goes. From then on the last reader to be waited for removes them, when it has come
//! to the last value, or leaves. If no living reader is behind, the writer removes them itself.
//!
//! # Why the files do not stay for no reader
//!
//! A reader that may be the last first makes that known in its entry, then asks for the writer's
//! lock. A party that gives the lock back looks at the entries again afterwards ([`clear_up`]). The
//! kernel's lock puts both in order: a party that is refused the lock made itself known before the
//! other gave it back, so the other's look finds it gone.
//!
//! # Why they do not go too early
//!
//! They are removed under the writer's lock, after a second look at state, name and all entries: a
//! successor that took the channel over in between has changed the state or the name. A newcomer
//! registers, then looks at the state. A party that closes or clears up has seen or stored the
//! state, then looks at what is registered. Both are SeqCst: either the newcomer finds the channel
//! closed and goes away (and clears up in its turn), or it is found.

use super::{LatestWord, Pins};
use crate::members::Members;
use crate::sync::{AtomicU32, Ordering, fence, load_seqcst_u32, store_seqcst_u32};

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The board is there, but the reader table may not be.
    Starting,
    /// Readers may attach. Whether the writer lives is the kernel's to say.
    Open,
    /// Closed for good; the files are going or gone.
    Closed,
    /// Closed by its writer, which left the last value for all readers to come.
    Kept,
    /// Closed by its writer, which left the last value for the readers that were there.
    Left,
}

impl State {
    const fn to_bits(self) -> u32 {
        match self {
            Self::Starting => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Kept => 3,
            Self::Left => 4,
        }
    }

    /// The state that the bits stand for; any bits are one.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits {
            0 => Self::Starting,
            1 => Self::Open,
            3 => Self::Kept,
            4 => Self::Left,
            // No writer stores anything else; a reader that finds it looks for the name anew.
            _ => Self::Closed,
        }
    }

    /// Whether new readers may come.
    #[inline]
    pub const fn takes_readers(self) -> bool {
        matches!(self, Self::Open | Self::Kept)
    }
}

/// State of a channel, and how many payload files have been unlinked, modulo 2^24.
///
/// A reader lets go of unlinked files when that number has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing(u32);

impl Standing {
    /// The bits of the state.
    const STATE: u32 = 0xff;

    /// That of a board just opened by a reader, which has mapped no files yet.
    pub const UNKNOWN: Self = Self(State::Starting.to_bits());

    /// Any 32 bits are a `Standing`.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The state alone.
    #[inline]
    pub fn state(self) -> State {
        State::from_bits(self.0 & Self::STATE)
    }

    /// Whether files have been unlinked between the two.
    #[inline]
    pub fn has_same_files(self, other: Self) -> bool {
        (self.0 ^ other.0) & !Self::STATE == 0
    }
}

/// The board's `standing` word: the state, and a count of unlinked payload files.
///
/// The state stands in the lowest byte. The count above it grows whenever a payload file is
/// unlinked. It is one word, so that one look shows a reader with nothing new to read that there is
/// nothing else to do either. Only the holder of the writer's lock stores it, so load and store
/// need not be one step.
#[repr(transparent)]
#[derive(Default)]
pub struct StateWord(AtomicU32);

impl StateWord {
    /// The word of a channel in `state`.
    pub fn new(state: State) -> Self {
        Self(AtomicU32::new(state.to_bits()))
    }

    /// Loads state and count.
    #[inline]
    pub fn load(&self) -> Standing {
        // Acquire: pairs with `store`. A reader that sees Open also sees the finished reader table;
        // one that sees a close also sees the last `latest`.
        Standing(self.0.load(Ordering::Acquire))
    }

    /// As [`load`](Self::load), for a reader that has just registered.
    #[inline]
    pub fn load_registered(&self) -> Standing {
        // SeqCst: load half of the handshake with `store`; the store half of this side is
        // `Members::add`.
        Standing(load_seqcst_u32(&self.0))
    }

    /// Stores the state and keeps the count.
    #[inline]
    pub fn store(&self, state: State) {
        let Standing(standing) = self.load();
        // SeqCst: store half of the handshake with a newcomer; the load half of this side is
        // `Members::any`. It contains the Release that pairs with `load`.
        store_seqcst_u32(&self.0, standing & !Standing::STATE | state.to_bits());
    }

    /// Notes that a payload file has been unlinked.
    #[inline]
    pub fn count_file_gone(&self) {
        let Standing(standing) = self.load();
        // Release: pairs with `load`, as a reader may take this store for that of the state. The
        // count itself only says that it is time to look at the headers, which are read under the
        // slot protocol or not trusted.
        self.0.store(standing.wrapping_add(Standing::STATE + 1), Ordering::Release);
    }
}

/// The words that tell whether a closed channel's value still stands for a reader.
pub struct CloseSide<'a, E> {
    /// How the channel stands.
    pub state: &'a StateWord,
    /// The number and slot of the current value.
    pub latest: &'a LatestWord,
    /// Which reader entries are in use.
    pub registered: &'a Members,
    /// The reader entries.
    pub entries: &'a [E],
}

/// What there is to do beside the words.
///
/// The kernel has a part in all of it.
pub trait Remains {
    /// Whether the owner of a reader entry lives.
    fn lives(&self, index: usize) -> bool;

    /// Takes the writer's lock.
    ///
    /// Fails if another party has it, or if the name leads to another channel by now.
    fn try_lock(&mut self) -> bool;

    /// Gives the writer's lock back.
    fn unlock(&mut self);

    /// Marks the board [`State::Closed`] and removes the files, with the lock held.
    fn remove(&mut self);
}

/// Rounds after which it is left to others to clear up.
///
/// Each round means that a reader has left or come in the middle of it.
const ROUNDS: u32 = 1000;

impl<E: AsRef<Pins>> CloseSide<'_, E> {
    /// Whether a living reader has not come to the last value.
    ///
    /// Before the first value there is nothing to come to.
    pub fn is_behind(&self, lives: impl Fn(usize) -> bool) -> bool {
        // Acquire: pairs with the `latest` store of `WriterSide::publish` in a writer that has
        // gone. SeqCst fence: between the `state` store of a party that closes and the loads of
        // `seen`. Pairs with the fence of `clear_up`.
        fence(Ordering::SeqCst);
        let last = super::Latest::from_bits(self.latest.0.load(Ordering::Acquire)).number();
        let mut behind = false;
        self.registered.for_each(self.entries.len(), |index| {
            behind |= self.entries.get(index).is_some_and(|entry| !entry.as_ref().has_seen(last)) && lives(index);
        });
        behind
    }

    /// Removes what a closed channel has left, if no living reader is behind any more.
    ///
    /// For a party that may have been the last, and does not hold the writer's lock. It calls this
    /// after it has said so in its entry, or has given the lock back.
    pub fn clear_up(&self, remains: &mut impl Remains) {
        // SeqCst fence: between what the caller has said in its entry and the load of `state`. If
        // that load misses the close, the party that closes has yet to look at the entries, and
        // finds it.
        fence(Ordering::SeqCst);
        for _ in 0..ROUNDS {
            if !self.is_over(remains) || !remains.try_lock() {
                // The party that has the lock looks again when it gives it back.
                return;
            }
            // The second look, with the lock: no other party is at it, and no writer has taken the
            // channel over.
            if self.is_over(remains) {
                return remains.remove();
            }
            remains.unlock();
        }
    }

    fn is_over(&self, remains: &impl Remains) -> bool {
        match self.state.load().state() {
            State::Left => !self.is_behind(|index| remains.lives(index)),
            // The party that was removing it has died, or is still at it and has the lock.
            State::Closed => true,
            State::Starting | State::Open | State::Kept => false,
        }
    }
}
