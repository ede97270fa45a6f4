//! A clock for callers that read it often, and a timer for periodic work.
//!
//! Reading the clock takes longer than all the rest of writing a small array. Where the processor
//! counts ticks at an even rate, its counter takes less than half of that. So the counter carries
//! a reading of the clock forward for a [moment](WINDOW); then the clock is read again.
//!
//! The counter's evenness is not assumed but measured. It carries nothing until two measurements of
//! its rate in a row agree, and each further reading of the clock is another measurement. A counter
//! that has gone back, or further ahead than the moment, is not used. So the error that a moving
//! virtual machine, a sleeping machine or disagreeing cores cause is no larger than the moment, and
//! ends with it. Otherwise a stamp is within a microsecond of the clock.
//!
//! A caller that takes stamps has periodic work. Whether the [time](PERIOD) has come is found out
//! where the clock itself is read: at least once in a moment, and every time by a caller that
//! stamps rarely. In between only a flag is read.

#[cfg(target_arch = "x86_64")]
pub(crate) use counter::Stamps;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use plain::Stamps;

/// Nanoseconds between two runs of periodic work.
///
/// For a caller that stamps once a second it is due each time.
const PERIOD: u64 = 500_000_000;

/// When something is due next.
#[derive(Debug, Default)]
struct Due {
    next: u64,
    now: bool,
}

