//! A loan that is open: its memory, and the array that leads there.

use crate::channel::holder::Holder;
use crate::elements::described::Elements;
use crate::elements::lent::{Kept, Lent};
use crate::errors::to_exception;
use crate::fork::lending::Entry;
use ndsharray::AnyWriter;
use ndsharray::raw::{self, OwnedLoan};
use pyo3::prelude::*;

/// A loan that is open.
pub(super) struct OpenLoan {
    /// Tells one loan from another.
    pub(super) number: u64,
    pub(super) loan: OwnedLoan,
    pub(super) elements: Elements,
    /// The value's attributes, which the loan has too.
    pub(super) attributes: Vec<u8>,
    pub(super) lent: Lent,
    pub(super) by: Holder,
    pub(super) entry: Entry,
}

impl OpenLoan {
    /// Ends the loan, and publishes its value if `publish`. Returns the writer.
    #[inline]
    pub(super) fn end(self, py: Python<'_>, publish: bool) -> (Box<AnyWriter>, PyResult<Option<u64>>) {
        let Self { mut loan, elements, attributes, lent, entry, .. } = self;
        let mut copied = None;
        let mut entry = Some(entry);
        lent.end(py, || {
            if publish {
                if let Ok(memory) = loan.sever() {
                    return Some(Kept::Detached(None, memory));
                }
                // Then what is left keeps the memory, and a copy is published.
                copied = Some(copy(&mut loan));
            }
            loan.forfeit().map(|memory| Kept::Detached(entry.take(), memory))
        });
        // Before its memory may go.
        drop(entry);
        let published = match copied {
            None if publish => publish_checked(&mut loan, &elements).map(Some),
            None => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok((shape, bytes))) => {
                let mut writer = loan.into_boxed_writer();
                let published = elements.write(&mut writer, &shape, &bytes, &attributes).map(Some);
                return (writer, published.map_err(to_exception));
            }
        };
        (loan.into_boxed_writer(), published.map_err(to_exception))
    }
}

/// Publishes a loan, unless a field of its records is a wrong `bool`.
fn publish_checked(loan: &mut OwnedLoan, elements: &Elements) -> ndsharray::Result<u64> {
    if let Elements::Records(record) = elements {
        raw::check_records(record, loan.as_mut_bytes())?;
    }
    loan.publish()
}

/// Copies a loan's elements.
fn copy(loan: &mut OwnedLoan) -> ndsharray::Result<(Vec<usize>, Vec<u8>)> {
    let shape = loan.shape().to_vec();
    let bytes = loan.as_mut_bytes();
    let mut copy = Vec::new();
    let full = |_| raw::out_of_memory(bytes.len() as u64);
    copy.try_reserve_exact(bytes.len()).map_err(full)?;
    copy.extend_from_slice(bytes);
    Ok((shape, copy))
}
