//! One moment, as a line of text or JSON.

use super::figures::{Figures, Intervals};
use super::probe::Status;
use crate::array::Statistics;
use crate::endpoints::State;
use crate::output::{bandwidth, duration, number, per_second, printable, shape};
use serde::Serialize;

/// Bars of a histogram, from low to high.
const BARS: [char; 8] =
    ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];

/// One moment, for `--json`.
///
/// Fields of `ls --json` have the same name and meaning. Times are in seconds. `None` is for what
/// is unknown, or does not apply to this kind.
#[derive(Serialize)]
pub(crate) struct Moment<'a> {
    name: &'a str,
    /// `absent`, `open`, `closed`, `locked` or `broken`.
    state: &'static str,
    problems: Vec<&'a str>,
    writer: Writer,
    epoch: Option<u64>,
    seq: Option<u64>,
    dtype: Option<String>,
    shape: Option<&'a [usize]>,
    bytes: Option<usize>,
    /// Values per second.
    rate: Option<f64>,
    bytes_per_second: Option<f64>,
    age_p50_seconds: Option<f64>,
    age_p99_seconds: Option<f64>,
    age_max_seconds: Option<f64>,
    interval_mean_seconds: Option<f64>,
    interval_min_seconds: Option<f64>,
    interval_max_seconds: Option<f64>,
    interval_std_seconds: Option<f64>,
    missed: Option<u64>,
    total_seen: Option<u64>,
    total_missed: Option<u64>,
    values: Option<&'a Statistics>,
}

#[derive(Serialize)]
struct Writer {
    /// `None` if the kernel cannot say.
    alive: Option<bool>,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(name: &'a str, status: &'a Status, figures: &Figures, values: Option<&'a Statistics>) -> Self {
        let age = |place: usize| figures.ages.and_then(|ages| ages.get(place).map(std::time::Duration::as_secs_f64));
        let interval =
            |part: fn(Intervals) -> std::time::Duration| figures.intervals.map(|all| part(all).as_secs_f64());
        Self {
            name,
            state: match status.state {
                State::Absent => "absent",
                State::Open => "open",
                State::Closed => "closed",
                State::Locked => "locked",
                State::Broken(_) => "broken",
            },
            problems: if let State::Broken(why) = &status.state { vec![why] } else { Vec::new() },
            writer: Writer { alive: status.writer_alive },
            epoch: status.epoch,
            seq: status.seq,
            dtype: status.array.as_ref().map(|(dtype, ..)| dtype.to_string()),
            shape: status.array.as_ref().map(|(_, shape, _)| shape.as_slice()),
            bytes: status.array.as_ref().map(|(.., bytes)| *bytes),
            rate: status.is_channel.then_some(figures.rate),
            bytes_per_second: status.is_channel.then_some(figures.bandwidth),
            age_p50_seconds: age(0),
            age_p99_seconds: age(1),
            age_max_seconds: age(2),
            interval_mean_seconds: interval(|all| all.mean),
            interval_min_seconds: interval(|all| all.min),
            interval_max_seconds: interval(|all| all.max),
            interval_std_seconds: interval(|all| all.std),
            missed: status.numbered.then_some(figures.missed),
            total_seen: status.is_channel.then_some(figures.total_seen),
            total_missed: status.numbered.then_some(figures.total_missed),
            values,
        }
    }
}

/// Describes the state in a few words.
pub(super) fn standing(status: &Status) -> String {
    match (&status.state, status.writer_alive) {
        (State::Absent, _) => "absent".to_owned(),
        (State::Closed, _) => "closed".to_owned(),
        (State::Locked, _) => "locked by a writer".to_owned(),
        (State::Broken(why), _) => why.clone(),
        (State::Open, Some(false)) => "writer dead".to_owned(),
        (State::Open, Some(true)) => "live".to_owned(),
        (State::Open, None) => "open".to_owned(),
    }
}

/// Formats one moment as a line, with the same parts in the same order.
pub(crate) fn line(name: &str, status: &Status, figures: &Figures, values: Option<&Statistics>) -> String {
    let mut parts = vec![printable(name).into_owned(), standing(status)];
    parts.extend(status.seq.map(|seq| format!("#{seq}")));
    parts.extend(status.array.as_ref().map(|(dtype, axes, _)| format!("{dtype} {}", shape(axes))));
    if status.is_channel {
        parts.extend([per_second(figures.rate), bandwidth(figures.bandwidth)]);
    }
    parts.extend(figures.intervals.map(jitter));
    if let Some([half, most, _]) = figures.ages {
        parts.push(format!("age p50 {} p99 {}", duration(half), duration(most)));
    }
    if status.numbered && status.is_channel {
        parts.push(format!("missed {}", figures.missed));
    }
    if let Some(values) = values {
        parts.push(summary(values));
        parts.push(spark(&values.histogram));
    }
    parts.join("  ").trim_end().to_owned()
}

/// Formats intervals: `every 33.1ms to 34.0ms, std 120.0us`.
pub(super) fn jitter(intervals: Intervals) -> String {
    let [min, max, std] = [intervals.min, intervals.max, intervals.std].map(duration);
    format!("every {min} to {max}, std {std}")
}

/// Formats figures: `min 0  max 255  mean 127.5  std 73.9`, and counts of `nan` and `inf`.
pub(super) fn summary(values: &Statistics) -> String {
    let mut parts = Vec::new();
    for (title, value) in [("min", values.min), ("max", values.max), ("mean", values.mean), ("std", values.std)] {
        parts.extend(value.map(|value| format!("{title} {}", number(value))));
    }
    for (title, count) in [("nan", values.nan), ("inf", values.infinite)] {
        if count > 0 {
            parts.push(format!("{title} {count}"));
        }
    }
    if values.count == 0 {
        parts.push("empty".to_owned());
    }
    parts.join("  ")
}

/// Formats a histogram in a few characters.
fn spark(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0);
    let bar = |count: u64| {
        if count == 0 {
            return ' ';
        }
        // Even a count of one gets the lowest bar.
        let step = u128::from(count) * (BARS.len() as u128 - 1) / u128::from(most.max(1));
        usize::try_from(step).ok().and_then(|step| BARS.get(step)).copied().unwrap_or(' ')
    };
    format!("|{}|", counts.iter().copied().map(bar).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        assert_eq!(spark(&[0, 1, 50, 100]), "| \u{2581}\u{2584}\u{2588}|");
        assert_eq!(spark(&[]), "||");
    }
}