impl Due {
    #[inline]
    fn look(&mut self, now: u64) {
        if now >= self.next {
            // Not at the first stamp.
            self.now = self.next != 0;
            self.next = now.saturating_add(PERIOD);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod plain {
    /// Reads the clock every time.
    #[derive(Default)]
    pub(crate) struct Stamps {
        due: super::Due,
    }

    impl Stamps {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        #[inline]
        pub(crate) fn now(&mut self) -> u64 {
            let now = crate::sys::monotonic_ns();
            self.due.look(now);
            now
        }

        /// Whether the time has come since this was last [done](Self::done).
        #[inline]
        pub(crate) fn is_due(&self) -> bool {
            self.due.now
        }

        pub(crate) fn done(&mut self) {
            self.due.now = false;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use crate::sys::monotonic_ns;

    /// Nanoseconds for which the counter carries a reading.
    const WINDOW: u64 = 100_000;

    /// Nanoseconds between two readings that give the rate, at most.
    ///
    /// After a longer pause it is measured anew.
    const LONGEST: u64 = 1_000_000_000;

    /// Counter ticks that a reading takes at most.
    ///
    /// A longer one was interrupted: the moment it was made at is unknown.
    const INTERRUPTED: u64 = 1024;

    /// Two rates agree if they differ by less than one part in so many.
    const AGREEMENT: u64 = 128;

    /// The clock and the counter at one moment.
    #[derive(Clone, Copy, Debug, Default)]
    struct Anchor {
        ns: u64,
        ticks: u64,
    }

    /// A reading of the clock, with the counter before and after.
    #[derive(Clone, Copy, Debug)]
    struct Reading {
        before: u64,
        ns: u64,
        after: u64,
    }

    /// Times for a caller that needs many of them; they never go back.
    #[derive(Debug, Default)]
    pub(crate) struct Stamps {
        anchor: Anchor,
        /// Nanoseconds per tick, times 2³²; 0 before the first measurement.
        rate: u64,
        /// Ticks for which the anchor holds; 0 while the counter is not trusted.
        window: u64,
        last: u64,
        due: super::Due,
    }

    impl Stamps {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        /// Nanoseconds on the clock of [`monotonic_ns`], nearly.
        #[inline]
        pub(crate) fn now(&mut self) -> u64 {
            self.at(ticks(), || Reading { before: ticks(), ns: monotonic_ns(), after: ticks() })
        }

        /// Whether the time has come since this was last [done](Self::done).
        #[inline]
        pub(crate) fn is_due(&self) -> bool {
            self.due.now
        }

        pub(crate) fn done(&mut self) {
            self.due.now = false;
        }

        #[inline]
        fn at(&mut self, ticks: u64, read: impl FnOnce() -> Reading) -> u64 {
            // A counter that has gone back has passed nearly everything.
            let passed = ticks.wrapping_sub(self.anchor.ticks);
            if passed < self.window {
                // No overflow: a window is shorter than 2¹⁷ ns, and so is the product than 2⁴⁹.
                self.last = self.last.max(self.anchor.ns.wrapping_add(passed.wrapping_mul(self.rate) >> 32));
            } else {
                self.read(read());
            }
            self.last
        }

        /// Takes the time from the clock.
        ///
        /// The counter's rate comes from this reading and the one before.
        #[cold]
        #[inline(never)]
        fn read(&mut self, reading: Reading) {
            self.last = self.last.max(reading.ns);
            self.due.look(reading.ns);
            let took = reading.after.wrapping_sub(reading.before);
            if took > INTERRUPTED {
                self.window = 0;
                return;
            }
            let now = Anchor { ns: reading.ns, ticks: reading.before.wrapping_add(took / 2) };
            let ns = now.ns.saturating_sub(self.anchor.ns);
            if ns < WINDOW {
                // Too soon to measure the rate; the anchor waits.
                return;
            }
            let rate =
                if ns > LONGEST { None } else { (ns << 32).checked_div(now.ticks.wrapping_sub(self.anchor.ticks)) };
            let rate = rate.unwrap_or(0);
            let agree = rate != 0 && rate.abs_diff(self.rate) <= rate / AGREEMENT;
            self.window = if agree { (WINDOW << 32) / rate } else { 0 };
            self.rate = rate;
            self.anchor = now;
        }
    }

    #[inline]
    fn ticks() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; it touches no memory.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    #[cfg(test)]
    mod tests {
        use super::super::PERIOD;
        use super::*;

        /// A clock of 1 ns, a counter of 3 ticks per ns, and their mishaps.
        struct World {
            stamps: Stamps,
            ns: u64,
            ticks: u64,
            reads: u32,
        }

        impl World {
            fn new() -> Self {
                Self { stamps: Stamps::new(), ns: 5_000_000_000, ticks: 77, reads: 0 }
            }

            fn pass(&mut self, ns: u64, ticks: u64) -> u64 {
                self.ns += ns;
                self.ticks = self.ticks.wrapping_add(ticks);
                let (ns, ticks, reads) = (self.ns, self.ticks, &mut self.reads);
                self.stamps.at(ticks, || {
                    *reads += 1;
                    Reading { before: ticks, ns, after: ticks + 10 }
                })
            }

            /// Long enough to be trusted.
            fn trusted() -> Self {
                let mut world = Self::new();
                // The first reading, and two that give a rate.
                for _ in 0..3 {
                    world.pass(WINDOW, 3 * WINDOW);
                }
                world.reads = 0;
                world
            }
        }

        #[test]
        fn an_even_counter_spares_the_clock() {
            let mut world = World::trusted();
            for _ in 0..900 {
                let stamp = world.pass(100, 300);
                assert!(stamp.abs_diff(world.ns) < 50, "{stamp} {}", world.ns);
            }
            assert!(world.reads == 0, "{}", world.reads);
            for _ in 0..100_000 {
                let stamp = world.pass(100, 300);
                assert!(stamp.abs_diff(world.ns) < 50);
            }
            assert!((95..=105).contains(&world.reads), "{}", world.reads);
        }

        #[test]
        fn something_is_due_every_period_however_often_one_stamps() {
            for pause in [1_000, WINDOW, 1_000_000_000] {
                let mut world = World::new();
                let mut times = Vec::new();
                while times.len() < 5 {
                    world.pass(pause, 3 * pause);
                    if world.stamps.is_due() {
                        times.push(world.ns);
                        world.stamps.done();
                    }
                }
                let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(longest <= (PERIOD + 2 * WINDOW).max(pause), "{pause}: {times:?}");
                assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= PERIOD), "{pause}: {times:?}");
            }
        }

        #[test]
        fn a_slow_writer_gets_the_clock_itself() {
            let mut world = World::trusted();
            for _ in 0..100 {
                assert_eq!(world.pass(33_000_000, 99_000_000), world.ns);
            }
            assert_eq!(world.pass(LONGEST * 50, LONGEST * 150), world.ns);
            assert_eq!(world.pass(1, 3), world.ns);
        }

        #[test]
        fn a_counter_that_jumps_is_not_believed() {
            let mut world = World::trusted();
            assert_eq!(world.pass(50, 1 << 40), world.ns);
            let mut world = World::trusted();
            assert_eq!(world.pass(50, 0_u64.wrapping_sub(1000)), world.ns);
        }

        #[test]
        fn a_jump_within_the_window_is_over_with_it() {
            let mut world = World::trusted();
            let ahead = world.pass(10, 3 * WINDOW - 100);
            assert!(ahead > world.ns && ahead <= world.ns + WINDOW);
            let stamp = world.pass(WINDOW, 3 * WINDOW);
            assert!(stamp >= ahead, "time does not go back");
            for _ in 0..10 {
                assert!(world.pass(WINDOW, 3 * WINDOW).abs_diff(world.ns) <= 2);
            }
        }

        #[test]
        fn a_counter_whose_rate_changes_carries_nothing() {
            let mut world = World::trusted();
            for step in 0..1000 {
                world.pass(WINDOW, 4 * WINDOW);
                // The rate differs each time.
                assert_eq!(world.pass(WINDOW, (1 + step % 2) * WINDOW), world.ns);
            }
            assert_eq!(World::new().pass(WINDOW, 0), 5_000_000_000 + WINDOW, "a counter that stands still");
        }

        #[test]
        fn an_interrupted_reading_is_no_anchor() {
            let mut world = World::trusted();
            world.ns += 2 * WINDOW;
            world.ticks += 6 * WINDOW;
            let (ns, ticks) = (world.ns, world.ticks);
            world.stamps.at(ticks, || Reading { before: ticks, ns, after: ticks + 3 * WINDOW });
            assert_eq!(world.pass(50, 150), world.ns);
            assert_eq!(world.reads, 1);
        }

        #[test]
        fn real_stamps_are_near_the_clock_and_never_go_back() {
            let mut stamps = Stamps::new();
            let (begin, mut last, mut seen) = (monotonic_ns(), 0, 0);
            while monotonic_ns() - begin < 20_000_000 {
                let before = monotonic_ns();
                let stamp = stamps.now();
                let after = monotonic_ns();
                assert!(stamp >= last);
                assert!(before <= stamp + WINDOW && stamp <= after + WINDOW, "{before} {stamp} {after}");
                last = stamp;
                seen += 1;
            }
            assert!(seen > 0);
        }
    }
}
