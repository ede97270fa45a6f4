//! A loan that is open: its memory, and the array that leads there.

use crate::channel::holder::Holder;
use crate::elements::lent::{Kept, Lent};
use crate::errors::to_exception;
use crate::fork::lending::Entry;
use ndsharray::raw::{self, OwnedLoan};
use ndsharray::{AnyWriter, ElementType};
use pyo3::prelude::*;

/// A loan that is open.
pub(super) struct OpenLoan {
    /// Tells one loan from another.
    pub(super) number: u64,
    pub(super) loan: OwnedLoan,
    /// The value's attributes, which the loan has too.
    pub(super) attributes: Vec<u8>,
    pub(super) lent: Lent,
    pub(super) by: Holder,
    pub(super) entry: Entry,
}

impl OpenLoan {
    /// Ends the loan, and publishes its value if `publish`. Returns the writer.
    #[inline]
    pub(super) fn end(self, py: Python<'_>, publish: bool) -> (AnyWriter, PyResult<Option<u64>>) {
        let Self { mut loan, attributes, lent, entry, .. } = self;
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
            None if publish => loan.publish().map(Some),
            None => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok((dtype, shape, bytes))) => {
                let mut writer = loan.into_writer();
                let published = writer.write_bytes_with(dtype, &shape, &bytes, &attributes).map(Some);
                return (writer, published.map_err(to_exception));
            }
        };
        (loan.into_writer(), published.map_err(to_exception))
    }
}

/// Copies a loan's elements.
fn copy(loan: &mut OwnedLoan) -> ndsharray::Result<(ElementType, Vec<usize>, Vec<u8>)> {
    let (dtype, shape) = (loan.element_type(), loan.shape().to_vec());
    let bytes = loan.as_mut_bytes();
    let mut copy = Vec::new();
    let full = |_| raw::out_of_memory(bytes.len() as u64);
    copy.try_reserve_exact(bytes.len()).map_err(full)?;
    copy.extend_from_slice(bytes);
    Ok((dtype, shape, copy))
}
