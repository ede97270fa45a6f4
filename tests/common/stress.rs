//! How long repeated and random tests run, and from which seed: all of it in one place.
//!
//! `NDSHARRAY_STRESS=nightly` chooses the long runs; without it the short ones run. A variable of
//! its own overrides each figure.
//!
//! | variable | gate | nightly | meaning |
//! |---|---|---|---|
//! | `NDSHARRAY_RANDOM_KILLS` | 200 | 1,000 | processes that `death random_kills` kills |
//! | `NDSHARRAY_LOSSLESS_KILLS` | 40 | 1,000 | readers that `death lossless_kills` kills |
//! | `NDSHARRAY_ARRAY_KILLS` | 200 | 500 | processes that `shared::death::random_kills` kills |
//! | `NDSHARRAY_LOCK_KILLS` | 200 | 200 | deaths before the array's lock is measured |
//! | `NDSHARRAY_LEDGER_ENDS` | 1,000 | 5,000 | writers that end in `death ledger` |
//! | `NDSHARRAY_TORN_MILLIS` | 600 | 3,000 | a flood in `channel::torn` |
//! | `NDSHARRAY_DAMAGE_MILLIS` | 1,500 | 10,000 | flipped bits in `channel::live_damage` |
//! | `NDSHARRAY_RACE_MILLIS` | 1,000 | 5,000 | a race in `shared::names`, `channel::unused` |
//! | `NDSHARRAY_COMPAT_VALUES` | 300 | 3,000 | values that a reader accepts in `compat::torn` |
//! | `NDSHARRAY_FRAMES` | 500 | 4,000 | values of 8 kB for each reader beside Python |
//! | `NDSHARRAY_LARGE_FRAMES` | 100 | 1,000 | values of 1 MiB for each reader beside Python |
//! | `NDSHARRAY_CAMERA_MILLIS` | 2,000 | 4,000 | each pair of a camera and Python's reader |
//! | `PROPTEST_CASES` | | | cases of each property |
//! | `NDSHARRAY_SEED` | | | the seed of all that is random |
//! | `NDSHARRAY_SWEEP` | | | `whole`: all of the sweep in `death`, on Windows too; `brief`: each point once, as there |
//!
//! Array, lock and ledger have fewer deaths where processes start slowly. Each property names its
//! own number of cases; nightly it has ten times that. The whole sweep takes hours on Windows.
//! The loom models know the variable too: it gives those with very many interleavings their bound.
//!
//! Each random test prints its seed, so that a failure tells how to run it again. The moments of
//! kills and switches are the machine's.

#![allow(clippy::print_stdout, clippy::cast_possible_truncation, reason = "seeds are printed")]

use super::Dice;
use proptest::test_runner::{Config, RngSeed};
use std::time::{Duration, SystemTime};

/// Whether processes start slowly, or run so: under Wine, and under emulation.
const IS_SLOW: bool = cfg!(windows) || !cfg!(any(target_arch = "x86", target_arch = "x86_64"));

