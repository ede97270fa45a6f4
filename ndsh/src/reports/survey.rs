//! All channels and arrays of a directory, at one moment.

use super::processes::tag_mappers;
use super::rate::{Observation, values_per_second};
use super::summary::Summary;
use crate::failure::{Failure, Result};
use ndsharray::inspect::Kind;
use ndsharray::{Error, Options};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Instant;

/// A pattern for names, as a shell has them: `cam*`, `?`, `[ab]`.
#[derive(Clone, Debug)]
pub(crate) struct NamePattern(glob::Pattern);

impl NamePattern {
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        glob::Pattern::new(text).map(Self).map_err(|error| error.msg.to_owned())
    }
}

/// What was there, and when each was looked at.
pub(crate) struct Survey(Vec<Observation>);

impl Survey {
    /// Looks at all whose names match.
    pub(crate) fn take(options: &Options, patterns: &[NamePattern]) -> Result<Self> {
        // Each report is of its own moment.
        let reports = options.survey(|listed| matches(patterns, &listed.name)).map_err(cannot_list)?;
        let reports = reports.map(|report| Ok((Instant::now(), report?)));
        Ok(Self(reports.collect::<ndsharray::Result<_>>()?))
    }

    /// Whether there are channels, whose values have numbers and so a rate.
    pub(crate) fn has_channels(&self) -> bool {
        self.0.iter().any(|(_, report)| report.kind == Kind::Channel)
    }

    /// Describes each, with the rates since an earlier survey.
    pub(crate) fn summaries(&self, before: Option<&Self>) -> Vec<Summary> {
        let earlier: BTreeMap<_, _> = before
            .into_iter()
            .flat_map(|before| &before.0)
            .map(|look| ((look.1.name.as_str(), look.1.kind), look))
            .collect();
        let mappers = tag_mappers(self.0.iter().map(|(_, report)| report));
        let summary = |look: &Observation| {
            let before = earlier.get(&(look.1.name.as_str(), look.1.kind));
            let rate = before.and_then(|before| values_per_second(before, look));
            Summary::new(&look.1, rate, mappers.get(&look.1.name).map_or(&[], Vec::as_slice))
        };
        self.0.iter().map(summary).collect()
    }
}

/// Lists the names that match a pattern, or all without one, with their kinds.
pub(crate) fn names(options: &Options, patterns: &[NamePattern]) -> Result<Vec<(String, Kind)>> {
    let listed = options.list().map_err(cannot_list)?;
    let listed = listed.into_iter().map(|found| (found.name, found.kind));
    Ok(listed.filter(|(name, _)| matches(patterns, name)).collect())
}

fn matches(patterns: &[NamePattern], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
}

fn cannot_list(error: Error) -> Failure {
    Failure::from(error).context("cannot list the directory")
}
