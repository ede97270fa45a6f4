//! An owned channel in Python's format: its writer without the element type.

use super::clock::Stamps;
use super::location::Location;
use super::names::Names;
use super::options::{Options, Overwrite};
use super::payload::{Payload, Value};
use super::retired::Retired;
use super::tag::{Tag, Taken};
use super::{proof, unused};
use crate::element::dtype::DType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::owners::Owners;
use crate::format::python::{Hex, PayloadHeader};
use crate::format::python_dtypes::DTypeTable;
use crate::sys::{self, Home};
use std::time::{Duration, Instant};

/// How long a closing writer leaves its last value for readers that poll.
const LINGER: Duration = Duration::from_millis(50);

/// A channel's writer. Dropping it removes the files.
pub(crate) struct OwnedChannel {
    location: Location,
    owners: Owners,
    tag: Tag,
    table: DTypeTable,
    overwrite: Overwrite,
    mode: u32,
    persist: bool,
    retired: Retired,
    current: Option<Payload>,
    /// The file that the tag named when taken over, until it names another.
    inherited: Option<Hex>,
    head: Option<PayloadHeader>,
    stamps: Stamps,
    published: Option<Instant>,
    /// Values published so far.
    count: u64,
    home: Home,
}

impl OwnedChannel {
    pub(crate) fn create(name: &str, options: &Options) -> Result<Self> {
        options.check()?;
        let home = Home::here();
        let location = options.location(name)?;
        let mode = options.mode | 0o600;
        let Taken { tag, inherited } = Tag::take(&location, mode, options.owners)?;
        let mut retired = Retired::new(mode, options.owners, options.history_bytes);
        inherit(&location, tag.names(), inherited, options.owners, &mut retired)?;
        Ok(Self {
            location,
            owners: options.owners,
            tag,
            table: options.table,
            overwrite: options.overwrite,
            mode,
            persist: options.persist,
            retired,
            current: None,
            inherited,
            head: None,
            stamps: Stamps::default(),
            published: None,
            count: 0,
            home,
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.location.name()
    }

    /// File name of the current value.
    pub(crate) fn payload_name(&self) -> Option<String> {
        self.current.as_ref().map(|payload| self.location.payload_name(payload.hex()))
    }

    pub(crate) fn table(&self) -> DTypeTable {
        self.table
    }

    /// Publishes `body`, which is as long as dtype and shape require.
    ///
    /// Returns the value's number among those of this writer.
    pub(crate) fn write(&mut self, dtype: DType, shape: &[usize], body: &[u8]) -> Result<u64> {
        if !self.home.is_here() {
            return Err(Error::Forked);
        }
        let index = check_dtype(self.table, dtype)?;
        let head = match self.head.take() {
            Some(head) if head.is_for(index, shape) => head,
            _ => PayloadHeader::encode(index, shape, dtype.size())?,
        };
        let value = Value { head: &head, body, stamp: self.stamps.next() };
        let written = self.publish(&value);
        self.head = Some(head);
        written?;
        // The number never overflows: at a thousand million a second that takes centuries.
        self.count = self.count.wrapping_add(1);
        Ok(self.count)
    }

    fn publish(&mut self, value: &Value<'_>) -> Result<()> {
        if self.overwrite == Overwrite::InPlace
            && let Some(current) = &mut self.current
            && current.head() == value.head
        {
            let done = current.rewrite_in_place(value);
            done.map_err(|e| Error::io("write", &self.location.payload(current.hex()), e))?;
        } else {
            let (names, step) = self.tag.names().next();
            let hex = *names.current();
            let payload = match self.retired.clear(&self.location, &hex, value) {
                Some(reused) => reused,
                None => self.create_payload(hex, value)?,
            };
            if let Err(error) = self.tag.publish(&self.location, names, step) {
                let _ = sys::remove_file(&self.location.payload(&hex));
                return Err(error);
            }
            if let Some(inherited) = self.inherited.take() {
                self.retired.add_name(inherited);
            }
            if let Some(old) = self.current.replace(payload) {
                self.retired.add(old);
            }
        }
        self.published = Some(Instant::now());
        Ok(())
    }

    fn create_payload(&mut self, hex: Hex, value: &Value<'_>) -> Result<Payload> {
        let in_place = self.overwrite == Overwrite::InPlace;
        let create = || Payload::create(&self.location, hex, self.mode, value, in_place);
        match create() {
            // There is no memory, or no more files may be open. What is kept for late readers goes
            // first.
            Err(Error::OutOfMemory { .. } | Error::Io { .. }) => {
                self.retired.squeeze(&self.location);
                create()
            }
            // Files that could not be removed when they should have been.
            Err(Error::AlreadyExists { .. }) if proof::remove_payload(&self.location, &hex, self.owners, true)? => {
                create()
            }
            other => other,
        }
    }
}

/// Takes over what a dead writer left, of this library or Python's.
///
/// Names that the tag may have held stay for a while, for late readers. Names ahead of the tag's,
/// and those put aside, never were in the tag: they go at once, as the next values need their
/// names. Files of other sequences are another writer's and stay (see `leftovers`). They go only if
/// no tag led to them and the kernel proves that no process has them open.
fn inherit(
    location: &Location,
    names: &Names,
    inherited: Option<Hex>,
    owners: Owners,
    retired: &mut Retired,
) -> Result<()> {
    for hex in location.payloads()? {
        if inherited == Some(hex) {
            continue;
        }
        if names.is_past(&hex) {
            retired.add_name(hex);
        } else if names.is_family(&hex) {
            // Best effort: if one of these names is needed later, the failure is reported then.
            let _ = proof::remove_payload(location, &hex, owners, true);
            fail_point!("shelf.cleared");
        } else if inherited.is_none() {
            unused::remove_orphan(location, &hex, owners);
        }
    }
    fail_point!("shelf.inherited");
    Ok(())
}

/// Returns the number of a dtype that can be sent.
pub(crate) fn check_dtype(table: DTypeTable, dtype: DType) -> Result<u64> {
    table
        .index_of(dtype)
        .ok_or(Error::Unsupported { what: "a dtype that this version of Python's ndsharray does not know" })
}

impl Drop for OwnedChannel {
    fn drop(&mut self) {
        if !self.home.is_here() {
            return;
        }
        if self.persist {
            self.retired.remove_all(&self.location);
            return;
        }
        if let Some(published) = self.published {
            std::thread::sleep(LINGER.saturating_sub(published.elapsed()));
        }
        // The tag goes last: if this process is killed before that, its successor learns from the
        // tag which files belong to the channel.
        self.retired.remove_all(&self.location);
        if let Some(current) = &self.current {
            let _ = sys::remove_file(&self.location.payload(current.hex()));
        } else if let Some(hex) = &self.inherited {
            let _ = proof::remove_payload(&self.location, hex, self.owners, true);
        }
        fail_point!("tag.last");
        self.tag.remove(&self.location);
    }
}
