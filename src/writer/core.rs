//! The writer without its element type: claims a slot, makes room in it, publishes it.

use super::attach::Held;
use super::rotation::{Choice, Rotation};
use crate::copy::copy;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::header::RawHeader;
use crate::location::Location;
use crate::options::Options;
use crate::segment::WritePayload;
use crate::slots::{Ahead, Claim, Doorbell, Latest, Look, MAX_NUMBER, PinMask, SlotIndex};
use crate::sys::{self, Stamps};
use uuid::Uuid;

/// Publications after which a header is written again although it should be there: should somebody have damaged it, it heals. A prime, so that
/// each slot has its turn.
const DESCRIBE_ANEW_EVERY: u64 = 251;

/// Publications between two looks for dead readers.
const REAP_EVERY: u64 = 8192;

/// The header that a slot has now, and what it was made from.
struct Described {
    dtype: DType,
    shape: Vec<usize>,
}

/// What this process knows of one slot beyond the rotation's numbers.
#[derive(Default)]
pub(super) struct SlotState {
    pub(super) payload: Option<WritePayload>,
    /// A payload file that an earlier writer left, still to be unlinked.
    pub(super) orphan: Option<Uuid>,
    described: Option<Described>,
    /// Whether every byte of the payload file is known to be 0 or 1.
    bools: bool,
}

/// A channel's writer. Dropping it closes the channel.
pub(crate) struct Core {
    pub(super) held: Held,
    mode: u32,
    least_capacity: usize,
    prefault: bool,
    pub(super) persist: bool,
    pub(super) slots: Vec<SlotState>,
    pub(super) rotation: Rotation,
    pub(super) latest: Latest,
    last_number: u64,
    /// What the last look at the readers showed; a guess that each claim checks.
    pub(super) look: Look,
    /// Slots that are claimed already.
    ahead: Ahead,
    /// Slots whose file an earlier writer made, kept for its value.
    pub(super) orphans: PinMask,
    stamps: Stamps,
    forks: u64,
}

impl Core {
    /// Makes the channel `location`, or takes it over from a dead writer.
    pub(crate) fn create(location: Location, options: &Options) -> Result<Self> {
        options.check()?;
        let forks = sys::watch_forks();
        let held = Held::acquire(location, options)?;
        // An existing channel keeps its geometry, because its readers do; fewer slots can be used of it.
        let slots = held.board.slot_count();
        let usable = slots.min(options.max_slots);
        let mut core = Self {
            last_number: held.last_number,
            mode: options.mode | 0o600,
            least_capacity: options.capacity,
            prefault: options.prefault,
            persist: options.persist,
            slots: std::iter::repeat_with(SlotState::default).take(slots).collect(),
            rotation: Rotation::new(usable),
            latest: Latest::NONE,
            look: Look::default(),
            ahead: Ahead::default(),
            orphans: PinMask::EMPTY,
            stamps: Stamps::new(),
            forks,
            held,
        };
        core.inherit();
        Ok(core)
    }

    pub(crate) fn location(&self) -> &Location {
        &self.held.location
    }

    /// File name of the current value's payload.
    pub(crate) fn payload_name(&self) -> Option<String> {
        if self.latest.is_none() {
            return None;
        }
        let state = self.slots.get(self.latest.slot().get())?;
        let id = state.payload.as_ref().map(WritePayload::id).or(state.orphan)?;
        Some(self.held.location.payload_name(id))
    }

