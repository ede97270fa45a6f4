//! One line of what `ndsh doctor` finds.

use serde::Serialize;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Good,
    /// Works, but may not be what the user wants.
    Mind,
    /// Does not work.
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// One sentence; `null` where there is nothing to do.
    pub(super) advice: Option<String>,
}

impl Check {
    pub(super) fn good(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Good, found: found.into(), advice: None }
    }

    pub(super) fn mind(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Mind, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn bad(what: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Bad, found: found.into(), advice: Some(advice.into()) }
    }
}
