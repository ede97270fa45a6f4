//! One thread for each channel on display: it copies a value when a viewer wants one.
//!
//! A slow viewer wants nothing, so it costs neither the writer nor this thread anything. No value
//! is held beyond the copy, so a viewer that stops in the middle of a picture holds no slot.

use super::bell::Bell;
use super::frame::Frame;
use super::subject::Subject;
use super::value::Kept;
use crate::args::Globals;
use crate::endpoints::{Follower, Source, State, Value, Which};
use crate::failure::Result;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time between two looks at the writer and at the viewers.
const TICK: Duration = Duration::from_millis(100);
/// Shortest time between two copies: screens show no more.
const PACE: Duration = Duration::from_millis(15);
/// Time after which an array is sent again that has not changed.
const REPEAT: Duration = Duration::from_secs(1);

/// A channel or array on display.
pub(super) struct Feed {
    pub(super) subject: Subject,
    /// Rings when a viewer wants a value, or is the first one or the last.
    bell: Bell,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    latest: Option<Arc<Frame>>,
    status: Arc<Status>,
    /// Viewers ring when there is news.
    viewers: Vec<Arc<Bell>>,
    is_wanted: bool,
}

/// How it is with the channel. The page relies on the names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Status {
    /// `absent`, `open`, `closed`, `locked` or `broken`.
    pub(super) state: &'static str,
    message: Option<String>,
    writer_alive: Option<bool>,
}

impl Feed {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, bell: Bell::default(), shared: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Each change is a single assignment.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, viewer: &Arc<Bell>) {
        self.lock().viewers.push(Arc::clone(viewer));
        self.bell.ring();
    }

    pub(super) fn remove(&self, viewer: &Arc<Bell>) {
        self.lock().viewers.retain(|other| !Arc::ptr_eq(other, viewer));
        self.bell.ring();
    }

    pub(super) fn has_viewers(&self) -> bool {
        !self.lock().viewers.is_empty()
    }

    /// The latest value, if it is newer than the one with this number; else one is wanted.
    pub(super) fn newer(&self, number: u64) -> Option<Arc<Frame>> {
        let mut shared = self.lock();
        let newer = shared.latest.as_ref().filter(|latest| latest.value.number > number).map(Arc::clone);
        if newer.is_none() && !std::mem::replace(&mut shared.is_wanted, true) {
            drop(shared);
            self.bell.ring();
        }
        newer
    }

    pub(super) fn status(&self) -> Arc<Status> {
        Arc::clone(&self.lock().status)
    }

    /// Reads the channel while it is to go on.
    pub(super) fn run(&self, globals: &Globals, goes_on: impl Fn() -> bool) {
        let which = Which { kind: Some(self.subject.kind()), raw: None, records: true };
        let mut follower = Follower::new(globals, &self.subject.name, which);
        let mut reading = Reading { number: 0, next: Instant::now(), figures: Instant::now() };
        // Why the last value could not be copied.
        let mut trouble: Option<String> = None;
        while goes_on() {
            let rings = self.bell.rings();
            let pause = reading.next.saturating_duration_since(Instant::now());
            if !self.lock().is_wanted || !pause.is_zero() {
                let wait = if pause.is_zero() { TICK } else { pause };
                self.bell.wait(rings, wait);
                self.note(status(&follower, trouble.as_ref()));
                continue;
            }
            let latest = self.lock().latest.clone();
            let copied = follower.poll(TICK, |value| reading.copy(&value, latest.as_ref().map(|latest| &latest.value)));
            match copied.and_then(Option::transpose) {
                Ok(news) => {
                    trouble = None;
                    let status = status(&follower, None);
                    match news.flatten() {
                        Some(kept) => self.publish(kept, status),
                        None => self.note(status),
                    }
                }
                Err(failure) => {
                    trouble = Some(failure.to_string());
                    self.note(status(&follower, trouble.as_ref()));
                    reading.next = Instant::now() + TICK;
                }
            }
        }
    }

    fn publish(&self, kept: Kept, status: Status) {
        let mut shared = self.lock();
        shared.latest = Some(Arc::new(Frame::new(kept)));
        shared.is_wanted = false;
        if *shared.status != status {
            shared.status = Arc::new(status);
        }
        shared.viewers.iter().for_each(|viewer| viewer.ring());
    }

    fn note(&self, status: Status) {
        let mut shared = self.lock();
        if *shared.status != status {
            shared.status = Arc::new(status);
            shared.viewers.iter().for_each(|viewer| viewer.ring());
        }
    }
}

/// The reading thread's memory.
struct Reading {
    /// Of the last copy.
    number: u64,
    /// When to copy the next value at the earliest.
    next: Instant,
    /// When to compute the next figures at the earliest.
    figures: Instant,
}

impl Reading {
    /// Copies a value; `None` if an array has not changed.
    fn copy(&mut self, value: &Value<'_>, latest: Option<&Kept>) -> Result<Option<Kept>> {
        let now = Instant::now();
        let since = now.saturating_duration_since(self.next);
        if value.seq.is_none() && since < REPEAT && latest.is_some_and(|latest| latest.is_like(value.array)) {
            return Ok(None);
        }
        // Figures may take a fifth of the time.
        if let Some(cost) = latest.and_then(Kept::cost) {
            self.figures = self.figures.max(now + cost * 4 - PACE.min(cost * 4));
        }
        let has_figures = now >= self.figures;
        let kept = Kept::copy(value, self.number + 1, has_figures)?;
        self.number += 1;
        self.next = now + PACE;
        Ok(Some(kept))
    }
}

fn status(follower: &Follower<'_>, trouble: Option<&String>) -> Status {
    let source = follower.source();
    let writer_alive = source.and_then(Source::is_writer_alive);
    let (state, message) = match (trouble, follower.state()) {
        (Some(message), _) | (None, State::Broken(message)) => ("broken", Some(message.clone())),
        (None, State::Absent) => ("absent", None),
        (None, State::Open) => ("open", None),
        (None, State::Closed) => ("closed", None),
        (None, State::Locked) => ("locked", None),
    };
    Status { state, message, writer_alive }
}
