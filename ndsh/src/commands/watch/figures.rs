//! Rates and ages over the last slices of time.

use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Greatest age that is measured, in nanoseconds: a day.
const OLDEST: u64 = 86_400_000_000_000;

/// Significant digits of an age.
const FIGURES: u8 = 2;

/// Counts of one slice of time.
struct Slice {
    start: Instant,
    seen: u64,
    missed: u64,
    bytes: u64,
    /// Ages in nanoseconds.
    ages: Option<Histogram<u64>>,
    intervals: Spread,
}

impl Slice {
    fn new(start: Instant) -> Self {
        Self {
            start,
            seen: 0,
            missed: 0,
            bytes: 0,
            ages: Histogram::new_with_bounds(1, OLDEST, FIGURES).ok(),
            intervals: Spread::default(),
        }
    }
}

/// Counts in slices of time, and forgets the oldest.
pub(super) struct Counters {
    /// The last one is being filled.
    slices: VecDeque<Slice>,
    keep: usize,
    seen: u64,
    missed: u64,
    /// When the last value was written.
    last: Option<Instant>,
}

/// The counts as numbers to show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Values published per second.
    pub(crate) rate: f64,
    /// Bytes published per second.
    pub(crate) bandwidth: f64,
    /// Median, 99th percentile and maximum of the ages at which values were seen.
    pub(crate) ages: Option<[Duration; 3]>,
    /// Times between values that were published one after the other.
    pub(crate) intervals: Option<Intervals>,
    /// Values published in these slices and not seen.
    pub(crate) missed: u64,
    /// Values seen since the beginning; `total_missed` counts the others.
    pub(crate) total_seen: u64,
    pub(crate) total_missed: u64,
}

/// How regularly values are published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Intervals {
    pub(crate) mean: Duration,
    pub(crate) min: Duration,
    pub(crate) max: Duration,
    /// The standard deviation.
    pub(crate) std: Duration,
}

/// Mean and spread of seconds, which can be merged.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: f64,
    mean: f64,
    /// Sum of the squares of distances from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn add(&mut self, seconds: f64) {
        *self = self.merged(Self { count: 1.0, mean: seconds, squares: 0.0, min: seconds, max: seconds });
    }

    fn merged(self, other: Self) -> Self {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * other.count / count,
            squares: self.squares + other.squares + distance * distance * self.count * other.count / count,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    fn intervals(self) -> Option<Intervals> {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let std = || seconds((self.squares / self.count).sqrt());
        let (mean, min, max) = (seconds(self.mean), seconds(self.min), seconds(self.max));
        (self.count > 0.0).then(|| Intervals { mean, min, max, std: std() })
    }
}

impl Counters {
    /// Keeps the last `keep` slices.
    pub(super) fn new(now: Instant, keep: usize) -> Self {
        Self { slices: VecDeque::from([Slice::new(now)]), keep, seen: 0, missed: 0, last: None }
    }

    /// Counts a value that is seen `now`.
    pub(super) fn count(&mut self, now: Instant, bytes: usize, missed: u64, age: Option<Duration>) {
        // An age is as of now, so that this is the time on the writer's clock.
        let written = age.and_then(|age| now.checked_sub(age));
        let before = std::mem::replace(&mut self.last, written);
        let interval = written.zip(before).and_then(|(written, before)| written.checked_duration_since(before));
        self.seen += 1;
        self.missed += missed;
        let Some(slice) = self.slices.back_mut() else { return };
        slice.seen += 1;
        slice.missed += missed;
        slice.bytes += bytes as u64;
        // Where a value was missed, there were two intervals or more.
        if let Some(interval) = interval.filter(|_| missed == 0) {
            slice.intervals.add(interval.as_secs_f64());
        }
        if let (Some(age), Some(ages)) = (age, &mut slice.ages) {
            ages.saturating_record(u64::try_from(age.as_nanos()).unwrap_or(OLDEST).clamp(1, OLDEST));
        }
    }

