//! What all connections share.

use super::bell::Bell;
use super::feed::Feed;
use super::list::List;
use super::subject::Subject;
use crate::args::Globals;
use crate::reports::NamePattern;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// The channels on display, and the list.
pub(super) struct Hub {
    globals: Globals,
    patterns: Vec<NamePattern>,
    pub(super) list: List,
    feeds: Mutex<BTreeMap<Subject, Arc<Feed>>>,
    is_over: AtomicBool,
}

impl Hub {
    pub(super) fn new(globals: &Globals, patterns: &[NamePattern]) -> Self {
        let Globals { dir, any_owner, color } = globals;
        Self {
            globals: Globals { dir: dir.clone(), any_owner: *any_owner, color: *color },
            patterns: patterns.to_vec(),
            list: List::default(),
            feeds: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    fn feeds(&self) -> MutexGuard<'_, BTreeMap<Subject, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the names to show include this one.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// Adds a viewer to a feed, which begins with its first one.
    pub(super) fn view(self: &Arc<Self>, subject: Subject, viewer: &Arc<Bell>) -> io::Result<Arc<Feed>> {
        let mut feeds = self.feeds();
        if let Some(feed) = feeds.get(&subject) {
            feed.add(viewer);
            return Ok(Arc::clone(feed));
        }
        let feed = Arc::new(Feed::new(subject.clone()));
        feed.add(viewer);
        let (hub, own) = (Arc::clone(self), Arc::clone(&feed));
        // It waits for the lock before it looks for viewers.
        Builder::new().name("feed".to_owned()).spawn(move || own.run(&hub.globals, || hub.keeps(&own)))?;
        feeds.insert(subject, Arc::clone(&feed));
        Ok(feed)
    }

    /// Adds a viewer to the list.
    pub(super) fn view_list(self: &Arc<Self>, viewer: &Arc<Bell>) -> io::Result<()> {
        if self.list.add(viewer) {
            let hub = Arc::clone(self);
            let spawned = Builder::new().name("list".to_owned()).spawn(move || {
                hub.list.run(&hub.globals, &hub.patterns, || hub.is_over());
            });
            if let Err(error) = spawned {
                self.list.stopped();
                self.list.remove(viewer);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a feed goes on; else it is forgotten.
    fn keeps(&self, feed: &Feed) -> bool {
        // Viewers are added under this lock, so none comes to a feed that ends.
        let mut feeds = self.feeds();
        let goes_on = feed.has_viewers() && !self.is_over();
        if !goes_on {
            feeds.remove(&feed.subject);
        }
        goes_on
    }

    pub(super) fn is_over(&self) -> bool {
        // Relaxed: nothing else is told by it.
        self.is_over.load(Ordering::Relaxed)
    }

    /// Ends all feeds, and waits a moment for them to close their readers.
    pub(super) fn end(&self, time: Duration) {
        self.is_over.store(true, Ordering::Relaxed);
        self.list.wake();
        let end = Instant::now() + time;
        while !self.feeds().is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
