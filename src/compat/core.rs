//! The writer without its element type.

use super::clock::Stamps;
use super::options::{Options, Overwrite};
use super::payload::{Payload, Value};
use super::place::Place;
use super::shelf::Shelf;
use super::table::DTypeTable;
use super::tag::{Tag, Taken};
use super::wire::{Head, Hex};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::sys;
use std::time::{Duration, Instant};

/// How long a writer that closes leaves its last value where readers find it.
const LINGER: Duration = Duration::from_millis(50);

/// A channel's writer. Dropping it removes the files.
pub(crate) struct Core {
    place: Place,
    tag: Tag,
    table: DTypeTable,
    overwrite: Overwrite,
    mode: u32,
    persist: bool,
    shelf: Shelf,
    current: Option<Payload>,
    /// The file that the tag named when it was taken over, until another one is named.
    inherited: Option<Hex>,
    head: Option<Head>,
    stamps: Stamps,
    published: Option<Instant>,
    forks: u64,
}

impl Core {
    pub(crate) fn create(name: &str, options: &Options) -> Result<Self> {
        options.check()?;
        let forks = sys::watch_forks();
        let place = options.place(name)?;
        let mode = options.mode | 0o600;
        let Taken { tag, inherited } = Tag::take(&place, mode, options.owners)?;
        let mut shelf = Shelf::new(mode, options.history_bytes);
        // What a writer of this library left when it was killed. Files of other sequences are somebody else's, and stay (see `leftovers`).
        for hex in place.payloads()? {
            if inherited != Some(hex) && tag.names().is_family(&hex) {
                shelf.retire_name(hex);
            }
        }
        Ok(Self {
            place,
            tag,
            table: options.table,
            overwrite: options.overwrite,
            mode,
            persist: options.persist,
            shelf,
            current: None,
            inherited,
            head: None,
            stamps: Stamps::default(),
            published: None,
            forks,
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.place.name()
    }

    /// File name of the current value.
    pub(crate) fn payload_name(&self) -> Option<String> {
        self.current.as_ref().map(|payload| self.place.payload_name(payload.hex()))
    }

    pub(crate) fn table(&self) -> DTypeTable {
        self.table
    }

    /// Publishes `body`, which is as long as dtype and shape make.
    pub(crate) fn write(&mut self, dtype: DType, shape: &[usize], body: &[u8]) -> Result<()> {
        if self.forks != sys::fork_count() {
            return Err(Error::Forked);
        }
        let index = check_dtype(self.table, dtype)?;
        let head = match self.head.take() {
            Some(head) if head.is_for(index, shape) => head,
            _ => Head::encode(index, shape, dtype.size())?,
        };
        let value = Value { head: &head, body, stamp: self.stamps.next() };
        let written = self.publish(&value);
        self.head = Some(head);
        written
    }

    fn publish(&mut self, value: &Value<'_>) -> Result<()> {
        if self.overwrite == Overwrite::InPlace
            && let Some(current) = &mut self.current
            && current.head() == value.head
        {
            let done = current.rewrite_in_place(value);
            done.map_err(|e| Error::io("write", &self.place.payload(current.hex()), e))?;
        } else {
            let (names, step) = self.tag.names().next();
            let hex = *names.current();
            let payload = match self.shelf.clear(&self.place, &hex, value) {
                Some(reused) => reused,
                None => self.create_payload(hex, value)?,
            };
            if let Err(error) = self.tag.publish(&self.place, names, step) {
                let _ = sys::remove_file(&self.place.payload(&hex));
                return Err(error);
            }
            if let Some(inherited) = self.inherited.take() {
                self.shelf.retire_name(inherited);
            }
            if let Some(old) = self.current.replace(payload) {
                self.shelf.retire(old);
            }
        }
        self.published = Some(Instant::now());
        Ok(())
    }

    fn create_payload(&mut self, hex: Hex, value: &Value<'_>) -> Result<Payload> {
        let in_place = self.overwrite == Overwrite::InPlace;
        let create = || Payload::create(&self.place, hex, self.mode, value, in_place);
        match create() {
            Err(Error::OutOfMemory { .. }) => {
                self.shelf.squeeze(&self.place);
                create()
            }
            other => other,
        }
    }
}

/// The number of a dtype that can be sent.
pub(crate) fn check_dtype(table: DTypeTable, dtype: DType) -> Result<u64> {
    table
        .index_of(dtype)
        .ok_or(Error::Unsupported { what: "a dtype that this version of Python's ndsharray does not know" })
}

impl Drop for Core {
    fn drop(&mut self) {
        if self.forks != sys::fork_count() {
            return;
        }
        if self.persist {
            self.shelf.remove_all(&self.place);
            return;
        }
        if let Some(published) = self.published {
            std::thread::sleep(LINGER.saturating_sub(published.elapsed()));
        }
        // The tag first: who comes now finds nothing, rather than a tag that leads nowhere.
        self.tag.remove(&self.place);
        let last = self.current.as_ref().map(|payload| *payload.hex()).or(self.inherited);
        if let Some(hex) = last {
            let _ = sys::remove_file(&self.place.payload(&hex));
        }
        self.shelf.remove_all(&self.place);
    }
}
