//! What a channel has carried, counted by the threads that carry it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// No age is known.
const UNKNOWN: i64 = i64::MIN;

/// Counts of one channel in one direction.
#[derive(Debug)]
pub(crate) struct Counters {
    values: AtomicU64,
    bytes: AtomicU64,
    number: AtomicU64,
    age: AtomicI64,
    drops: Mutex<BTreeMap<&'static str, u64>>,
    problem: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            values: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            number: AtomicU64::new(0),
            age: AtomicI64::new(UNKNOWN),
            drops: Mutex::default(),
            problem: Mutex::default(),
        }
    }

    /// Counts a value that was written at `time`, by the clock of its source.
    // Relaxed, here and below: counts for people, which order nothing.
    pub(crate) fn value(&self, number: u64, bytes: u64, time: SystemTime) {
        self.values.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.number.store(number, Ordering::Relaxed);
        self.age.store(since(time), Ordering::Relaxed);
    }

    /// Counts values that were not carried, by a word for the reason.
    pub(crate) fn drop_values(&self, reason: &'static str, values: u64) {
        if values > 0 {
            let mut drops = self.drops.lock().unwrap_or_else(PoisonError::into_inner);
            let count = drops.entry(reason).or_default();
            *count = count.saturating_add(values);
        }
    }

    /// Takes back a value that was counted as dropped.
    pub(crate) fn take_back(&self, reason: &'static str) {
        let mut drops = self.drops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = drops.get_mut(reason) {
            *count = count.saturating_sub(1);
        }
    }

    /// Says what is wrong, or that nothing is any more.
    pub(crate) fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn values(&self) -> u64 {
        self.values.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// The age of the last value when it was carried, in nanoseconds.
    pub(crate) fn age(&self) -> Option<i64> {
        Some(self.age.load(Ordering::Relaxed)).filter(|&age| age != UNKNOWN)
    }

    pub(crate) fn drops(&self) -> BTreeMap<&'static str, u64> {
        let drops = self.drops.lock().unwrap_or_else(PoisonError::into_inner);
        drops.iter().filter(|(_, count)| **count > 0).map(|(reason, count)| (*reason, *count)).collect()
    }
}

/// Nanoseconds from `time` to now; below 0 if the clock here is behind.
fn since(time: SystemTime) -> i64 {
    let nanoseconds = |time: SystemTime| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    let age = nanoseconds(SystemTime::now()).saturating_sub(nanoseconds(time));
    let (least, most) = (i128::from(UNKNOWN + 1), i128::from(i64::MAX));
    i64::try_from(age.clamp(least, most)).unwrap_or(i64::MAX)
}
