//! The crate `seqlock`: a value in one process, which every reader copies.
//!
//! A reader starts again when the value changed meanwhile. The value has a counter beside it, by
//! which a reader tells a new one: the lock does not show its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use anyhow::{Context, Result};
use seqlock::SeqLock;

use super::value::{Value, value};
use super::{Latest, Put, Take, Values};
use crate::harness::place::Place;

/// A value and its number.
#[derive(Clone, Copy)]
struct Numbered {
    number: u64,
    value: Value,
}

type Shared = SeqLock<Numbered>;

thread_local! {
    /// The locks of this thread's writers, by place: it works within one process alone.
    static SHARED: RefCell<HashMap<PathBuf, Weak<Shared>>> = RefCell::default();
}

pub(crate) struct Seqlock;

pub(crate) struct Writer {
    shared: Arc<Shared>,
}

pub(crate) struct Reader {
    shared: Arc<Shared>,
    seen: Numbered,
}

impl Values for Seqlock {
    const NAME: &'static str = "seqlock, one process";
    type Writer = Writer;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<Writer> {
        let shared = Arc::new(SeqLock::new(Numbered { number: 0, value: value(0) }));
        SHARED.with_borrow_mut(|all| all.insert(place.dir().to_owned(), Arc::downgrade(&shared)));
        Ok(Writer { shared })
    }

    fn reader(place: &Place) -> Result<Reader> {
        let shared = SHARED.with_borrow(|all| all.get(place.dir()).and_then(Weak::upgrade));
        Ok(Reader {
            shared: shared.context("no writer in this thread")?,
            seen: Numbered { number: 0, value: value(0) },
        })
    }
}

impl Put for Writer {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        let mut guard = self.shared.lock_write();
        *guard = Numbered { number: guard.number + 1, value: *value };
        Ok(())
    }
}

impl Take for Reader {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        let found = self.shared.read();
        if found.number == self.seen.number {
            return Ok(None);
        }
        self.seen = found;
        Ok(Some(look(&self.seen.value)))
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        Ok(self.shared.read().number != self.seen.number)
    }
}

impl Latest for Reader {
    #[inline]
    fn latest<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<R> {
        Ok(look(&self.shared.read().value))
    }
}
