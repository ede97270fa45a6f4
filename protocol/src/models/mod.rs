//! What the loom models of this crate have in common: scenarios.
//!
//! Each is run with the code that ships and with its twins.

#![cfg(loom)]

mod python;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
// Counts iterations outside the model: loom does not see `std`'s locks.
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What one twin does differently from the code that ships.
///
/// A step is left out, moved, or weakened.
pub(crate) trait Flaw: Copy + Debug + Send + Sync + 'static {
    /// No flaw: the code that ships.
    const NONE: Self;
}

/// A scenario with its bound.
///
/// It is a function of the [`Flaw`], so that twins meet just what the code that ships meets.
pub(crate) struct Model<F> {
    pub(crate) name: &'static str,
    pub(crate) preemptions: usize,
    pub(crate) scenario: F,
}

/// The bound of a model with very many interleavings: nightly the whole, at the gate one less.
///
/// The twins fail with the smaller bound too.
pub(crate) fn dear(preemptions: usize) -> usize {
    let is_nightly = std::env::var("NDSHARRAY_STRESS").is_ok_and(|length| length == "nightly");
    if is_nightly { preemptions } else { preemptions - 1 }
}

/// How a failed model ends: its message contains one of these.
pub(crate) type Symptom = &'static [&'static str];

impl<F: Copy + Send + Sync + 'static> Model<F> {
    /// The code as it ships passes every interleaving.
    pub(crate) fn holds<W: Flaw>(&self) -> &Self
    where
        F: Fn(W),
    {
        if let Err(message) = self.explore(W::NONE) {
            panic!("{}: {message}", self.name);
        }
        self
    }

    /// The twin with `flaw` fails, and with the symptom that is expected.
    pub(crate) fn rejects<W: Flaw>(&self, flaw: W, expected: Symptom) -> &Self
    where
        F: Fn(W),
    {
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
    fn explore<W: Flaw>(&self, flaw: W) -> Result<(), String>
    where
        F: Fn(W),
    {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(Some(self.preemptions));
        let bound = builder.preemption_bound;
        let iterations = Arc::new(Mutex::new(0_u64));
        let counted = Arc::clone(&iterations);
        let scenario = self.scenario;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                *counted.lock().unwrap() += 1;
                scenario(flaw);
            });
        }))
        .map_err(|panic| match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast_ref::<&str>().unwrap_or(&"a panic without a message")).to_owned(),
        });
        let verdict = if outcome.is_ok() { "holds" } else { "fails" };
        let iterations = *iterations.lock().unwrap();
        println!(
            "model {}, {flaw:?}: {verdict} after {iterations} iterations, {:.1?}, preemptions {bound:?}",
            self.name,
            start.elapsed()
        );
        outcome
    }
}
