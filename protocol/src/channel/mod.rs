//! The slot protocol: one writer and many readers share slots.
//!
//! They do so without a lock between them, and without a torn value.
//!
//! This module does no I/O and knows no pointers into mappings. It speaks of words, which are
//! atomics in shared memory, or on loom's heap. It yields tokens and slot numbers.
//!
//! # The words
//!
//! | word | written by | meaning |
//! |---|---|---|
//! | `latest` ([`LatestWord`]) | writer | number and slot of the current value |
//! | `seq` of each slot ([`SlotSeq`]) | writer | number of its value; 0 while it is written |
//! | `borrowed`, `kept` of each reader ([`Pins`]) | that reader | the slots it holds |
//! | `registered` ([`Members`]) | readers, at open and close | which entries are in use |
//! | `asleep`, `wake` ([`EventCount`]) | sleepers and writer | whether a sleeper must be woken |
//! | `cell` of each slot ([`CellWord`]) | writer | where the last value of this residue is |
//! | `state` ([`StateWord`]) | holder of the writer's lock | how the channel stands |
//! | `seen` of each reader ([`Pins`]) | that reader | the last value that it has come to |
//!
//! Older values are found and pinned as `history.rs` says. Readers that must see every value, and
//! the writer that waits for them, are the matter of `lossless.rs`.
//!
//! What a close leaves stays until all living readers have come to it: that is what `seen` is for.
//!
//! [`Members`]: crate::members::Members
//! [`EventCount`]: crate::event_count::EventCount
//!
//! # The steps
//!
//! *Claim* (`claim.rs`): the writer picks a slot that is not the latest and stores 0 to its `seq`.
//! Only then does it look at all pins ([`WriterSide::confirm`], the second look). A slot found
//! pinned gets its number back, and another is tried.
//!
//! *Publish*: payload and header are written, `seq` becomes the new number, `latest` names it.
//!
//! *Preclaim* ([`Preclaimed`]): along with a publication the writer claims slots of the values to
//! come, a few at a time. Publishing ends with a fence between `latest` and `asleep` anyway (see
//! [`EventCount`]). Zeros that are stored before it, and a scan that comes after it, make claims of
//! it. So most publications look at no reader at all. They take no cache line from a reader that is
//! about to pin.
//!
//! *Pin* (`pin.rs`): a reader loads `latest` and announces the slot in its own `borrowed` word.
//! Only then does it load the slot's `seq`. If it is still the number that `latest` named, the slot
//! is pinned; otherwise a claim got in between.
//!
//! *Unpin*: the word is cleared.
//!
//! # Why a pinned slot is not written
//!
//! Claim and pin are a store-then-load handshake (Dekker's). The writer stores `seq` and loads the
//! pins; the reader stores its pins and loads `seq`; all four are SeqCst. In their single total
//! order S one store comes first, so the other side's load sees it. Either the reader finds 0 and
//! goes away, or the writer finds the pin and goes away. Both may happen. Then both retry, and
//! neither blocks the other, because the reader retries on a newer `latest`.
//!
//! A preclaim has a SeqCst fence between store and load instead. If its load misses the pin, the
//! fence stands before the pin in S. If the reader's load misses the 0, that load stands before the
//! fence. Both together would put the load before the pin that it follows.
//!
//! If the reader saw the number, its `seq` load read the store of [`WriterSide::publish`] (Release)
//! or the restoring store of [`WriterSide::abandon`] (Release). So it also sees the payload and
//! header written before. If the writer saw no pin, there are two cases. The reader's pin may lie
//! after the writer's look, and then that reader will find 0. Or the writer read what
//! [`ReaderSide::unpin`] or [`KeptPins::release`] stored: Release, paired with the Acquire that a
//! SeqCst load contains. Then all that the reader did with the value happened before the slot is
//! written again.
//!
//! The latest slot is never claimed, so a reader that fails knows that `latest` has moved
//! on. The readers' loop ends unless the writer always publishes between its two loads. If `latest`
//! has *not* moved, the words were written by a process that does not follow the protocol
//! ([`PinAttempt::Broken`]).
//!
//! # Two pin words
//!
//! A borrowed sample is bound to its reader by the borrow checker, so there is at most one. Its
//! word needs no read-modify-write: plain stores suffice. Owned samples may be dropped on other
//! threads while the reader pins again. They are counted under a mutex and shown in `kept`.
//!
//! A sample becomes owned by *first* showing its slot in `kept` and *then* clearing `borrowed`. The
//! writer therefore loads `borrowed` before `kept`. If it misses the first because it was already
//! cleared (Release/Acquire), it must see the second.
//!
//! # Evidence
//!
//! `models/` explores these functions with loom, as they ship, together with twins that leave out
//! one step each and must fail.

mod board;
mod claim;
mod close;
mod history;
mod lossless;
#[cfg(test)]
mod models;
mod per_slot;
mod pin;
mod register;
mod seen;
mod table;
mod word;

pub use board::{HEADER_WORDS, Hot, Slot, load_head, store_head};
pub use claim::{Claim, PinScan, Preclaimed, WriterSide, Zeroed, begin_with};
pub use close::{CloseSide, Remains, Standing, State, StateWord};
pub use history::{Found, OlderPin, is_sound};
pub use lossless::{Gate, Seen, Terms};
pub use per_slot::PerSlot;
pub use pin::{KeptPins, PinAttempt, ReaderSide};
pub use table::{Entry, Shared};
pub use word::{Latest, MAX_NUMBER, MAX_SLOTS, PinMask, SlotIndex};

use crate::sync::AtomicU64;

/// The board's `latest` word. Grows with every publication; only the writer stores it.
#[repr(transparent)]
#[derive(Default)]
pub struct LatestWord(AtomicU64);

/// A slot's `seq` word: the number of its value, 0 while that is written.
///
/// Only the writer stores it.
#[repr(transparent)]
#[derive(Default)]
pub struct SlotSeq(AtomicU64);

/// A slot's `cell` word: leads to the last value whose number has the residue of this slot.
///
/// Only the writer stores it.
#[repr(transparent)]
#[derive(Default)]
pub struct CellWord(AtomicU64);

/// What one reader holds.
///
/// Only that reader stores it, or the writer once the kernel has proved the reader dead.
#[repr(C)]
#[derive(Default)]
pub struct Pins {
    /// The slot of the one borrowed sample, as a mask; 0 when there is none.
    borrowed: AtomicU64,
    /// The slots of all owned samples.
    kept: AtomicU64,
    /// How often an attempt to pin came too late.
    ///
    /// A hint for the writer to spread over more slots; nothing depends on it.
    retries: AtomicU64,
    /// Number of the last value that the reader has come to, and whether it is lossless.
    ///
    /// All ones when it reads no more. What a close leaves stays for readers that are behind.
    seen: AtomicU64,
}
