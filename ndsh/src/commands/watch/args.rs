//! The arguments of `ndsh watch`.

use crate::args::KindArg;
use crate::args::seconds::parse_interval;
use crate::complete::names;
use clap_complete::ArgValueCompleter;
use std::time::Duration;

/// Slices of an interval; the screen is drawn anew in each.
pub(super) const SLICES: u32 = 4;

/// Show live figures: rate, age, missed values, bandwidth, and the range of the elements
///
/// On a terminal it takes the screen, and draws it four times an interval. Otherwise it prints a
/// line for each interval and name. Several names share the screen, a line each. It waits for a
/// channel that does not exist yet, and continues with the next writer when one closes the channel
/// or dies. Age is the time from a value's publication until this program sees it. Intervals are
/// the times between two values, with their standard deviation: how regularly the writer publishes.
/// Missed are values that this program did not see; other readers may have seen them. The figures
/// over all elements are of one value at a time. They leave out NaN and infinities, and count
/// complex numbers by their absolute values.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channels or shared arrays
    #[arg(required = true, value_name = "NAME", add = ArgValueCompleter::new(names))]
    pub(in crate::commands) names: Vec<String>,
    /// Kind, if several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    pub(super) kind: Option<KindArg>,
    /// Time over which rate, ages and missed are measured
    #[arg(long, short = 'n', value_name = "SECONDS", default_value = "1", value_parser = parse_interval)]
    pub(super) interval: Duration,
    /// End after N lines for each name
    #[arg(long, value_name = "N")]
    pub(super) count: Option<u64>,
    /// Print a JSON object a line, also on a terminal
    #[arg(long)]
    pub(super) json: bool,
    /// Print lines, also on a terminal
    #[arg(long)]
    pub(super) plain: bool,
}
