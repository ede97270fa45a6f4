//! Runs a scenario with the code that ships and with its twins.

use crate::sync::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Counts iterations outside the model: `std`'s atomics are invisible to loom.
#[allow(clippy::disallowed_types, reason = "not part of the model")]
type Counter = std::sync::atomic::AtomicU64;

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
    /// Leaves without a look at whether somebody waits for that.
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
    /// Frees the word and wakes nobody.
    ReleasesSilently,
    /// Sleeps without a look after the announcement.
    NoLookBeforeSleep,

    // Groups.
    /// Exchanges the group without having the array alone.
    SwitchesAmongOthers,
    /// Gives the array free for the other group before it counts itself in.
    ReleasesBeforeCounting,
    /// Lets both groups in.
    IgnoresGroups,

    // Death.
    /// Takes somebody slow for dead.
    BuriesTheLiving,
    /// Sees that somebody is dead, but has not the entry's kernel lock while it buries.
    BuriesUnlocked,
    /// Clears the counts of the dead, but leaves the word to them.
    LeavesTheWord,
    /// Frees the word of the dead, but leaves their counts.
    LeavesTheCounts,
    /// Does not tell that the holder died.
    HidesTheDeath,
    /// Moves into an entry without clearing away who had it.
    JoinsUncleared,
}

/// A scenario with its bound, to be run with the code that ships and with twins of it.
pub(super) struct Model<F> {
    pub(super) name: &'static str,
    pub(super) preemptions: usize,
    pub(super) scenario: F,
}

impl<F: Fn(Flaw) + Copy + Send + Sync + 'static> Model<F> {
    /// The lock as it ships passes every interleaving.
    pub(super) fn holds(&self) -> &Self {
        if let Err(message) = self.explore(Flaw::None) {
            panic!("{}: {message}", self.name);
        }
        self
    }

    /// The twin with `flaw` fails, and with the symptom that is expected.
    pub(super) fn rejects(&self, flaw: Flaw, expected: Symptom) -> &Self {
        match self.explore(flaw) {
            Ok(()) => panic!("{}: the twin with {flaw:?} was not found out", self.name),
            Err(message) => assert!(
                expected.iter().any(|text| message.contains(text)),
                "{}, {flaw:?}: failed with another message: {message}",
                self.name
            ),
        }
        self
    }

    /// Explores the scenario and says how it went, and at what cost.
    fn explore(&self, flaw: Flaw) -> Result<(), String> {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(Some(self.preemptions));
        let bound = builder.preemption_bound;
        let iterations = Arc::new(Counter::new(0));
        let counted = Arc::clone(&iterations);
        let scenario = self.scenario;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                scenario(flaw);
            });
        }))
        .map_err(|panic| match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast_ref::<&str>().unwrap_or(&"a panic without a message")).to_owned(),
        });
        let verdict = if outcome.is_ok() { "holds" } else { "fails" };
        let iterations = iterations.load(Ordering::Relaxed);
        println!(
            "model {}, {flaw:?}: {verdict} after {iterations} iterations, {:.1?}, preemptions {bound:?}",
            self.name,
            start.elapsed()
        );
        outcome
    }
}

/// How a failed model ends: its message contains one of these.
pub(super) type Symptom = &'static [&'static str];

/// loom found two uses of the elements that are not ordered, or two are at them who exclude each other, or an update was lost.
pub(super) const TORN: Symptom = &["Causality violation: Concurrent", INTRUDER, LOST];
pub(super) const INTRUDER: &str = "two are there who exclude each other";
pub(super) const LOST: &str = "an update was lost";
/// Somebody sleeps for ever.
pub(super) const LOST_WAKEUP: Symptom = &["deadlock"];
/// A death went unnoticed.
pub(super) const UNTOLD: Symptom = &[UNPOISONED];
pub(super) const UNPOISONED: &str = "poisoned or not against the facts";
