//! How many values a channel gets in a second.

use ndsharray::inspect::{Kind, Report};
use std::time::Instant;

/// A report, and when it was made.
pub(crate) type Observation = (Instant, Report);

/// Values a second between two reports of one channel.
///
/// `None` for arrays and Python's channels, whose values have no numbers.
pub(crate) fn values_per_second(before: &Observation, after: &Observation) -> Option<f64> {
    if after.1.kind != Kind::Channel || !after.1.is_readable() {
        return None;
    }
    let seconds = after.0.duration_since(before.0).as_secs_f64();
    // A channel without a value has published none.
    let seq = |one: &Observation| one.1.value.as_ref().and_then(|value| value.seq).unwrap_or(0);
    let values = seq(after).checked_sub(seq(before))?;
    #[allow(clippy::cast_precision_loss, reason = "a rate is no count")]
    (seconds > 0.0).then(|| values as f64 / seconds)
}
