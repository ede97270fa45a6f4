//! A reader's link to its watcher.

use super::watch::{Arming, Watch};
use super::watcher::{self, Watcher};
use crate::sys::Home;
use std::io;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

/// Empty until the reader is watched for the first time.
#[derive(Default)]
pub(crate) struct Link(OnceLock<Made>);

struct Made {
    watcher: Arc<Watcher>,
    watch: Arc<Watch>,
    home: Home,
}

impl Link {
    /// The watch, if the reader has been watched, and in this process.
    pub(crate) fn get(&self) -> Option<&Watch> {
        self.0.get().filter(|made| made.home.is_here()).map(|made| &*made.watch)
    }

    /// The watch; finds a watcher for it if it is the first.
    pub(super) fn make(&self) -> io::Result<&Watch> {
        if self.0.get().is_none() {
            let (watcher, watch) = watcher::watch()?;
            // Another thread may have been quicker; then the new one is forgotten.
            drop(self.0.set(Made { watcher, watch, home: Home::here() }));
        }
        self.0.get().map(|made| &*made.watch).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Arms the watch for a task; `false` if there is something new already.
    pub(super) fn arm(&self, from: &Arming<'_>, waker: &Waker) -> bool {
        let Some(made) = self.0.get() else { return false };
        let waker = waker.clone();
        let mut watched = made.watch.lock();
        let before = watched.replace_waker(waker);
        let is_armed = watched.arm(from);
        // What drops with a task may have locks of its own.
        drop(watched);
        drop(before);
        if is_armed {
            made.watcher.ring();
        }
        is_armed
    }

    /// Has the watcher look, after the watch was armed under its lock.
    #[cfg(unix)]
    pub(super) fn ring(&self) {
        if let Some(made) = self.0.get() {
            made.watcher.ring();
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.home.is_here() {
            self.watch.disarm();
            self.watcher.forget(&self.watch);
        } else {
            // Its parent's watcher is not here.
            self.watch.disarm_forked();
        }
    }
}
