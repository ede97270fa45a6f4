//! Figures over the elements of the values that are watched.

use super::probe::{CopiedValue, Probe, Status};
use crate::array::Statistics;
use crate::failure::Result;
use std::time::Instant;

/// Bars of the histogram in a line.
pub(super) const LINE_BINS: usize = 8;
/// Computing figures over elements may take one part in so many of the time.
const SHARE: u32 = 4;

/// Computes figures over elements, as often as that takes little processor time.
pub(super) struct Values {
    pub(super) bins: usize,
    /// The value without its elements, and its figures.
    looked: Option<(CopiedValue, Statistics)>,
}

impl Values {
    pub(super) fn new(bins: usize) -> Self {
        Self { bins, looked: None }
    }

    pub(super) fn statistics(&self) -> Option<&Statistics> {
        self.looked.as_ref().map(|(_, statistics)| statistics)
    }

    /// Computes figures of the copy, and makes `status` show the same value.
    pub(super) fn look(
        &mut self,
        probe: &Probe,
        copy: Option<Result<CopiedValue>>,
        status: &mut Status,
    ) -> Result<Option<&Statistics>> {
        if let Some(mut copy) = copy.transpose()? {
            let start = Instant::now();
            let statistics = Statistics::of(copy.array.view(), self.bins);
            probe.want_copy(start + start.elapsed() * SHARE);
            copy.array.bytes = Vec::new();
            self.looked = Some((copy, statistics));
        }
        if let Some((copy, _)) = &self.looked {
            status.show(copy);
        }
        Ok(self.statistics())
    }
}
