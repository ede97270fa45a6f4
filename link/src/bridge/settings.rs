//! What a bridge does.

use crate::names::{ChannelPattern, Renames, any_matches};
use ndsharray::Options;
use std::time::Duration;

/// The most channels that all other hosts together may offer.
const MAX_CHANNELS: usize = 1 << 15;
/// Descriptors that are left for all else: connections, and the channels that go out.
const OTHER_DESCRIPTORS: usize = 256;

/// As many channels as there are descriptors for, which are two for each, where the system says so.
fn by_descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit: Option<usize> = open_files.and_then(|line| line.split_whitespace().next()?.parse().ok());
    limit.map_or(MAX_CHANNELS, |limit| (limit.saturating_sub(OTHER_DESCRIPTORS) / 2).clamp(64, MAX_CHANNELS))
}

/// What a bridge does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What other hosts call this one.
    pub id: String,
    /// Where the channels lie, and how local ones are made.
    pub options: Options,
    /// Channels that are exported and imported; none means all.
    pub allow: Vec<ChannelPattern>,
    /// Channels that are not, even so.
    pub deny: Vec<ChannelPattern>,
    /// Channels that are imported without a local reader in the table.
    pub import: Vec<ChannelPattern>,
    /// Channels whose values all travel, in order.
    pub in_order: Vec<ChannelPattern>,
    /// The most values a second, of channels that go out.
    pub max_rate: Vec<(ChannelPattern, f64)>,
    /// What imported channels are called.
    pub renames: Renames,
    /// The largest value that is taken, in bytes.
    pub max_bytes: u64,
    /// The most channels of other hosts that get a local one.
    pub max_channels: usize,
    /// How many values an import in order keeps.
    pub history: usize,
    /// How long a local channel outlives its host's connection, and a wish its last reader.
    pub linger: Duration,
}

impl Settings {
    /// The defaults, for a bridge called `id`.
    #[must_use]
    pub fn new(id: impl Into<String>, options: Options) -> Self {
        Self {
            id: id.into(),
            options,
            allow: Vec::new(),
            deny: Vec::new(),
            import: Vec::new(),
            in_order: Vec::new(),
            max_rate: Vec::new(),
            renames: Renames::default(),
            max_bytes: 1 << 30,
            max_channels: by_descriptors(),
            history: 8,
            linger: Duration::from_secs(5),
        }
    }

    pub(super) fn allows(&self, host: &str, channel: &str) -> bool {
        (self.allow.is_empty() || any_matches(&self.allow, host, channel)) && !any_matches(&self.deny, host, channel)
    }

    /// The least time between two values of a channel that goes out.
    pub(super) fn interval(&self, channel: &str) -> Option<Duration> {
        let (_, rate) = self.max_rate.iter().find(|(pattern, _)| pattern.matches(&self.id, channel))?;
        Duration::try_from_secs_f64(1.0 / rate).ok()
    }
}
