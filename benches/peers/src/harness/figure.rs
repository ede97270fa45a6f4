//! Figures for plots and for the summary: what was measured, of which size, for which library.

use super::race::Series;
use super::stats::Spread;

/// One figure.
pub(crate) struct Figure {
    /// The measurement it belongs to.
    pub(crate) what: &'static str,
    /// Bytes of a value, or whatever else the measurement varies.
    pub(crate) at: usize,
    pub(crate) contender: String,
    /// Nanoseconds, unless the measurement says otherwise.
    pub(crate) value: Spread,
    /// The same, divided by ours of the same round.
    pub(crate) times_ours: Option<Spread>,
}

/// The figures of a race.
pub(crate) fn of_race(what: &'static str, at: usize, series: &[Series], ours: &str) -> Vec<Figure> {
    let base = super::race::find(series, ours);
    let figure = |each: &Series| Figure {
        what,
        at,
        contender: each.name.clone(),
        value: each.spread(),
        times_ours: base.map(|base| each.ratio_to(base)),
    };
    series.iter().map(figure).collect()
}
