//! What the twins do differently, and how they are found out.

use crate::models::{self, Symptom};

/// What a twin does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing: the code that ships.
    None,

    // The writer.
    /// Claims without looking at the pins again.
    NoSecondLook,
    /// Zeroes `seq` and looks with Release and Acquire alone.
    WeakClaim,
    /// Looks at `kept` before `borrowed`.
    KeptBeforeBorrowed,
    /// Names the slot in `latest` before its `seq` has the number.
    LatestBeforeSeq,
    /// Claims ahead without looking at the pins.
    NoLookAhead,
    /// Claims ahead with Release and Acquire alone.
    WeakAhead,
    /// Zeroes the slots that it claims ahead in no order with naming the current one.
    UnorderedAhead,

    // The reader.
    /// Takes the slot without a look at its `seq`.
    NoSeqCheck,
    /// Pins and looks at `seq` with Release and Acquire alone.
    WeakPin,
    /// Unpins, then reads.
    UnpinBeforeUse,
    /// Unpins with a Relaxed store.
    RelaxedUnpin,

    // Owned samples.
    /// Clears `borrowed`, then shows the slot in `kept`.
    KeepAfterUnpin,
    /// Sets bits of the mask with a load and a store, without the mutex.
    UnlockedKeep,
    /// Clears bits of the mask with a load and a store, without the mutex.
    UnlockedRelease,
    /// Sets and clears bits atomically, but counts no owners.
    UncountedOwners,

    // Registration.
    /// Pins before the entry is registered.
    PinBeforeRegister,
    /// Leaves, then reads.
    RemoveBeforeUse,
    /// Takes a silent reader for a dead one.
    ReclaimsByTimeout,
    /// Sees that the owner is dead, but clears the entry without its lock.
    ReclaimsUnlocked,

    // Takeover.
    /// Does not learn which slot is the latest.
    ForgetsLatest,
    /// Clears the pins of living readers.
    ClearsPins,
    /// Gives a slot its old number back although the value has been overwritten.
    RestoresOverwritten,
    /// Numbers from 1 again.
    RestartsNumbers,

    // Imported numbers.
    /// Names the first value, and moves the base then.
    MovesBaseLate,
    /// Takes the base over before the first value is there.
    TakesBaseEarly,
    /// Keeps to the base that stood when it came.
    KeepsEarlyBase,

    // Unpinned copies.
    /// Does not look at `seq` after the copy.
    NoSecondStamp,
    /// Looks at it without the Acquire fence.
    NoAcquireFence,
    /// Zeroes `seq` without a fence before the value is overwritten.
    NoReleaseFence,
    /// Does not zero `seq` at all.
    NoZero,

    // Older values.
    /// Takes a 0 in an older slot for damage as long as `latest` has not moved.
    OlderLikeCurrent,
    /// Loads cells Relaxed.
    RelaxedCell,
    /// Takes over without forgetting numbers that were never named.
    RemembersUnnamed,
    /// Gives values back at a close that a living reader has not read.
    GivesBackUnread,

    // Lossless readers.
    /// Claims without a look at what they have read.
    NoFloor,
    /// Takes a look that found no reader for leave to overwrite all.
    FloorWithoutCap,
    /// Says that a value has been read before it is pinned.
    TellsBeforePin,
    /// Loads `latest` first, and registers then.
    LatestBeforeRegister,
    /// Falls asleep at the gate without a look at what has been read.
    NoLookAtGate,
    /// Looks for a sleeping writer before it says what it has read.
    RingsBeforeTelling,
    /// Goes without waking the writer.
    LeavesSilently,

    // Sleep.
    /// Sleeps without a look after the announcement.
    NoLookBeforeSleep,
    /// Announces and looks with Release and Acquire alone.
    WeakSleep,
    /// Takes the ticket after the announcement, before the look.
    TicketAfterAnnouncement,
    /// Takes the ticket after the look.
    TicketAfterLook,
    /// Publishes and looks at `asleep` with Release and Acquire alone.
    WeakNotify,
    /// Changes `wake`, then clears `asleep`.
    ChangesBeforeClearing,
    /// Wakes without changing `wake`.
    KeepsWakeWord,
    /// Asks the kernel to wake one sleeper only.
    WakesOne,
    /// Takes over without waking sleepers that the dead writer left.
    NotifiesOnlyIfAsked,
    /// Notifies before the state is changed.
    NotifiesBeforeState,
    /// Looks at the state before the ticket is taken, and not again.
    StateBeforeTicket,

    // Sleep on many.
    /// Announces itself on the first channel alone.
    AnnouncesOnOne,
    /// Looks at the first channel alone after the announcements.
    LooksAtOne,
    /// Sleeps on the word of the first channel alone.
    SleepsOnOne,
    /// Takes the tickets of all channels after it has looked at them.
    TicketsAfterLooks,

    // The end.
    /// Gives the lock back without a look at the parties that were refused it meanwhile.
    NoLookAfterLock,
    /// Asks for the lock before it says that it is no longer behind.
    ///
    /// It says so when it has come to the last value, or goes.
    ClearsUpBeforeSaying,
    /// Removes the files without a second look, with the lock.
    ClearsUpAtOneLook,
    /// Registers and does not look whether the channel has been closed.
    NoLookAfterRegistering,
    /// Looks for readers before it says that the channel is closed.
    LooksBeforeClosing,
}

impl models::Flaw for Flaw {
    const NONE: Self = Self::None;
}

/// Accesses to a value were not ordered, or a reader saw another value.
///
/// loom finds the former. The latter is a value that is not the one that the reader pinned.
pub(super) const TORN: Symptom = &["Causality violation: Concurrent", FOREIGN];
pub(super) const FOREIGN: &str = "a value that does not belong to its number";
/// A value was missing that was to stand.
pub(super) const LOST: Symptom = &[MISSING];
pub(super) const MISSING: &str = "a value is missing";
/// To a reader a cell that was in use looked damaged.
pub(super) const DAMAGED: Symptom = &[CALLED_DAMAGED];
pub(super) const CALLED_DAMAGED: &str = "an honest cell was called damaged";
/// To a reader an honest board looked broken.
pub(super) const BROKEN: Symptom = &[CALLED_BROKEN];
pub(super) const CALLED_BROKEN: &str = "an honest board was called broken";
/// A reader was given an older value than before.
pub(super) const WENT_BACK: Symptom = &[OLDER];
pub(super) const OLDER: &str = "numbers went back";
/// A reader counted values as missed that there have never been.
pub(super) const MISCOUNTED: Symptom = &[NEVER_WERE];
pub(super) const NEVER_WERE: &str = "values were missed that never were";
/// A slot stays pinned though no reader holds it.
pub(super) const LEFT_BEHIND: Symptom = &[PINNED];
pub(super) const PINNED: &str = "a pin was left behind";
/// A sleeper is never woken.
pub(super) const LOST_WAKEUP: Symptom = &["deadlock"];
/// Files of a closed channel stay though no reader is behind.
///
/// No party will clear them up.
pub(super) const LEFT_OVER: Symptom = &[REMAINS];
pub(super) const REMAINS: &str = "files stay for nobody";
/// Files went that a reader or a writer still counts on.
pub(super) const TAKEN_AWAY: Symptom = &[GONE];
pub(super) const GONE: &str = "files went too early";
