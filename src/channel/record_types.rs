//! What the records of a channel consist of, in a file of its own: `NAME.ndsh-types`.
//!
//! The writer adds a description before the first header that names it, and never changes one. So
//! a reader that has found a header finds the description too, and what it has read once stays
//! true. All of it goes through system calls: a file that another process cuts or changes is an
//! error, never a fault.
//!
//! The file belongs to a lineage. One of another lineage was left by a channel that has gone, whose
//! headers no reader can come to any more.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::reserve::{check_limits, write_new};
use crate::files::trusted::{check_ours, create, has_name, open_trusted, unlink_if_same};
use crate::format::error::HeaderError;
use crate::format::record;
use crate::format::record_types::{
    ENTRY_HEAD, HEAD_BYTES, MAGIC, MAX_TYPES, decode_entry_head, decode_head, encode_entry, encode_head, entries,
    entry_bytes,
};
use crate::sys::{self, Access, Identity};
use std::fs::File;
use uuid::Uuid;

/// Descriptions, as they are encoded. Each has its number: its place in the list.
pub(crate) type Descriptions = Vec<Vec<u8>>;

/// The descriptions of a channel at its writer's hand.
///
/// Nothing is opened or made before the first record is written.
#[derive(Default)]
pub(crate) struct WrittenTypes {
    known: Descriptions,
    file: Option<TypesFile>,
}

/// A file with all known descriptions.
struct TypesFile {
    file: File,
    identity: Identity,
    /// Where the next description goes.
    end: u64,
}

/// Whose file it is.
#[derive(Clone, Copy)]
pub(crate) struct Maker {
    pub(crate) lineage: Uuid,
    pub(crate) owners: Owners,
    /// The permission bits of a new file: those of the board.
    pub(crate) mode: u32,
}

impl WrittenTypes {
    /// The number of a description, which stands in the channel's file from here on.
    ///
    /// The caller is the channel's writer.
    pub(crate) fn number(&mut self, location: &Location, maker: Maker, record: &RecordType) -> Result<u8> {
        if self.file.as_ref().is_none_or(|at| !has_name(&location.types(), &at.identity)) {
            self.open(location, maker)?;
        }
        let description = record::encode(record);
        if let Some(number) = self.known.iter().position(|known| *known == description) {
            return Ok(narrow(number));
        }
        if self.known.len() >= MAX_TYPES {
            return Err(Error::TooManyRecordTypes { max: MAX_TYPES });
        }
        if let Some(at) = &mut self.file {
            at.append(location, &description)?;
        }
        self.known.push(description);
        Ok(narrow(self.known.len() - 1))
    }

    /// All descriptions, for a channel that is made anew.
    pub(crate) fn known(&self) -> &Descriptions {
        &self.known
    }

    /// Whether the file still has its name, if there is one.
    pub(crate) fn has_its_file(&self, location: &Location) -> bool {
        self.file.as_ref().is_none_or(|at| has_name(&location.types(), &at.identity))
    }

    /// Removes the file, if it still has its name.
    pub(crate) fn unlink(&mut self, location: &Location) -> std::io::Result<()> {
        self.file.take().map_or(Ok(()), |at| unlink_if_same(&location.types(), &at.identity))
    }

    /// Finds the descriptions that earlier writers left, if there are any.
    ///
    /// For a writer whose channel has a value of records: should the file go, it makes it anew.
    pub(crate) fn inherit(&mut self, location: &Location, maker: Maker) {
        // Best effort: the value may be damaged, and so may the file.
        if let Ok(Some((at, known))) = find(location, maker) {
            (self.file, self.known) = (Some(at), known);
        }
    }

    /// Finds the descriptions that earlier writers left, or makes the file.
    fn open(&mut self, location: &Location, maker: Maker) -> Result<()> {
        self.file = None;
        if self.known.is_empty()
            && let Some((at, known)) = find(location, maker)?
        {
            (self.file, self.known) = (Some(at), known);
            return Ok(());
        }
        self.file = Some(make(location, maker, &self.known)?);
        Ok(())
    }
}

