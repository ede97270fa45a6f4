//! What a bridge tells of itself.

use std::collections::BTreeMap;

/// Which way a channel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To other hosts.
    Out,
    /// From another host.
    In,
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No party wants it: nothing travels.
    Idle,
    /// Values travel as they are written.
    Live,
    /// Its host cannot be reached, or has withdrawn it.
    Gone,
}

/// One channel in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReport {
    /// Which way.
    pub direction: Direction,
    /// The host that has its writer.
    pub host: String,
    /// Its name there.
    pub channel: String,
    /// Its name here.
    pub local: String,
    /// How it stands.
    pub state: State,
    /// Hosts that want it, of a channel that goes out.
    pub receivers: Vec<String>,
    /// Values carried since the bridge was started; one that goes to two hosts counts twice.
    pub values: u64,
    /// Bytes of their elements.
    pub bytes: u64,
    /// The number of the last one; 0 before the first.
    pub number: u64,
    /// Its age when it was carried, in nanoseconds, by the clocks of both hosts.
    pub age_ns: Option<i64>,
    /// Values that were not carried, by reason.
    pub drops: BTreeMap<&'static str, u64>,
    /// What is in the way.
    pub problem: Option<String>,
}

/// An age below this is no age: the clocks of the two hosts differ.
const SKEW_NS: i64 = -1_000_000;

impl ChannelReport {
    /// Whether the age shows that the clocks of the two hosts differ.
    #[must_use]
    pub fn is_skewed(&self) -> bool {
        self.age_ns.is_some_and(|age| age < SKEW_NS)
    }
}

/// A bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What it is called.
    pub id: String,
    /// Its channels: those that go out first, each by name.
    pub channels: Vec<ChannelReport>,
    /// Hosts that offer something.
    pub hosts: Vec<String>,
    /// What is wrong with the bridge as a whole.
    pub problems: Vec<String>,
}
