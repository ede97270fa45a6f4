//! Which description the records of a value have, at its writer's hand.

use super::raw::RawWriter;
use super::types::{Last, Types};
use crate::channel::board::HeaderWords;
use crate::channel::record_types::Maker;
use crate::element::ShElement;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::record::layout::RecordLayout;
use crate::element::record::record_type::RecordType;
use crate::element::rule::Rule;
use crate::error::{Error, Result};
use crate::view::any::AnyArrayView;
use crate::view::cast::check_bools;
use crate::view::record::check_described;
use ndsharray_protocol::channel::Claim;

impl RawWriter {
    /// The element type for a header, with the number of its description where `T` is a record, and
    /// the unit where it is a time.
    ///
    /// # Errors
    ///
    /// Those of adding a description; none but for records.
    #[inline(always)]
    pub(crate) fn element_of<T: ShElement>(&mut self) -> Result<ElementType> {
        match T::RECORD {
            None if T::DTYPE.rule() == Rule::Unit => Ok(self.times(T::ELEMENT)),
            None => Ok(T::ELEMENT),
            Some(layout) => match &self.types.last {
                Some(Last { layout: Some(known), element, .. }) if core::ptr::eq(*known, layout) => Ok(*element),
                _ => self.learn(layout),
            },
        }
    }

    #[cold]
    #[inline(never)]
    fn learn(&mut self, layout: &'static RecordLayout) -> Result<ElementType> {
        let element = self.element_of_record(&layout.to_type()?)?;
        if let Some(last) = &mut self.types.last {
            last.layout = Some(layout);
        }
        Ok(element)
    }

    /// As [`element_of`](Self::element_of), for records that are known at run time.
    pub(crate) fn element_of_record(&mut self, record: &RecordType) -> Result<ElementType> {
        if let Some(last) = &self.types.last
            && last.record.is_same(record)
        {
            return Ok(last.element);
        }
        self.check_process()?;
        let maker = self.maker();
        let number = self.types.written.number(&self.held.location, maker, record)?;
        let element = ElementType::of_record(record.item_size()).with_description(number);
        self.types.last = Some(Last { layout: None, record: record.clone(), element });
        Ok(element)
    }

    /// The element type for a header of the array `view`.
    pub(crate) fn element_of_view(&mut self, view: &AnyArrayView<'_>) -> Result<ElementType> {
        match view {
            AnyArrayView::Record(view) => self.element_of_record(view.record_type()),
            other => Ok(other.element_type()),
        }
    }

    fn maker(&self) -> Maker {
        Maker { lineage: self.held.lineage, owners: self.options.owners, mode: self.options.mode | 0o600 }
    }

    /// Checks the bytes of a claim whose element type was chosen at run time.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBool`] and [`Error::View`]: a byte is not one of such an element.
    pub(crate) fn check_elements(&mut self, claim: &Claim, byte_len: usize) -> Result<()> {
        let element = self.element(claim);
        match element.dtype() {
            DType::Bool => check_bools(self.payload_mut(claim, element, byte_len))?,
            DType::Record => {
                // A claim is of the type that was asked for last, as no other write comes between.
                let last = self.types.last.as_ref().filter(|last| last.element == element);
                if let Some(record) = last.map(|last| last.record.clone()) {
                    check_described(&record, self.payload_mut(claim, element, byte_len))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes on in a channel that has been found again, which may be another writer's.
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] when the description that the caller is about to name has another
    /// number there. The next attempt learns it.
    pub(super) fn renew_types(&mut self) -> Result<()> {
        let Types { last, .. } = std::mem::take(&mut self.types);
        self.inherit_types();
        let Some(last) = last else { return Ok(()) };
        if self.element_of_record(&last.record)? == last.element {
            return Ok(());
        }
        Err(Error::Contended { attempts: 1 })
    }

    /// Learns the descriptions of a channel whose value consists of records.
    pub(super) fn inherit_types(&mut self) {
        let current = self.held.board.reader_side().latest();
        let header = self.held.board.slot(current.slot()).map(HeaderWords::header);
        if header.is_some_and(|header| header.dtype_tag() == DType::Record.tag()) {
            let maker = self.maker();
            self.types.written.inherit(&self.held.location, maker);
        }
    }
}

/// Refuses records where their fields are not told.
pub(super) fn refuse_records(element: ElementType) -> Result<()> {
    if element.dtype() == DType::Record {
        return Err(Error::View(crate::view::error::ViewError::NoRecordType));
    }
    Ok(())
}
