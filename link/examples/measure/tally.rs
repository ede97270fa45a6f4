//! What has arrived on one way, round by round.

use crate::value::{NO_ROUND, SMALL, head, is_torn, now};
use std::time::Instant;

/// Values of one size in one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    pub(crate) ages: Vec<u64>,
    pub(crate) bytes: u64,
    /// Values that the sender sent between two that have arrived.
    pub(crate) missed: u64,
    pub(crate) longest_gap: f64,
    span: Option<(Instant, Instant)>,
}

impl Round {
    /// Millionths of bytes a second. The first value's bytes came before the clock began.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.span.map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        let mean = self.bytes as f64 / self.ages.len().max(1) as f64;
        if seconds > 0.0 { (self.bytes as f64 - mean) / seconds / 1e6 } else { 0.0 }
    }

    /// Milliseconds which so many of a hundred values were not above.
    pub(crate) fn age(&self, part: usize) -> f64 {
        let mut ages = self.ages.clone();
        ages.sort_unstable();
        ages.get(ages.len() * part / 100).map_or(f64::NAN, |&age| age as f64 / 1e6)
    }
}

/// All rounds of one size on one way.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) rounds: Vec<Round>,
    pub(crate) torn: u64,
    pub(crate) last: u64,
}

impl Tally {
    pub(crate) fn new(rounds: usize) -> Self {
        Self { rounds: vec![Round::default(); rounds], torn: 0, last: 0 }
    }

    pub(crate) fn take(&mut self, value: &[u8]) {
        let arrived = now();
        let Some(head) = head(value).filter(|head| head.round != NO_ROUND) else { return };
        self.torn += u64::from(is_torn(value, head.number));
        let Some(round) = self.rounds.get_mut(head.round as usize) else { return };
        round.missed += head.number.saturating_sub(self.last + 1);
        self.last = self.last.max(head.number);
        round.ages.push(arrived.saturating_sub(head.sent));
        round.bytes += value.len() as u64;
        let instant = Instant::now();
        let (first, before) = round.span.unwrap_or((instant, instant));
        round.longest_gap = round.longest_gap.max((instant - before).as_secs_f64());
        round.span = Some((first, instant));
    }

    pub(crate) fn count(&self) -> usize {
        self.rounds.iter().map(|round| round.ages.len()).sum()
    }

    pub(crate) fn missed(&self) -> u64 {
        self.rounds.iter().map(|round| round.missed).sum()
    }
}

/// The two sizes on one way.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub(crate) bulk: Tally,
    pub(crate) small: Tally,
}

impl Both {
    pub(crate) fn new(rounds: usize) -> Self {
        Self { bulk: Tally::new(rounds), small: Tally::new(rounds) }
    }

    pub(crate) fn take(&mut self, value: &[u8]) {
        if value.len() == SMALL { self.small.take(value) } else { self.bulk.take(value) }
    }
}

/// The middle one of some figures.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.filter(|figure| figure.is_finite()).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
