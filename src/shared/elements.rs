//! What the elements of an array are; for records, what these consist of.

use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::known::KnownRecord;
use crate::element::record::layout::RecordLayout;
use crate::element::record::record_type::RecordType;
use crate::element::typing::Typing;
use crate::error::{Error, Result, check_elements};
use crate::format::array::ArrayHeader;
use crate::format::error::HeaderError;
use crate::format::record;
use crate::sys;
use crate::view::error::ViewError;
use std::fs::File;
use std::path::Path;

/// The element type of an array, with the description of its records.
#[derive(Clone)]
pub(crate) struct ArrayElements {
    pub(super) element: ElementType,
    record: Option<KnownRecord>,
}

impl ArrayElements {
    /// Elements of the Rust type `T`.
    pub(super) fn of<T: ShElement>() -> Result<Self> {
        let record = T::RECORD.map(RecordLayout::to_type).transpose()?;
        Ok(Self { element: T::ELEMENT, record: record.map(KnownRecord::new) })
    }

    /// Elements of a type that is known at run time.
    ///
    /// # Errors
    ///
    /// [`ViewError::NoRecordType`] for records, whose type says nothing of their fields.
    pub(super) fn of_type(element: ElementType) -> Result<Self> {
        match element.dtype() {
            DType::Record => Err(ViewError::NoRecordType.into()),
            _ => Ok(Self { element, record: None }),
        }
    }

    /// Records that are known at run time.
    pub(super) fn of_record(record: &RecordType) -> Self {
        let element = ElementType::of_record(record.item_size());
        Self { element, record: Some(KnownRecord::new(record.clone())) }
    }

    /// Reads what a head says, and the description that follows the lock.
    pub(crate) fn read(file: &File, path: &Path, head: &ArrayHeader) -> Result<Self> {
        if head.description == 0 {
            return Ok(Self { element: head.element, record: None });
        }
        let mut bytes = vec![0; head.description];
        let found =
            sys::read_at(file, &mut bytes, head.description_at() as u64).map_err(|e| Error::io("read", path, e))?;
        let record = record::decode(bytes.get(..found).unwrap_or_default()).map_err(HeaderError::Record)?;
        let (expected, found) = (record.item_size(), head.element.size());
        if expected != found {
            return Err(HeaderError::RecordSize { expected, found }.into());
        }
        Ok(Self { element: head.element, record: Some(KnownRecord::new(record)) })
    }

    /// The description as it stands in the file; empty for elements without one.
    pub(super) fn description(&self) -> Vec<u8> {
        self.record_type().map(record::encode).unwrap_or_default()
    }

    /// What records consist of.
    pub(crate) fn record_type(&self) -> Option<&RecordType> {
        self.record.as_ref().map(KnownRecord::record)
    }

    /// Refuses elements that are not those that `T` names, if it names any.
    pub(super) fn check<T: Typing>(&self) -> Result<()> {
        match (T::RECORD, T::ELEMENT, &self.record) {
            (Some(layout), _, Some(record)) => Ok(record.check(layout)?),
            (Some(_), Some(expected), None) => Err(Error::other_elements(expected, self.element)),
            (_, Some(expected), _) if !T::takes(self.element) => Err(Error::other_elements(expected, self.element)),
            _ => Ok(()),
        }
    }

    /// Refuses elements that are not the same.
    pub(super) fn check_same(&self, found: &Self) -> Result<()> {
        match (&self.record, &found.record) {
            (Some(ours), Some(theirs)) => match ours.record().difference(theirs.record()) {
                Some(mismatch) => Err(mismatch.into()),
                None => Ok(()),
            },
            _ if self.element == found.element => Ok(()),
            _ => Err(Error::other_elements(self.element, found.element)),
        }
    }

    /// Refuses a Rust type that the elements are not.
    pub(super) fn check_typed<T: ShElement>(&self) -> Result<()> {
        check_elements::<T>(self.element, self.record.as_ref())
    }
}
