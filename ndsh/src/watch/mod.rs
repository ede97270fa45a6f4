//! Watching a channel: a thread sees every value it can and counts, the other one looks at some of them and shows it all.

mod dashboard;
mod figures;
mod line;
mod probe;

pub(crate) use dashboard::Dashboard;
pub(crate) use figures::Figures;
pub(crate) use line::{Report, line};
pub(crate) use probe::{Copy, Probe, Sight};