impl TypesFile {
    fn append(&mut self, location: &Location, description: &[u8]) -> Result<()> {
        let path = location.types();
        let entry = encode_entry(description);
        check_limits(usize::try_from(self.end).unwrap_or(usize::MAX).saturating_add(entry.len()))?;
        if let Err(error) = sys::write_all_at(&self.file, &entry, self.end) {
            // No piece of it stays. Should that fail too, the next writer of a description cuts it.
            let _ = self.file.set_len(self.end);
            return Err(crate::files::reserve::no_room("write", error, &path, entry.len()));
        }
        fail_point!("types.appended");
        self.end += entry.len() as u64;
        Ok(())
    }
}

/// Makes the file with these descriptions, in place of one that is in the way.
///
/// The caller is the channel's writer. Nothing is replaced that is not this library's.
pub(crate) fn make_types(location: &Location, maker: Maker, known: &Descriptions) -> Result<()> {
    make(location, maker, known).map(|_| ())
}

fn make(location: &Location, maker: Maker, known: &Descriptions) -> Result<TypesFile> {
    let path = location.types();
    match open_trusted(&path, Access::ReadWrite, maker.owners) {
        Ok((file, identity)) => {
            check_ours(&file, &path, MAGIC)?;
            unlink_if_same(&path, &identity).map_err(|e| Error::io("replace", &path, e))?;
            fail_point!("types.cleared");
        }
        Err(Error::NotFound { .. }) => {}
        Err(other) => return Err(other),
    }
    let file = create(&path, maker.mode)?;
    fail_point!("types.created");
    let unmade = || sys::remove_file(&path);
    let head = encode_head(maker.lineage);
    let mut bytes = head.to_vec();
    known.iter().for_each(|description| bytes.extend(encode_entry(description)));
    // The magic last: without it the file is still being made.
    let (magic, _) = bytes.split_at_mut(MAGIC.len());
    magic.fill(0);
    let written = write_new(&file, &path, &bytes).and_then(|()| {
        fail_point!("types.written");
        sys::write_all_at(&file, &MAGIC, 0).map_err(|e| Error::io("write", &path, e))?;
        sys::identify(&file).map_err(|e| Error::io("inspect", &path, e))
    });
    match written {
        Ok(identity) => {
            fail_point!("types.made");
            Ok(TypesFile { file, identity, end: bytes.len() as u64 })
        }
        Err(error) => {
            // Best effort: the next writer of a record replaces it, and a removal takes it.
            let _ = unmade();
            Err(error)
        }
    }
}

