//! The list of all channels, made once for all viewers.

use super::bell::Bell;
use crate::args::Globals;
use crate::output::printable;
use crate::reports::{NamePattern, Summary, Survey};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between two looks, if a look is quick.
const PACE: Duration = Duration::from_secs(1);
/// Time to the second look, which has the first rates.
const FIRST: Duration = Duration::from_millis(250);
/// A look may take this part of the time.
const SHARE: u32 = 10;
/// Longest time between two looks, also on a machine where each takes long.
const LONGEST: Duration = Duration::from_secs(5);

/// The list, and the viewers that wait for the next one.
#[derive(Default)]
pub(super) struct List {
    bell: Bell,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    latest: Option<Arc<str>>,
    viewers: Vec<Arc<Bell>>,
    is_running: bool,
}

/// A line of the list. The page relies on the names, which are those of `ndsh ls --json`.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    summary: Summary,
    /// The name with escapes for what hides or turns around.
    label: String,
    bandwidth: Option<f64>,
    note: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message {
    List { directory: String, channels: Vec<Line> },
    Trouble { message: String },
}

impl List {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a viewer; returns whether the list needs a thread.
    pub(super) fn add(&self, viewer: &Arc<Bell>) -> bool {
        let mut shared = self.lock();
        shared.viewers.push(Arc::clone(viewer));
        !std::mem::replace(&mut shared.is_running, true)
    }

    pub(super) fn remove(&self, viewer: &Arc<Bell>) {
        self.lock().viewers.retain(|other| !Arc::ptr_eq(other, viewer));
        self.bell.ring();
    }

    /// Says that there is no thread after all.
    pub(super) fn stopped(&self) {
        self.lock().is_running = false;
    }

    pub(super) fn latest(&self) -> Option<Arc<str>> {
        self.lock().latest.clone()
    }

    /// Looks at the directory until the last viewer has gone.
    pub(super) fn run(&self, globals: &Globals, patterns: &[NamePattern], is_over: impl Fn() -> bool) {
        let options = globals.options();
        let directory = printable(&options.directory().to_string_lossy()).into_owned();
        let mut before: Option<Survey> = None;
        loop {
            let start = Instant::now();
            let mut pause = PACE;
            let message = match Survey::take(&options, patterns) {
                Ok(survey) => {
                    let summaries = survey.summaries(before.as_ref());
                    if before.replace(survey).is_none() {
                        pause = FIRST;
                    }
                    let channels = summaries.into_iter().map(Line::of).collect();
                    Message::List { directory: directory.clone(), channels }
                }
                Err(failure) => Message::Trouble { message: printable(&failure.to_string()).into_owned() },
            };
            let text = serde_json::to_string(&message).unwrap_or_default();
            {
                let mut shared = self.lock();
                shared.latest = Some(text.into());
                shared.viewers.iter().for_each(|viewer| viewer.ring());
            }
            let end = Instant::now() + pause.max((start.elapsed() * SHARE).min(LONGEST));
            loop {
                let rings = self.bell.rings();
                {
                    let mut shared = self.lock();
                    if shared.viewers.is_empty() || is_over() {
                        // The next viewer gets what is true then.
                        *shared = Shared::default();
                        return;
                    }
                }
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                self.bell.wait(rings, left);
            }
        }
    }

    /// Wakes its thread, to end.
    pub(super) fn wake(&self) {
        self.bell.ring();
    }
}

impl Line {
    fn of(summary: Summary) -> Self {
        let label = printable(&summary.name).into_owned();
        let (bandwidth, note) = (summary.bandwidth(), summary.note());
        Self { summary, label, bandwidth, note }
    }
}
