//! What ndsharray set out to reach, and whether this run saw it.

use super::stats::Spread;
use super::table::Table;

/// One goal with the figure it was held against. Met means: the median is within the limit.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) limit: String,
    pub(crate) found: String,
    pub(crate) met: bool,
}

impl Goal {
    /// `figure`'s median must not exceed `limit`; `show` gives both their unit.
    pub(crate) fn at_most(what: impl Into<String>, figure: Spread, limit: f64, show: impl Fn(f64) -> String) -> Self {
        Self {
            what: what.into(),
            limit: format!("≤ {}", show(limit)),
            found: format!("{} ({}..{})", show(figure.median), show(figure.min), show(figure.max)),
            met: figure.median <= limit,
        }
    }

    /// `figure`'s median must reach `limit`.
    pub(crate) fn at_least(what: impl Into<String>, figure: Spread, limit: f64, show: impl Fn(f64) -> String) -> Self {
        Self {
            what: what.into(),
            limit: format!("≥ {}", show(limit)),
            found: format!("{} ({}..{})", show(figure.median), show(figure.min), show(figure.max)),
            met: figure.median >= limit,
        }
    }
}

/// All goals of a run in one table.
pub(crate) fn table(goals: &[Goal]) -> Table {
    let mut table = Table::new("Goals", &["goal", "limit", "found: median (min..max)", "met"]);
    for goal in goals {
        let met = if goal.met { "yes" } else { "**no**" };
        table.row(vec![goal.what.clone(), goal.limit.clone(), goal.found.clone(), met.into()]);
    }
    table
}