/// The file of this lineage that an earlier writer left, and what it has.
fn find(location: &Location, maker: Maker) -> Result<Option<(TypesFile, Descriptions)>> {
    let path = location.types();
    let (file, identity) = match open_trusted(&path, Access::ReadWrite, maker.owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let bytes = read_all(&file).map_err(|e| Error::io("read", &path, e))?;
    if decode_head(&bytes)? != Some(maker.lineage) {
        return Ok(None);
    }
    let (found, end) = entries(&bytes)?;
    let known = found.into_iter().map(<[u8]>::to_vec).collect();
    // What a writer left that died while it added one.
    if end < bytes.len() {
        file.set_len(end as u64).map_err(|e| Error::io("cut", &path, e))?;
        fail_point!("types.cut");
    }
    Ok(Some((TypesFile { file, identity, end: end as u64 }, known)))
}

/// All bytes that such a file can have.
fn read_all(file: &File) -> std::io::Result<Vec<u8>> {
    const MOST: usize = HEAD_BYTES + MAX_TYPES * entry_bytes(crate::element::record::limits::MAX_BYTES);
    let len = usize::try_from(sys::identify(file)?.len).unwrap_or(usize::MAX).min(MOST);
    let mut bytes = vec![0; len];
    let read = sys::read_front(file, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Removes the file of a channel that goes, if it is ours.
///
/// The caller holds the writer's lock.
pub(crate) fn remove_types(location: &Location, owners: Owners) -> Result<()> {
    let path = location.types();
    match sys::identify_path(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        // The error of opening it says more.
        _ => {}
    }
    let (file, identity) = match open_trusted(&path, Access::Read, owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    check_ours(&file, &path, MAGIC)?;
    unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))?;
    fail_point!("types.removed");
    Ok(())
}

/// Refuses a file that this library has not made, before anything is removed.
pub(crate) fn check_types(location: &Location, owners: Owners) -> Result<()> {
    let path = location.types();
    match open_trusted(&path, Access::Read, owners) {
        Ok((file, _)) => check_ours(&file, &path, MAGIC),
        Err(Error::NotFound { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

/// The descriptions of a channel that a reader has come across.
#[derive(Default)]
pub(crate) struct ReadTypes {
    /// Where they come from: in another file, and of another lineage, the numbers mean something
    /// else.
    from: Option<(Uuid, Identity)>,
    /// By number; what a header has named once is never changed.
    known: Vec<Option<RecordType>>,
}

impl ReadTypes {
    /// The description that a header names, if its elements are records.
    #[inline]
    pub(crate) fn of(
        &mut self,
        location: &Location,
        owners: Owners,
        lineage: Uuid,
        element: ElementType,
    ) -> Result<Option<RecordType>> {
        if element.dtype() != DType::Record {
            return Ok(None);
        }
        self.get(location, owners, lineage, element.description(), element.size()).map(Some)
    }

    /// The description of this number, of records of `item_size` bytes.
    fn get(
        &mut self,
        location: &Location,
        owners: Owners,
        lineage: Uuid,
        number: u8,
        item_size: usize,
    ) -> Result<RecordType> {
        let number = usize::from(number);
        let known = match self.known.get(number) {
            Some(Some(known)) if self.stand(location, lineage) => known.clone(),
            _ => {
                let (found, file) = read_one(location, owners, lineage, number)?;
                if !self.from.is_some_and(|(of, before)| of == lineage && sys::same_file(&before, &file)) {
                    self.known.clear();
                }
                self.from = Some((lineage, file));
                if self.known.len() <= number {
                    self.known.resize(number + 1, None);
                }
                if let Some(place) = self.known.get_mut(number) {
                    *place = Some(found.clone());
                }
                found
            }
        };
        if known.item_size() != item_size {
            return Err(HeaderError::RecordSize { expected: known.item_size(), found: item_size }.into());
        }
        Ok(known)
    }

    /// Whether what is known still stands: the file is there, or no other has come in its place.
    ///
    /// Where other programs have removed it, the next writer of a record makes it anew. Then its
    /// numbers begin again.
    fn stand(&self, location: &Location, lineage: Uuid) -> bool {
        let Some((of, before)) = &self.from else { return false };
        *of == lineage
            && match sys::identify_path(&location.types()) {
                // A file that grows is the same; one that is shorter may have got the number of
                // the one before.
                Ok(now) => sys::same_file(before, &now) && now.len >= before.len,
                Err(error) => error.kind() == std::io::ErrorKind::NotFound,
            }
    }
}

/// Reads one description; what is before it is stepped over. Also returns which file has it.
fn read_one(location: &Location, owners: Owners, lineage: Uuid, number: usize) -> Result<(RecordType, Identity)> {
    let missing = |found| HeaderError::NoRecordType { number, found };
    let path = location.types();
    let (file, identity) = match open_trusted(&path, Access::Read, owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Err(missing(0).into()),
        Err(other) => return Err(other),
    };
    let read = |room: &mut [u8], at: u64| sys::read_at(&file, room, at).map_err(|e| Error::io("read", &path, e));
    let mut head = [0; HEAD_BYTES];
    let found = read(&mut head, 0)?;
    // A file of another lineage is that of another channel, which had this name before or has it by
    // now.
    match decode_head(head.get(..found).unwrap_or_default())? {
        Some(found) if found == lineage => {}
        Some(found) => return Err(HeaderError::Stranger { expected: lineage, found }.into()),
        None => return Err(missing(0).into()),
    }
    let mut at = HEAD_BYTES as u64;
    for before in 0..=number {
        let mut head = [0; ENTRY_HEAD];
        if read(&mut head, at)? < head.len() {
            return Err(missing(before).into());
        }
        let len = decode_entry_head(head, before)?;
        if before == number {
            let mut bytes = vec![0; len];
            if read(&mut bytes, at + ENTRY_HEAD as u64)? < len {
                return Err(missing(before).into());
            }
            return Ok((record::decode(&bytes).map_err(HeaderError::Record)?, identity));
        }
        at += entry_bytes(len) as u64;
    }
    Err(missing(number).into())
}

/// A number that the caller has found below [`MAX_TYPES`].
#[allow(clippy::cast_possible_truncation, reason = "see above")]
fn narrow(number: usize) -> u8 {
    number as u8
}