    /// Begins a new slice, and returns the figures of those before it.
    pub(super) fn turn(&mut self, now: Instant) -> Figures {
        let figures = self.figures(now);
        self.slices.push_back(Slice::new(now));
        while self.slices.len() > self.keep {
            self.slices.pop_front();
        }
        figures
    }

    fn figures(&self, now: Instant) -> Figures {
        let time = self.slices.front().map_or(0.0, |slice| now.saturating_duration_since(slice.start).as_secs_f64());
        let sum = |count: fn(&Slice) -> u64| self.slices.iter().map(count).sum::<u64>();
        let (seen, missed, bytes) = (sum(|slice| slice.seen), sum(|slice| slice.missed), sum(|slice| slice.bytes));
        let per_second = |count: f64| if time > 0.0 { count / time } else { 0.0 };
        let published = (seen + missed) as f64;
        let mean_bytes = if seen > 0 { bytes as f64 / seen as f64 } else { 0.0 };
        let mut slices = self.slices.iter().filter_map(|slice| slice.ages.as_ref());
        let ages = slices.next().cloned().and_then(|mut all| {
            for more in slices {
                all.add(more).ok()?;
            }
            Some(all).filter(|all| !all.is_empty())
        });
        Figures {
            rate: per_second(published),
            bandwidth: per_second(published * mean_bytes),
            ages: ages.map(|all| [0.5, 0.99, 1.0].map(|part| Duration::from_nanos(all.value_at_quantile(part)))),
            intervals: self
                .slices
                .iter()
                .map(|slice| slice.intervals)
                .fold(Spread::default(), Spread::merged)
                .intervals(),
            missed,
            total_seen: self.seen,
            total_missed: self.missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_last_slices() {
        let start = Instant::now();
        let at = |tenths: u64| start + Duration::from_millis(100 * tenths);
        let mut counters = Counters::new(start, 2);
        for age in 1..=100 {
            counters.count(start, 10, u64::from(age == 1), Some(Duration::from_millis(age)));
        }
        let first = counters.turn(at(10));
        assert_eq!((first.rate, first.bandwidth, first.missed), (101.0, 1010.0, 1));
        let [half, most, all] = first.ages.unwrap().map(|age| age.as_secs_f64() * 1e3);
        for (found, expected) in [(half, 50.0), (most, 99.0), (all, 100.0)] {
            assert!((found / expected - 1.0).abs() < 0.02, "{found} ms for {expected}");
        }
        counters.count(start, 30, 0, None);
        let second = counters.turn(at(20));
        assert_eq!((second.rate, second.missed), (51.0, 1));
        let third = counters.turn(at(30));
        assert_eq!((third.rate, third.bandwidth, third.missed, third.ages), (0.5, 15.0, 0, None));
        assert_eq!((third.total_seen, third.total_missed), (101, 1));
    }

    #[test]
    fn intervals_are_between_writes() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut counters = Counters::new(start, 2);
        // Written at 0, 10, 30 and 40 ms, and seen later; then two were missed.
        for (seen, age, missed) in [(5, 5, 3), (30, 20, 0), (30, 0, 0), (41, 1, 0), (100, 0, 2)] {
            let seen = start + Duration::from_millis(seen);
            counters.count(seen, 1, missed, Some(Duration::from_millis(age)));
        }
        let found = counters.turn(start + Duration::from_secs(1)).intervals.unwrap();
        let close = |found: Duration, wanted: f64| (found.as_secs_f64() * 1e3 - wanted).abs() < 1e-3;
        assert!(close(found.min, 10.0) && close(found.max, 20.0) && close(found.mean, 40.0 / 3.0), "{found:?}");
        assert!(close(found.std, (200.0_f64 / 9.0).sqrt()), "{found:?}");
        assert_eq!(counters.turn(start + Duration::from_secs(2)).intervals, Some(found), "over both slices");
        assert_eq!(counters.turn(start + Duration::from_secs(3)).intervals, None);
    }
}
