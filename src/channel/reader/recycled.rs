//! Memory of earlier copies, for the next ones.
//!
//! Fresh memory of the size of an image costs more than the copy: the kernel clears and maps each
//! of its pages.

use super::behind::CopiedBehind;
use crate::owned_array::OwnedArray;
use std::sync::Arc;

/// A value that was copied, as its samples own it.
pub(super) type CopiedValue = Arc<(OwnedArray, CopiedBehind)>;

/// The last copies made, whose memory serves again once no sample has it.
///
/// Two, as a loop holds its last sample while it reads the next.
#[derive(Default)]
pub(super) struct Recycled([Option<CopiedValue>; 2]);

impl Recycled {
    /// Takes a copy that no sample has any more.
    pub(super) fn take(&mut self) -> Option<OwnedArray> {
        self.0.iter_mut().find_map(|place| match Arc::try_unwrap(place.take()?) {
            Ok((array, _)) => Some(array),
            Err(held) => {
                *place = Some(held);
                None
            }
        })
    }

    /// Remembers a copy that a sample is about to have, in the place of the older of two.
    pub(super) fn note(&mut self, copied: &CopiedValue) {
        let [newer, older] = &mut self.0;
        *older = newer.replace(Arc::clone(copied)).or(older.take());
    }
}
