//! Times contenders against each other: in rounds, one after the other within each.

use std::time::Duration;

use anyhow::{Context, Result};

use super::clock::thread_time;
use super::stats::Spread;

/// One contender at the start line: something that does its operation a given number of times.
pub(crate) struct Subject {
    pub(crate) name: String,
    run: Box<dyn FnMut(u64) -> Result<()>>,
}

impl Subject {
    /// `run` loops by itself, so that the loop is compiled together with the operation and the
    /// indirect call is paid once a sample.
    pub(crate) fn new(name: impl Into<String>, run: impl FnMut(u64) -> Result<()> + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    fn time(&mut self, count: u64) -> Result<Duration> {
        let start = thread_time()?;
        (self.run)(count).with_context(|| format!("while timing {}", self.name))?;
        Ok(thread_time()?.saturating_sub(start))
    }

    /// How many operations fill `budget`. Warms up caches, page tables and connections on the way.
    fn calibrate(&mut self, budget: Duration) -> Result<u64> {
        let mut count = 1;
        loop {
            let took = self.time(count)?;
            if took >= budget / 4 {
                let scale = budget.as_secs_f64() / took.as_secs_f64();
                return Ok(((count as f64 * scale) as u64).max(MIN_COUNT));
            }
            count *= 2;
        }
    }
}

/// Even the slowest operation is done a few times a sample: buffers take turns, and each should get one.
const MIN_COUNT: u64 = 4;

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
    /// Who takes part: those whose names contain one of these; everybody when there are none.
    pub(crate) who: &'a [String],
}

impl Pace<'_> {
    pub(crate) fn admits(&self, name: &str) -> bool {
        self.who.is_empty() || self.who.iter().any(|who| name.contains(who))
    }
}

/// Runs all subjects once a round. Each round starts with another one, so that nobody always
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