pub(crate) const RANDOM_KILLS: Figure = Figure::new("NDSHARRAY_RANDOM_KILLS", 200, 1000);
pub(crate) const LOSSLESS_KILLS: Figure = Figure::new("NDSHARRAY_LOSSLESS_KILLS", 40, 1000);
pub(crate) const ARRAY_KILLS: Figure = match (cfg!(windows), IS_SLOW) {
    (true, _) => Figure::new("NDSHARRAY_ARRAY_KILLS", 100, 100),
    (_, true) => Figure::new("NDSHARRAY_ARRAY_KILLS", 50, 50),
    _ => Figure::new("NDSHARRAY_ARRAY_KILLS", 200, 500),
};
pub(crate) const LOCK_KILLS: Figure = match IS_SLOW {
    true => Figure::new("NDSHARRAY_LOCK_KILLS", 50, 50),
    false => Figure::new("NDSHARRAY_LOCK_KILLS", 200, 200),
};
pub(crate) const LEDGER_ENDS: Figure = match IS_SLOW {
    true => Figure::new("NDSHARRAY_LEDGER_ENDS", 100, 1000),
    false => Figure::new("NDSHARRAY_LEDGER_ENDS", 1000, 5000),
};
pub(crate) const TORN: Figure = Figure::new("NDSHARRAY_TORN_MILLIS", 600, 3000);
pub(crate) const DAMAGE: Figure = Figure::new("NDSHARRAY_DAMAGE_MILLIS", 1500, 10_000);
pub(crate) const RACE: Figure = Figure::new("NDSHARRAY_RACE_MILLIS", 1000, 5000);
pub(crate) const COMPAT_VALUES: Figure = Figure::new("NDSHARRAY_COMPAT_VALUES", 300, 3000);
pub(crate) const FRAMES: Figure = Figure::new("NDSHARRAY_FRAMES", 500, 4000);
pub(crate) const LARGE_FRAMES: Figure = Figure::new("NDSHARRAY_LARGE_FRAMES", 100, 1000);
pub(crate) const CAMERA: Figure = Figure::new("NDSHARRAY_CAMERA_MILLIS", 2000, 4000);

/// A number that decides how long a test runs.
pub(crate) struct Figure {
    variable: &'static str,
    gate: u64,
    nightly: u64,
}

impl Figure {
    const fn new(variable: &'static str, gate: u64, nightly: u64) -> Self {
        Self { variable, gate, nightly }
    }

    pub(crate) fn count(&self) -> u64 {
        number(self.variable).unwrap_or(if is_nightly() { self.nightly } else { self.gate })
    }

    /// The number as milliseconds.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(self.count())
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn is_nightly() -> bool {
    match std::env::var("NDSHARRAY_STRESS").as_deref() {
        Ok("nightly") => true,
        Ok("gate") | Err(_) => false,
        Ok(other) => panic!("NDSHARRAY_STRESS is `gate` or `nightly`, not {other:?}"),
    }
}

/// How much of the sweep is wanted: `brief` or `whole`, if that is said.
pub(crate) fn sweep() -> Option<String> {
    let sweep = std::env::var("NDSHARRAY_SWEEP").ok()?;
    assert!(["brief", "whole"].contains(&sweep.as_str()), "NDSHARRAY_SWEEP is `brief` or `whole`, not {sweep:?}");
    Some(sweep)
}

/// Returns the seed of this run and prints it.
///
/// It comes from the clock unless `NDSHARRAY_SEED` names one.
pub(crate) fn seed() -> u64 {
    seed_or(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 >> 10 & 0xffff_ffff
    })
}

/// Dice with `seed` in each run, unless `NDSHARRAY_SEED` names another.
///
/// Prints the seed.
pub(crate) fn dice(seed: u64) -> Dice {
    Dice::new(seed_or(|| seed))
}

fn seed_or(other: impl FnOnce() -> u64) -> u64 {
    let seed = number("NDSHARRAY_SEED").unwrap_or_else(other);
    println!("  NDSHARRAY_SEED={seed}");
    seed
}

/// How a property runs that has `cases` cases at the gate.
///
/// Prints the seed.
pub(crate) fn property(cases: u32) -> Config {
    let cases = if is_nightly() { 10 * cases } else { cases };
    let cases = std::env::var_os("PROPTEST_CASES").map_or(cases, |_| Config::default().cases);
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(seed()), ..Config::default() }
}

/// As [`property`], for cases on `parts` threads, each with its own seed.
pub(crate) fn property_in_parts(cases: u32, parts: u32) -> impl Iterator<Item = Config> {
    let whole = property(cases);
    (0..parts).map(move |part| {
        let mut config = whole.clone();
        config.cases = whole.cases.div_ceil(parts);
        if let RngSeed::Fixed(seed) = &mut config.rng_seed {
            *seed = seed.wrapping_add(part.into());
        }
        config
    })
}
