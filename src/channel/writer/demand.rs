//! What the last values needed: sizes, and slots that readers held. Numbers alone.

use std::ops::RangeInclusive;

/// Publications for which a size counts as in demand, and a reader's hold as usual.
const MEMORY: u64 = 40;

/// How many times larger than a value its file may be.
const ROOMY: usize = 8;

/// The smallest file's bytes: not too large for any value, as no smaller one exists.
const PAGE: usize = 4096;

/// Sizes from a power of two up to the next. The lowest class has all sizes that go into a page and
/// may not have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeClass(u32);

impl SizeClass {
    /// The class of arrays of `bytes`.
    pub(super) fn of(bytes: usize) -> Self {
        Self(bytes.max(PAGE / ROOMY).ilog2())
    }

    /// The arrays in it, in bytes.
    pub(super) fn sizes(self) -> RangeInclusive<usize> {
        // As `1 << 1` of the highest bit would not fit.
        let last = self.least() | (self.least() - 1);
        if self == Self::of(0) { 0..=last } else { self.least()..=last }
    }

    /// The smallest array in it, in bytes.
    ///
    /// Of the lowest class, the largest that may not have more than a page.
    pub(super) fn least(self) -> usize {
        1 << self.0
    }

    /// Capacities of files that are of use to it.
    pub(super) fn capacities(self) -> RangeInclusive<usize> {
        let smallest = if self == Self::of(0) { 0 } else { self.least() };
        smallest..=self.least().saturating_mul(ROOMY)
    }

    fn bit(self) -> u64 {
        1 << self.0
    }
}

/// Recent sizes and holds. "When" is the number of the value that was current.
#[derive(Debug)]
pub(super) struct Demand {
    /// The classes in demand, a bit each.
    classes: u64,
    /// When each of them was asked for last.
    asked: [u64; 64],
    /// The most files that readers held at a time, and when they did.
    held: usize,
    held_at: u64,
}

impl Demand {
    pub(super) fn new() -> Self {
        Self { classes: 0, asked: [0; 64], held: 0, held_at: 0 }
    }

    /// Notes that an array of `bytes` was asked for.
    pub(super) fn ask(&mut self, bytes: usize, now: u64) {
        let class = SizeClass::of(bytes);
        self.classes |= class.bit();
        if let Some(asked) = self.asked.get_mut(class.0 as usize) {
            *asked = now;
        }
    }

    /// Notes that readers hold so many files.
    pub(super) fn hold(&mut self, files: usize, now: u64) {
        if files >= self.held || is_past(self.held_at, now) {
            (self.held, self.held_at) = (files, now);
        }
    }

    /// Forgets classes that have not been asked for in a while.
    pub(super) fn forget(&mut self, now: u64) {
        for class in self.classes() {
            if self.asked.get(class.0 as usize).is_none_or(|&asked| is_past(asked, now)) {
                self.classes &= !class.bit();
            }
        }
    }

    /// The classes in demand, from the largest.
    pub(super) fn classes(&self) -> impl Iterator<Item = SizeClass> + use<> {
        let mut left = self.classes;
        std::iter::from_fn(move || {
            let class = SizeClass(left.checked_ilog2()?);
            left &= !class.bit();
            Some(class)
        })
    }

    /// Whether `class`, and no other, is in demand.
    pub(super) fn is_all(&self, class: SizeClass) -> bool {
        self.classes == class.bit()
    }

    /// The most files that readers held at a time.
    pub(super) fn held(&self) -> usize {
        self.held
    }
}

/// Whether what was so at value `then` counts no more at value `now`.
pub(super) fn is_past(then: u64, now: u64) -> bool {
    now.saturating_sub(then) >= MEMORY
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_file_of_use_is_eight_times_too_large_at_most(bytes in 0..usize::MAX >> 4) {
            let capacities = SizeClass::of(bytes).capacities();
            prop_assert!(*capacities.end() <= (8 * bytes).max(PAGE));
            prop_assert!(capacities.contains(&bytes.max(PAGE)));
        }
    }

    #[test]
    fn a_size_is_in_demand_for_a_while() {
        let mut demand = Demand::new();
        demand.ask(100, 1);
        demand.ask(5000, 20);
        demand.forget(MEMORY);
        assert_eq!(demand.classes().collect::<Vec<_>>(), [SizeClass::of(5000), SizeClass::of(100)]);
        demand.forget(MEMORY + 1);
        assert_eq!(demand.classes().collect::<Vec<_>>(), [SizeClass::of(5000)]);
    }

    #[test]
    fn the_most_that_was_held_is_remembered_for_a_while() {
        let mut demand = Demand::new();
        demand.hold(3, 5);
        demand.hold(1, 6);
        assert_eq!(demand.held(), 3);
        demand.hold(0, 4 + MEMORY);
        assert_eq!(demand.held(), 3);
        demand.hold(0, 5 + MEMORY);
        assert_eq!(demand.held(), 0);
    }
}
