//! Times contenders against each other: in rounds, one after the other within each.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::clock::thread_time;
use super::stats::Spread;

/// One contender at the start line: something that does its operation a given number of times and
/// says how long that took.
pub(crate) struct Subject {
    pub(crate) name: String,
    time: Box<dyn FnMut(u64) -> Result<Duration>>,
}

impl Subject {
    /// `run` loops by itself, so that the loop is compiled together with the operation and the
    /// indirect call is paid once a sample. All of it is timed.
    pub(crate) fn new(name: impl Into<String>, mut run: impl FnMut(u64) -> Result<()> + 'static) -> Self {
        Self::timed(name, move |count| {
            let start = thread_time()?;
            run(count)?;
            Ok(thread_time()?.saturating_sub(start))
        })
    }

    /// `time` takes the time itself: because it runs in another process, or prepares what is not to
    /// be counted.
    pub(crate) fn timed(name: impl Into<String>, time: impl FnMut(u64) -> Result<Duration> + 'static) -> Self {
        Self { name: name.into(), time: Box::new(time) }
    }

    fn time(&mut self, count: u64) -> Result<Duration> {
        (self.time)(count).with_context(|| format!("while timing {}", self.name))
    }

    /// How many operations fill `budget`. Warms up caches, page tables and connections on the way.
    ///
    /// What is prepared and not counted may take longer than what is counted; the real time has a
    /// budget too, a larger one.
    fn calibrate(&mut self, budget: Duration) -> Result<u64> {
        let mut count = 1;
        loop {
            // The best of three, as an interruption would pass for slowness.
            let mut took = Duration::MAX;
            for _ in 0..3 {
                if took >= budget / 4 {
                    let begin = Instant::now();
                    took = took.min(self.time(count)?.max(begin.elapsed() / PREPARATION));
                }
            }
            if took >= budget / 4 {
                let scale = budget.as_secs_f64() / took.as_secs_f64();
                return Ok(((count as f64 * scale) as u64).max(MIN_COUNT));
            }
            count *= 2;
        }
    }
}

/// Even the slowest operation is done a few times a sample: buffers take turns, and each should get
/// one.
const MIN_COUNT: u64 = 4;

/// How many times as long as its sample a subject may take in all.
const PREPARATION: u32 = 4;

/// What one contender needed, in nanoseconds an operation: one entry a round.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) nanos: Vec<f64>,
}

impl Series {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.nanos)
    }

    pub(crate) fn ratio_to(&self, other: &Series) -> Spread {
        Spread::of_ratios(&self.nanos, &other.nanos)
    }
}

/// How a race is run.
pub(crate) struct Pace<'a> {
    pub(crate) rounds: usize,
    /// The time that one sample should take.
    pub(crate) sample: Duration,
    /// The subjects whose names contain one of these; all when there are none.
    pub(crate) who: &'a [String],
}

impl Pace<'_> {
    pub(crate) fn admits(&self, name: &str) -> bool {
        self.who.is_empty() || self.who.iter().any(|who| name.contains(who))
    }
}

/// Runs all subjects once a round. Each round starts with another one, so that none always
/// follows the same neighbour's cold caches.
pub(crate) fn race(mut subjects: Vec<Subject>, pace: &Pace<'_>) -> Result<Vec<Series>> {
    subjects.retain(|subject| pace.admits(&subject.name));
    let mut counts = Vec::with_capacity(subjects.len());
    for subject in &mut subjects {
        counts.push(subject.calibrate(pace.sample)?);
    }
    let mut series: Vec<Series> = subjects
        .iter()
        .map(|subject| Series { name: subject.name.clone(), nanos: Vec::with_capacity(pace.rounds) })
        .collect();
    for round in 0..pace.rounds {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            let took = subjects[index].time(counts[index])?;
            series[index].nanos.push(took.as_nanos() as f64 / counts[index] as f64);
        }
    }
    Ok(series)
}

/// The series of the contender called `name`, if it took part.
pub(crate) fn find<'a>(series: &'a [Series], name: &str) -> Option<&'a Series> {
    series.iter().find(|series| series.name == name)
}
