//! What a writer puts behind a value's elements: a record of its source, and attributes.
//!
//! They belong to the value as its elements do: written into a claimed slot, before it is
//! published. Values without them take none of these ways.

use super::raw::{Described, RawWriter};
use crate::channel::board::HeaderWords;
use crate::channel::payload::WritePayload;
use crate::element::element_type::ElementType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::format::slot::RawHeader;
use crate::format::tail::{MAX_ATTRIBUTES, Record, Tail};
use ndsharray_protocol::channel::{Claim, MAX_NUMBER};
use uuid::Uuid;

/// The largest number that an imported value may have.
///
/// Half of what a next writer believes (`open::last_number`), and decades of values follow it.
const MAX_IMPORTED: u64 = MAX_NUMBER / 4;

/// Whether values of a source can follow one with this number.
pub(super) fn in_range_of_numbers(after: u64) -> Result<()> {
    if after < MAX_IMPORTED { Ok(()) } else { Err(Error::NumbersExhausted { max: MAX_IMPORTED }) }
}

/// What a value brings beside its elements.
#[derive(Clone, Copy, Default)]
pub(crate) struct Belongings<'a> {
    pub(crate) attributes: &'a [u8],
    /// The number and the source of an imported value.
    pub(crate) imported: Option<(u64, Record)>,
}

impl<'a> Belongings<'a> {
    /// Attributes alone.
    pub(crate) fn attributes(attributes: &'a [u8]) -> Self {
        Self { attributes, imported: None }
    }

    fn record(&self) -> Option<&Record> {
        self.imported.as_ref().map(|(_, record)| record)
    }

    fn tail(&self) -> Result<Tail> {
        let found = self.attributes.len();
        Tail::new(self.imported.is_some(), found).ok_or(Error::AttributesTooLong { found, max: MAX_ATTRIBUTES })
    }
}

impl RawWriter {
    /// Publishes a copy of `bytes`, as long as an array of this type and shape, with `belongings`.
    pub(crate) fn write_with(
        &mut self,
        element: ElementType,
        shape: &[usize],
        bytes: &[u8],
        belongings: &Belongings<'_>,
    ) -> Result<u64> {
        let tail = belongings.tail()?;
        if tail.is_none() {
            return self.write(element, shape, bytes);
        }
        let needed = tail.end(bytes.len());
        let (claim, written) = self.claim_for(needed, bytes)?;
        if let Err(error) = self.take_number(belongings) {
            self.discard(claim);
            return Err(error);
        }
        if !written {
            // A claim has room for what it was made for, as in `write_to`.
            crate::arch::memcpy::copy(self.payload_mut(&claim, element, bytes.len()), bytes);
        }
        self.write_behind(&claim, bytes.len(), tail, belongings);
        self.describe_with(&claim, element, shape, bytes.len(), tail);
        fail_point!("attributes.described");
        Ok(self.publish(claim, needed))
    }

    /// Gives a claimed slot, which has been described, these `belongings` in place of its own.
    ///
    /// Its elements stay where they are. On an error nothing has changed.
    pub(crate) fn set_belongings(&mut self, claim: &Claim, byte_len: usize, belongings: &Belongings<'_>) -> Result<()> {
        self.check_process()?;
        let tail = belongings.tail()?;
        self.make_room(claim, tail.end(byte_len))?;
        self.take_number(belongings)?;
        self.write_behind(claim, byte_len, tail, belongings);
        let state = &mut self.slots[claim.slot()];
        let known = state.described.take().or(state.flagged.take().map(|flagged| flagged.0));
        if let Some(Described { element, shape }) = known {
            self.describe_anew(claim, element, shape, byte_len, tail);
        }
        fail_point!("attributes.described");
        Ok(())
    }

    /// Has the first value follow `number`.
    ///
    /// Of no effect once there is a value, or where the numbers have come as far.
    pub(crate) fn begin_after(&mut self, number: u64) -> Result<()> {
        self.check_process()?;
        in_range_of_numbers(number)?;
        if self.latest.is_none() && number > self.last_number {
            self.held.board.move_base(number);
            self.last_number = number;
        }
        Ok(())
    }

    /// Sees to it that the next value gets the number that it had at its source.
    fn take_number(&mut self, belongings: &Belongings<'_>) -> Result<()> {
        let Some((number, _)) = belongings.imported else { return Ok(()) };
        let last = self.last_number;
        if number <= last {
            return Err(Error::NumberUsed { number, last });
        }
        if number > MAX_IMPORTED {
            return Err(Error::NumbersExhausted { max: MAX_IMPORTED });
        }
        self.last_number = number - 1;
        Ok(())
    }

    fn write_behind(&mut self, claim: &Claim, byte_len: usize, tail: Tail, belongings: &Belongings<'_>) {
        let state = &mut self.slots[claim.slot()];
        if let Some(payload) = state.payload.as_mut().filter(|_| !tail.is_none()) {
            state.bools = false;
            payload.write_behind(claim, byte_len, tail, belongings.record(), belongings.attributes);
        }
        fail_point!("attributes.written");
    }

    /// Writes the header of a claimed slot as [`describe`](Self::describe) does, for such a tail.
    fn describe_with(&mut self, claim: &Claim, element: ElementType, shape: &[usize], byte_len: usize, tail: Tail) {
        match self.slots[claim.slot()].flagged.as_deref() {
            Some((known, flags))
                if *flags == tail.flags() && known.is(element, shape) && !self.is_to_describe_anew() =>
            {
                // What the header does not say.
                self.held.board.claimed(claim).set_attributes(tail.attributes());
            }
            _ => self.describe_anew(claim, element, shape.to_vec(), byte_len, tail),
        }
    }

    /// Writes a header for such a tail, whatever is known of the one that is there.
    #[inline(never)]
    fn describe_anew(&mut self, claim: &Claim, element: ElementType, shape: Vec<usize>, byte_len: usize, tail: Tail) {
        let state = &mut self.slots[claim.slot()];
        let payload = state.payload.as_ref().map_or(Uuid::nil(), WritePayload::id);
        let header = RawHeader::encode(payload, byte_len, 0, element, &shape).with_tail(tail);
        self.held.board.claimed(claim).set_header(&header, self.held.epoch);
        let known = Described { element, shape };
        (state.described, state.flagged) =
            if tail.is_none() { (Some(known), None) } else { (None, Some(Box::new((known, tail.flags())))) };
    }

    /// Makes sure that the claimed slot's file has so many bytes.
    ///
    /// Where memory is short, files that hold nothing of use are given up for it.
    fn make_room(&mut self, claim: &Claim, end: usize) -> Result<()> {
        let slot = claim.slot();
        let mut others = None;
        loop {
            let Some(payload) = self.slots[slot].payload.as_mut() else {
                return Err(Error::Unsupported { what: "attributes of a slot without memory" });
            };
            let error = match payload.extend(claim, &self.held.location, self.options.owners, end) {
                Ok(()) => return Ok(()),
                Err(error @ Error::OutOfMemory { .. }) => error,
                Err(other) => return Err(other),
            };
            let others = others.get_or_insert_with(|| {
                self.reap();
                self.refresh();
                let spare = self.rotation.could_go(slot, self.held_back());
                // Values that are merely kept go last.
                let kept = self.rotation.could_go(slot, self.untouchable());
                spare.into_iter().chain(kept).filter(|(other, _)| *other != slot)
            });
            match others.next() {
                // One is larger than what is missing, unless another process takes it.
                Some((other, _)) => self.give_up(other),
                None => return Err(error),
            }
        }
    }
}
