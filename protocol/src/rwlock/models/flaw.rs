//! What the twins do differently, and how they are found out.

use crate::models::{self, Symptom};

/// What a twin does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the code that ships.
    None,

    // Sharing.
    /// Looks at the lock word, then counts itself in.
    LooksBeforeCounting,
    /// Counts and looks with Release and Acquire alone.
    WeakShare,
    /// Counts itself out with a Relaxed step.
    RelaxedLeave,
    /// Leaves without a look at whether a party waits for that.
    LeavesSilently,
    /// Shares before its entry shows in `members`.
    SharesBeforeJoining,

    // Having it alone.
    /// Looks for sharers before it claims the word, and not again.
    DrainsBeforeClaiming,
    /// Claims and looks with Release and Acquire alone.
    WeakClaim,
    /// Does not look for sharers.
    NoDrain,
    /// Claims with a load and a store.
    ClaimsInTwoSteps,
    /// Frees the word with a Relaxed step.
    RelaxedRelease,
    /// Frees the word and wakes no party.
    ReleasesSilently,
    /// Sleeps without a look after the announcement.
    NoLookBeforeSleep,
    /// Gives up the wait for sharers, and keeps the word.
    GivesUpHolding,
    /// Gives up, frees the word, and wakes no party.
    GivesUpSilently,
    /// Takes what it has given up for its own.
    GivesUpInside,

    // Groups.
    /// Exchanges the group without having the array alone.
    SwitchesAmongOthers,
    /// Gives the array free for the other group before it counts itself in.
    ReleasesBeforeCounting,
    /// Lets both groups in.
    IgnoresGroups,

    // Death.
    /// Takes a slow party for dead.
    ReapsTheLiving,
    /// Reaps a party that it sees dead, without the entry's kernel lock.
    ReapsUnlocked,
    /// Clears the counts of the dead, but leaves the word to them.
    LeavesTheWord,
    /// Frees the word of the dead, but leaves their counts.
    LeavesTheCounts,
    /// Does not tell that the holder died.
    HidesTheDeath,
    /// Moves into an entry without clearing away its owner before.
    JoinsUncleared,
    /// Leaves the dead that have nothing but a wish.
    LeavesWaiters,
}

impl models::Flaw for Flaw {
    const NONE: Self = Self::None;
}

/// Two uses of the elements clashed, or an update was lost.
///
/// loom found two uses that are not ordered, or two parties are at them that exclude each other.
pub(super) const TORN: Symptom = &["Causality violation: Concurrent", INTRUDER, LOST];
pub(super) const INTRUDER: &str = "two are there who exclude each other";
pub(super) const LOST: &str = "an update was lost";
/// A sleeper is never woken.
pub(super) const LOST_WAKEUP: Symptom = &["deadlock"];
/// The same death is waited for again and again.
pub(super) const HELD_UP: Symptom = &[WAITED_AGAIN];
pub(super) const WAITED_AGAIN: &str = "a dead waiter is waited for again";
/// A death went unnoticed.
pub(super) const UNTOLD: Symptom = &[UNPOISONED];
pub(super) const UNPOISONED: &str = "poisoned or not against the facts";