    /// Fails in a forked child: its parent is the writer.
    #[inline]
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.forks == sys::fork_count() { Ok(()) } else { Err(Error::Forked) }
    }

    /// Claims a slot with room for `bytes`.
    #[inline]
    pub(crate) fn claim(&mut self, bytes: usize) -> Result<Claim> {
        let needed = bytes.max(self.least_capacity);
        match self.claim_at_once(needed) {
            Some(claim) => Ok(claim),
            None => self.claim_somehow(needed, &[]).map(|(claim, _)| claim),
        }
    }

    /// Claims a slot if nothing is in the way of the first guess.
    #[inline(always)]
    fn claim_at_once(&mut self, needed: usize) -> Option<Claim> {
        if let Some(Choice::Fits(slot)) = self.rotation.choose(needed, self.look.pins)
            && self.forks == sys::fork_count()
            && self.last_number < MAX_NUMBER
            && let Some(claim) = self.try_claim(slot)
        {
            return Some(claim);
        }
        None
    }

    /// Claims `slot` unless a reader holds it; learns what readers hold either way.
    #[inline]
    pub(super) fn try_claim(&mut self, slot: SlotIndex) -> Option<Claim> {
        if let Some(claim) = self.ahead.take(slot) {
            return Some(claim);
        }
        let retries = self.look.retries;
        let claim = self.held.board.writer_side(&self.held.table).claim(slot, &mut self.look);
        if self.look.retries != retries {
            self.rotation.widen();
        }
        claim
    }

    /// Claims a slot when the first guess was wrong, or memory has to be found for it. Also tells whether `content` has been written to it.
    #[cold]
    #[inline(never)]
    fn claim_somehow(&mut self, needed: usize, content: &[u8]) -> Result<(Claim, bool)> {
        if self.forks != sys::fork_count() {
            return Err(Error::Forked);
        }
        if self.last_number >= MAX_NUMBER {
            return Err(Error::NumbersExhausted { max: MAX_NUMBER });
        }
        let mut reaped = false;
        // Each refused claim means that a reader pinned just then; the bound only ends a siege by one that never stops.
        for _ in 0..4 * self.slots.len() {
            let choice = self.rotation.choose(needed, self.look.pins);
            let wants_more = !matches!(choice, Some(Choice::Fits(_)));
            if wants_more && !reaped && self.look.pins != PinMask::EMPTY {
                // Before a value held by somebody costs memory or an error, make sure that it still is.
                reaped = true;
                self.reap();
                self.refresh();
                continue;
            }
            let Some(choice) = choice else { break };
            if let Some(claim) = self.try_claim(choice.slot()) {
                return match choice {
                    Choice::Fits(_) => Ok((claim, false)),
                    Choice::Grow(slot) => self.grow(claim, slot, needed, content),
                };
            }
        }
        Err(Error::AllSlotsPinned { slots: self.rotation.slot_count() })
    }

    /// The first `len` bytes of the claimed slot's payload, to be written as values of `dtype`.
    #[inline]
    pub(crate) fn payload_mut(&mut self, claim: &Claim, dtype: DType, len: usize) -> &mut [u8] {
        let Some(state) = self.slots.get_mut(claim.slot().get()) else { return &mut [] };
        state.bools &= dtype == DType::Bool;
        state.payload.as_mut().map_or(&mut [], |payload| payload.bytes_mut(claim, len))
    }

    /// Makes sure that the claimed slot's payload can be looked at as `dtype`: for `bool`, that no byte is other than 0 or 1.
    pub(crate) fn make_valid(&mut self, claim: &Claim, dtype: DType) {
        if let Some(state) = self.slots.get_mut(claim.slot().get())
            && let Some(payload) = state.payload.as_mut()
            && dtype == DType::Bool
            && !state.bools
        {
            payload.bytes_mut(claim, payload.capacity()).fill(0);
            state.bools = true;
        }
    }

    /// Publishes a copy of `bytes`, whose length is that of an array of this dtype and shape.
    pub(crate) fn write(&mut self, dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        match self.claim_at_once(bytes.len().max(self.least_capacity)) {
            Some(claim) => Ok(self.write_to(claim, false, dtype, shape, bytes)),
            None => self.write_somehow(dtype, shape, bytes),
        }
    }

    /// As [`write`](Self::write), when the first guess of a slot was wrong or it needs memory. Out of line, as it has one caller.
    #[cold]
    #[inline(never)]
    fn write_somehow(&mut self, dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let (claim, written) = self.claim_somehow(bytes.len().max(self.least_capacity), bytes)?;
        Ok(self.write_to(claim, written, dtype, shape, bytes))
    }

    /// Publishes `bytes` in a claimed slot, where they may have been `written` already.
    #[inline(always)]
    fn write_to(&mut self, claim: Claim, written: bool, dtype: DType, shape: &[usize], bytes: &[u8]) -> u64 {
        self.describe(&claim, dtype, shape, bytes.len());
        let payload = self.payload_mut(&claim, dtype, bytes.len());
        if !written {
            // A claim has room for what it was made for; a panic here would be worse than a value of zeros.
            copy(payload, bytes);
        }
        fail_point!("write.copied");
        self.publish(claim, bytes.len())
    }

    /// Writes the header of a claimed slot, but for the time; nothing when it says the same already.
    #[inline(always)]
    pub(crate) fn describe(&mut self, claim: &Claim, dtype: DType, shape: &[usize], byte_len: usize) {
        let slot = claim.slot();
        let (Some(state), Some(on_board)) = (self.slots.get_mut(slot.get()), self.held.board.slot(slot)) else {
            return;
        };
        match &state.described {
            Some(known)
                if known.dtype == dtype
                    && known.shape.iter().eq(shape)
                    && !self.last_number.is_multiple_of(DESCRIBE_ANEW_EVERY) => {}
            _ => {
                let payload = state.payload.as_ref().map_or(Uuid::nil(), WritePayload::id);
                on_board.set_header(&RawHeader::encode(payload, byte_len, 0, dtype, shape));
                state.described = Some(Described { dtype, shape: shape.to_vec() });
            }
        }
        fail_point!("write.described");
    }

    /// The shape that a claimed slot has been described with.
    pub(crate) fn shape(&self, claim: &Claim) -> &[usize] {
        let state = self.slots.get(claim.slot().get());
        state.and_then(|state| state.described.as_ref()).map_or(&[], |described| &described.shape)
    }

    /// The dtype that a claimed slot has been described with.
    pub(crate) fn dtype(&self, claim: &Claim) -> DType {
        let state = self.slots.get(claim.slot().get());
        state.and_then(|state| state.described.as_ref()).map_or(DType::U8, |described| described.dtype)
    }

    /// Makes the claimed slot, described and filled with an array of `byte_len` bytes, the current value.
    #[inline(always)]
    pub(crate) fn publish(&mut self, claim: Claim, byte_len: usize) -> u64 {
        let slot = claim.slot();
        if let Some(on_board) = self.held.board.slot(slot) {
            on_board.set_time(self.stamps.now());
        }
        self.last_number += 1;
        let number = self.last_number;
        self.rotation.published(slot, number);
        let needed = byte_len.max(self.least_capacity);
        let next = if self.ahead.is_empty() { self.rotation.upcoming(needed, self.look.pins) } else { PinMask::EMPTY };
        let retries = self.look.retries;
        let side = self.held.board.writer_side(&self.held.table);
        self.latest = side.publish(claim, number, next, &mut self.ahead, &mut self.look);
        if self.look.retries != retries {
            self.rotation.widen();
        }
        if let Some(replaced) = self.bell().ring() {
            self.held.board.wake_holders_of(replaced);
        }
        fail_point!("publish.rung");
        if let Some(slot) = self.rotation.surplus(needed, self.look.pins, number) {
            self.give_up(slot);
        }
        if self.orphans != PinMask::EMPTY
            && let Some(slot) = self.orphans.without(self.look.pins).without(slot.bit()).first()
        {
            self.give_up(slot);
        }
        if number.is_multiple_of(REAP_EVERY) && self.look.pins != PinMask::EMPTY {
            self.reap();
        }
        number
    }

    /// Gives a claimed slot back whose payload has been written to: it holds no value.
    pub(crate) fn discard(&mut self, claim: Claim) {
        // Its `seq` stays 0, so nobody pins it; the rotation takes it for free.
        drop(claim);
    }

    pub(super) fn bell(&self) -> Doorbell<'_> {
        Doorbell { asleep: self.held.table.asleep(), wake: self.held.board.wake() }
    }

    pub(super) fn refresh(&mut self) {
        self.look = self.held.board.writer_side(&self.held.table).look();
    }

    /// Gives the claimed slot a payload file with room for `needed` bytes. Also tells whether `content` has been written to it.
    fn grow(&mut self, claim: Claim, slot: SlotIndex, needed: usize, content: &[u8]) -> Result<(Claim, bool)> {
        match self.create_payload(slot, needed, content) {
            Ok((payload, written)) => {
                fail_point!("grow.created");
                self.set_payload(slot, Some(payload));
                fail_point!("grow.replaced");
                Ok((claim, written))
            }
            Err(error) => {
                // Header and payload are as they were.
                self.held.board.writer_side(&self.held.table).abandon(claim);
                Err(error)
            }
        }
    }

    /// Creates a payload file; when memory is short, files that hold nothing of use are given up for it.
    fn create_payload(&mut self, slot: SlotIndex, needed: usize, content: &[u8]) -> Result<(WritePayload, bool)> {
        let create = |core: &Self| WritePayload::create(&core.held.location, needed, core.mode, core.prefault, content);
        let result = create(self);
        if !matches!(result, Err(Error::OutOfMemory { .. })) {
            return result;
        }
        let idle: Vec<_> = self.rotation.idle(self.look.pins).filter(|&other| other != slot).collect();
        if idle.is_empty() {
            return result;
        }
        for other in idle {
            self.give_up(other);
        }
        create(self)
    }

    /// Exchanges a claimed slot's payload file and unlinks the old one. Its header must be written anew before it is published.
    pub(super) fn set_payload(&mut self, slot: SlotIndex, payload: Option<WritePayload>) {
        let Some(state) = self.slots.get_mut(slot.get()) else { return };
        self.rotation.set_capacity(slot, payload.as_ref().map(WritePayload::capacity));
        state.described = None;
        state.bools = true; // a new file is all zeros
        let old = std::mem::replace(&mut state.payload, payload).map(|payload| payload.id());
        let orphan = state.orphan.take();
        self.orphans = self.orphans.without(slot.bit());
        for id in old.into_iter().chain(orphan) {
            self.unlink_payload(id);
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // In a forked child the channel is still the parent's; closing the descriptors leaves its locks alone.
        if self.forks == sys::fork_count() {
            self.close();
        }
    }
}
