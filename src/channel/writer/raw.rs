//! The writer without its element type: claims a slot, makes room in it, publishes it.

use super::keeping::{Keeping, Wait};
use super::open::{Before, OwnedChannel};
use super::rotation::{Choice, Rotation, bits};
use super::types::Types;
use crate::arch::clock::Stamps;
use crate::arch::memcpy::copy;
use crate::channel::board::HeaderWords;
use crate::channel::payload::WritePayload;
use crate::element::dtype::DType;
use crate::element::element_type::ElementType;
use crate::element::time::unit::TimeUnit;
use crate::error::{Error, Memory, Result};
use crate::failpoint::fail_point;
use crate::files::location::Location;
use crate::files::trusted::has_name;
use crate::format::slot::{RawHeader, SlotHeader};
use crate::options::Options;
use crate::sys::Home;
use ndsharray_protocol::channel::{Claim, Latest, MAX_NUMBER, PerSlot, PinMask, PinScan, Preclaimed, SlotIndex};
use uuid::Uuid;

/// Publications after which an unchanged header is written again.
///
/// A damaged header heals so. A prime, so that each slot has its turn.
const DESCRIBE_ANEW_EVERY: u64 = 251;

/// The header that a slot has now, and what it was made from.
pub(super) struct Described {
    pub(super) element: ElementType,
    pub(super) shape: Vec<usize>,
}

impl Described {
    /// Whether it was made from these.
    #[inline(always)]
    pub(super) fn is(&self, element: ElementType, shape: &[usize]) -> bool {
        self.element == element && self.shape.iter().eq(shape)
    }
}

/// What this process knows of one slot beyond the rotation's numbers.
#[derive(Default)]
pub(super) struct SlotState {
    pub(super) payload: Option<WritePayload>,
    /// A payload file that an earlier writer left, still to be unlinked.
    pub(super) orphan: Option<Uuid>,
    pub(super) described: Option<Described>,
    /// In place of `described`, for a header that says what stands behind the elements: with its
    /// flags. In a box, as it is rarely there.
    pub(super) flagged: Option<Box<(Described, u8)>>,
    /// Whether every byte of the payload file is known to be 0 or 1.
    pub(super) bools: bool,
}

/// A channel's writer. Dropping it closes the channel.
pub(crate) struct RawWriter {
    pub(super) held: OwnedChannel,
    pub(super) options: Options,
    mode: u32,
    least_capacity: usize,
    prefault: bool,
    pub(super) persist: bool,
    pub(super) closed: bool,
    pub(super) slots: PerSlot<SlotState>,
    pub(super) rotation: Rotation,
    pub(super) latest: Latest,
    pub(super) last_number: u64,
    /// Where the fast path may be taken: in the writer's process, or nowhere if values are kept.
    plain: Home,
    pub(super) keeping: Keeping,
    /// The unit of times, if it is not the default.
    pub(super) unit: Option<TimeUnit>,
    /// Whether a value of times has been written, whose unit the next ones have.
    pub(super) unit_is_set: bool,
    /// State of a channel whose files are gone, until it is re-created. Meanwhile `last_number` is
    /// the largest possible, so that each claim notices.
    pub(super) lost: Option<Lost>,
    /// What the last look at the readers showed; a guess that each claim checks.
    pub(super) look: PinScan,
    /// Slots that are claimed already.
    pub(super) ahead: Preclaimed,
    /// Slots whose file an earlier writer made, kept for its value.
    pub(super) orphans: PinMask,
    stamps: Stamps,
    home: Home,
    /// What the channel's records consist of.
    pub(super) types: Types,
}

/// A channel without files, until it is re-created.
pub(super) struct Lost {
    pub(super) before: Before,
    /// The last value, if this process has it and its file has gone too.
    pub(super) value: Option<(WritePayload, SlotHeader)>,
}

impl RawWriter {
    /// Makes the channel `location`, or takes it over from a dead writer.
    pub(crate) fn create(location: Location, options: &Options) -> Result<Self> {
        Self::create_after(location, options, Before::default())
    }

    /// As [`create`](Self::create), for a new board after what was `before`.
    pub(super) fn create_after(location: Location, options: &Options, before: Before) -> Result<Self> {
        options.check()?;
        let home = Home::here();
        let held = OwnedChannel::acquire(location, options, before, || None)?;
        // An existing channel keeps its geometry, because its readers do; fewer slots can be used
        // of it.
        let slots = held.board.slot_count();
        let usable = slots.min(options.max_slots);
        let keeping = Keeping::new(options);
        let mut core = Self {
            last_number: held.last_number,
            plain: if keeping.on { Home::NOWHERE } else { home },
            keeping,
            unit: None,
            unit_is_set: false,
            mode: options.mode | 0o600,
            least_capacity: options.capacity,
            prefault: options.prefault,
            persist: options.persist,
            closed: false,
            options: options.clone(),
            slots: PerSlot::default(),
            rotation: Rotation::new(usable, options.history),
            latest: Latest::NONE,
            lost: None,
            look: PinScan::default(),
            ahead: Preclaimed::default(),
            orphans: PinMask::EMPTY,
            stamps: Stamps::new(),
            types: Types::default(),
            home,
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
        Some(self.held.location.payload_name(self.payload_id()?))
    }

    /// The current value's payload.
    pub(super) fn payload_id(&self) -> Option<Uuid> {
        if self.latest.is_none() {
            return None;
        }
        let state = &self.slots[self.latest.slot()];
        state.payload.as_ref().map(WritePayload::id).or(state.orphan)
    }

    /// Number of the last value; 0 before the first.
    pub(crate) fn seq(&self) -> u64 {
        self.latest.number()
    }

    /// Fails in a forked child: its parent is the writer.
    #[inline]
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.home.is_here() { Ok(()) } else { Err(Error::Forked) }
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
            && self.is_plain()
            && self.last_number < MAX_NUMBER
            && let Some(claim) = self.try_claim(slot)
        {
            return Some(claim);
        }
        None
    }

    /// Claims a slot with room for `needed` bytes, of which `content` may be written on the way.
    ///
    /// Also returns whether it has been.
    pub(super) fn claim_for(&mut self, needed: usize, content: &[u8]) -> Result<(Claim, bool)> {
        let needed = needed.max(self.least_capacity);
        match self.claim_at_once(needed) {
            Some(claim) => Ok((claim, false)),
            None => self.claim_somehow(needed, content),
        }
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

    /// Claims a slot when the first guess was wrong, or it needs memory.
    ///
    /// Also returns whether `content` has been written to it.
    #[cold]
    #[inline(never)]
    fn claim_somehow(&mut self, needed: usize, content: &[u8]) -> Result<(Claim, bool)> {
        if self.keeping.on
            && let Some(claim) = self.claim_kept(needed)
        {
            return Ok((claim, false));
        }
        if !self.home.is_here() {
            return Err(Error::Forked);
        }
        // No payload file is made for a channel that has lost its name: no process would look for
        // it.
        if self.lost.is_none() && !has_name(&self.held.location.board(), self.held.board.identity()) {
            self.make_anew();
        }
        if self.lost.is_some() {
            self.find_again()?;
        }
        if self.last_number >= MAX_NUMBER {
            return Err(Error::NumbersExhausted { max: MAX_NUMBER });
        }
        let (mut reaped, mut attempts, mut wait) = (false, 0, Wait::default());
        // Each refused claim means that a reader pinned just then; the bound only ends a siege by
        // one that never stops.
        while attempts < 4 * self.held.board.slot_count() {
            attempts += 1;
            let choice = self.choose(needed);
            let wants_more = !matches!(choice, Some(Choice::Fits(_)));
            if wants_more && !reaped && self.look.pins != PinMask::EMPTY {
                // Before a held value costs memory or an error, make sure that its holder lives.
                reaped = true;
                self.reap();
                self.refresh();
                continue;
            }
            let Some(choice) = choice else {
                if !self.wait_for_readers(&mut wait)? {
                    break;
                }
                attempts = 0;
                continue;
            };
            if !self.held.board.is_ready(choice.slot())
                && let Err(error) = self.held.make_ready(choice.slot())
            {
                if matches!(choice, Choice::Spread(_)) {
                    self.rotation.make_do();
                } else if !matches!(self.wait_for_readers(&mut wait), Ok(true)) {
                    return Err(error);
                }
                continue;
            }
            let Some(claim) = self.try_claim(choice.slot()) else { continue };
            match choice {
                Choice::Fits(_) => return Ok((claim, false)),
                Choice::Grow(_) if !self.rotation.has_history_to_spare() => match self.grow(claim, needed, content) {
                    // What lossless readers read next may come free.
                    Err(error @ Error::OutOfMemory { .. }) => {
                        if !matches!(self.wait_for_readers(&mut wait), Ok(true)) {
                            return Err(error);
                        }
                        attempts = 0;
                    }
                    other => return other,
                },
                Choice::Grow(_) | Choice::Spread(_) => match self.create_payload(needed, content) {
                    Ok(created) => return Ok(self.take_payload(claim, created)),
                    // Whatever the reason: others have room. Not tried again for a while, as each
                    // attempt takes long.
                    Err(_) => {
                        self.held.board.writer_side(&self.held.table).abandon(claim);
                        self.rotation.make_do();
                    }
                },
            }
        }
        Err(Error::AllSlotsPinned { slots: self.rotation.slot_count() })
    }

    /// The first `len` bytes of the claimed slot's payload, for elements of `element`.
    #[inline(always)]
    pub(crate) fn payload_mut(&mut self, claim: &Claim, element: ElementType, len: usize) -> &mut [u8] {
        let state = &mut self.slots[claim.slot()];
        state.bools &= element.tag() == DType::Bool.tag();
        state.payload.as_mut().map_or(&mut [], |payload| payload.bytes_mut(claim, len))
    }

    /// Makes sure that the claimed slot's payload is valid as elements of `element`.
    ///
    /// For `bool` that means that no byte is other than 0 or 1.
    #[inline(always)]
    pub(crate) fn make_valid(&mut self, claim: &Claim, element: ElementType) {
        let state = &mut self.slots[claim.slot()];
        if let Some(payload) = state.payload.as_mut()
            && element.tag() == DType::Bool.tag()
            && !state.bools
        {
            payload.bytes_mut(claim, payload.capacity()).fill(0);
            state.bools = true;
        }
    }

    /// Publishes a copy of `bytes`, as long as an array of this element type and shape.
    pub(crate) fn write(&mut self, element: ElementType, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        match self.claim_at_once(bytes.len().max(self.least_capacity)) {
            Some(claim) => Ok(self.write_to::<false>(claim, false, element, shape, bytes)),
            None => self.write_somehow(element, shape, bytes),
        }
    }

    /// As [`write`](Self::write), when the first guess was wrong or the slot needs memory.
    ///
    /// Out of line, as it has one caller.
    #[cold]
    #[inline(never)]
    fn write_somehow(&mut self, element: ElementType, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let (claim, written) = self.claim_somehow(bytes.len().max(self.least_capacity), bytes)?;
        Ok(self.write_to::<true>(claim, written, element, shape, bytes))
    }

    /// Publishes `bytes` in a claimed slot, where they may have been `written` already.
    ///
    /// `MAY_KEEP` is false on the fast path, which a writer that keeps values never takes.
    #[inline(always)]
    fn write_to<const MAY_KEEP: bool>(
        &mut self,
        claim: Claim,
        written: bool,
        element: ElementType,
        shape: &[usize],
        bytes: &[u8],
    ) -> u64 {
        self.describe(&claim, element, shape, bytes.len());
        let payload = self.payload_mut(&claim, element, bytes.len());
        if !written {
            // A claim has room for what it was made for; a panic here would be worse than a value
            // of zeros.
            copy(payload, bytes);
        }
        fail_point!("write.copied");
        if MAY_KEEP { self.publish(claim, bytes.len()) } else { self.publish_plain(claim, bytes.len()) }
    }

    /// Writes the header of a claimed slot, but for the time.
    ///
    /// Writes nothing when it says the same already.
    #[inline(always)]
    pub(crate) fn describe(&mut self, claim: &Claim, element: ElementType, shape: &[usize], byte_len: usize) {
        let slot = claim.slot();
        let (state, on_board) = (&mut self.slots[slot], self.held.board.claimed(claim));
        match &state.described {
            Some(known) if known.is(element, shape) && !self.last_number.is_multiple_of(DESCRIBE_ANEW_EVERY) => {}
            _ => {
                let payload = state.payload.as_ref().map_or(Uuid::nil(), WritePayload::id);
                let header = RawHeader::encode(payload, byte_len, 0, element, shape);
                on_board.set_header(&header, self.held.epoch);
                state.described = Some(Described { element, shape: shape.to_vec() });
                state.flagged = None;
            }
        }
        fail_point!("write.described");
    }

    /// Whether the next value's header is written even if it is unchanged.
    pub(super) fn is_to_describe_anew(&self) -> bool {
        self.last_number.is_multiple_of(DESCRIBE_ANEW_EVERY)
    }

    /// What a claimed slot has been described with.
    fn described(&self, claim: &Claim) -> Option<&Described> {
        let state = &self.slots[claim.slot()];
        state.described.as_ref().or(state.flagged.as_deref().map(|(known, _)| known))
    }

    /// The shape that a claimed slot has been described with.
    pub(crate) fn shape(&self, claim: &Claim) -> &[usize] {
        self.described(claim).map_or(&[], |described| &described.shape)
    }

    /// The element type that a claimed slot has been described with.
    pub(crate) fn element(&self, claim: &Claim) -> ElementType {
        self.described(claim).map_or(DType::U8.into(), |described| described.element)
    }

    /// Makes the claimed slot the current value.
    ///
    /// It has been described, and filled with a value of `byte_len` bytes.
    #[inline(always)]
    pub(crate) fn publish(&mut self, claim: Claim, byte_len: usize) -> u64 {
        if self.keeping.on { self.publish_kept(claim, byte_len) } else { self.publish_plain(claim, byte_len) }
    }

    /// Whether this is the writer's process, and it keeps no older values.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain.is_here()
    }

    /// As [`publish`](Self::publish), for a writer that keeps no older values.
    #[inline(always)]
    pub(crate) fn publish_plain(&mut self, claim: Claim, byte_len: usize) -> u64 {
        self.publish_as::<false>(claim, byte_len)
    }

    /// As [`publish`](Self::publish), for a writer that keeps values.
    #[cold]
    #[inline(never)]
    fn publish_kept(&mut self, claim: Claim, byte_len: usize) -> u64 {
        self.publish_as::<true>(claim, byte_len)
    }

    #[inline(always)]
    fn publish_as<const KEEPS: bool>(&mut self, claim: Claim, byte_len: usize) -> u64 {
        let slot = claim.slot();
        self.held.board.claimed(&claim).set_time(self.stamps.now());
        self.last_number += 1;
        let number = self.last_number;
        self.rotation.published(slot, number);
        if KEEPS {
            self.note_kept(slot, number);
        }
        let needed = byte_len.max(self.least_capacity);
        let held = if KEEPS { self.held_back() } else { self.look.pins };
        let next = if self.ahead.is_empty() { self.rotation.upcoming(needed, held) } else { PinMask::EMPTY };
        let retries = self.look.retries;
        let side = self.held.board.writer_side(&self.held.table);
        self.latest = if KEEPS {
            side.publish_kept(claim, number, next, &mut self.ahead, &mut self.look)
        } else {
            side.publish(claim, number, next, &mut self.ahead, &mut self.look)
        };
        // Only then has there been a look at the readers.
        if next != PinMask::EMPTY && (self.look.retries != retries || self.look.is_crowded && self.rotation.is_narrow())
        {
            self.rotation.widen();
        }
        if self.held.table.event_count().is_awaited() {
            self.wake_readers();
        }
        fail_point!("publish.rung");
        if self.rotation.is_survey_due(number) {
            self.give_up_surplus(needed, number);
        }
        if self.orphans != PinMask::EMPTY
            && let Some(slot) = self.orphans.without(self.held_back()).without(slot.bit()).first()
        {
            self.give_up(slot);
        }
        if self.stamps.is_due() {
            self.look_after();
        }
        number
    }

    /// Periodic work: reaps dead readers, and checks that the files are there.
    #[cold]
    #[inline(never)]
    fn look_after(&mut self) {
        self.stamps.done();
        if self.look.pins != PinMask::EMPTY {
            self.reap();
        }
        if !self.has_its_files() {
            self.make_anew();
        }
    }

    /// Returns a claimed slot whose payload has been written to: it holds no value.
    pub(crate) fn discard(&mut self, claim: Claim) {
        // Its `seq` stays 0, so no reader pins it; the rotation takes it for free.
        drop(claim);
    }

    /// Wakes the sleepers, out of line: a publication without any carries no trace of it.
    #[cold]
    #[inline(never)]
    fn wake_readers(&self) {
        self.held.table.wake_all();
    }

    pub(super) fn refresh(&mut self) {
        self.look = self.held.board.writer_side(&self.held.table).scan();
    }

    /// Gives the claimed slot a payload file with room for `needed` bytes.
    ///
    /// Also returns whether `content` has been written to it.
    fn grow(&mut self, claim: Claim, needed: usize, content: &[u8]) -> Result<(Claim, bool)> {
        match self.create_payload(needed, content) {
            Ok(created) => Ok(self.take_payload(claim, created)),
            Err(error @ Error::OutOfMemory { .. }) => self.grow_by_giving_up(claim, needed, content, error),
            Err(error) => {
                // Header and payload are as they were.
                self.held.board.writer_side(&self.held.table).abandon(claim);
                Err(error)
            }
        }
    }

    /// As [`grow`](Self::grow), after an attempt that failed with `error`.
    ///
    /// Files that hold nothing of use are given up for it. The slot's own goes first, as it is to
    /// be replaced anyway. Where all of them are not enough they stay.
    #[cold]
    fn grow_by_giving_up(
        &mut self,
        claim: Claim,
        needed: usize,
        content: &[u8],
        error: Error,
    ) -> Result<(Claim, bool)> {
        let slot = claim.slot();
        let mut shortage = Shortage::of(&error);
        let mut result = Err(error);
        // Files of an earlier writer whose readers have released them: to be removed in any case.
        let held = self.untouchable();
        let due = self.orphans.without(held).without(self.latest.slot().bit()).without(slot.bit());
        let could_go = self.rotation.could_go(slot, held);
        let could_help = shortage.is_some_and(|mut shortage| {
            could_go.iter().for_each(|&(_, capacity)| shortage.relieve(capacity));
            shortage.is_over()
        });
        let (mut intact, mut tried) = (true, false);
        let due = bits(due.to_bits()).map(|slot| (slot, 0));
        for (other, capacity) in due.chain(could_go.into_iter().filter(|_| could_help)) {
            tried = true;
            if other == slot {
                intact = false;
                self.erase_header(&claim);
                self.set_payload(slot, None);
            } else {
                self.give_up(other);
            }
            if let Some(shortage) = &mut shortage {
                shortage.relieve(capacity);
            }
            if capacity == 0 || shortage.is_some_and(|shortage| shortage.is_over()) {
                result = self.create_payload(needed, content);
                if !matches!(result, Err(Error::OutOfMemory { .. })) {
                    break;
                }
            }
        }
        match result {
            Ok(created) => Ok(self.take_payload(claim, created)),
            Err(error) => {
                if tried {
                    // Readers may have mapped what has gone, and keep its memory. Those that sleep
                    // are woken to let go.
                    self.held.table.wake_all();
                }
                if intact {
                    self.held.board.writer_side(&self.held.table).abandon(claim);
                } else {
                    self.discard(claim);
                }
                Err(error)
            }
        }
    }

    fn create_payload(&self, needed: usize, content: &[u8]) -> Result<(WritePayload, bool)> {
        WritePayload::create(&self.held.location, needed, self.mode, self.prefault, content)
    }

    /// Gives the claimed slot a payload file that has been made for it.
    fn take_payload(&mut self, claim: Claim, (payload, written): (WritePayload, bool)) -> (Claim, bool) {
        fail_point!("grow.created");
        self.set_payload(claim.slot(), Some(payload));
        fail_point!("grow.replaced");
        (claim, written)
    }

    /// Exchanges a claimed slot's payload file and unlinks the old one.
    ///
    /// The slot's header must be rewritten before it is published.
    pub(super) fn set_payload(&mut self, slot: SlotIndex, payload: Option<WritePayload>) {
        let state = &mut self.slots[slot];
        self.rotation.set_capacity(slot, payload.as_ref().map(WritePayload::capacity));
        (state.described, state.flagged) = (None, None);
        state.bools = true; // a new file is all zeros
        let old = std::mem::replace(&mut state.payload, payload).map(|payload| payload.id());
        let orphan = state.orphan.take();
        self.orphans = self.orphans.without(slot.bit());
        for id in old.into_iter().chain(orphan) {
            self.unlink_payload(id);
        }
    }
}

/// How much a file's memory exceeds what there is.
///
/// In the unit of what is short.
#[derive(Clone, Copy, Debug)]
struct Shortage {
    missing: u64,
    /// Whether each file that goes counts as one, whatever its size.
    in_files: bool,
}

impl Shortage {
    /// The shortage that the error reports; `None` when removing files cannot help.
    fn of(error: &Error) -> Option<Self> {
        let Error::OutOfMemory { requested, available, memory } = error else { return None };
        let in_files = match memory {
            Memory::FileSystem { .. } | Memory::Group | Memory::AddressSpace => false,
            Memory::Inodes { .. } | Memory::Mappings => true,
            _ => return None,
        };
        Some(Self { missing: requested.saturating_sub(*available), in_files })
    }

    /// A file of `capacity` bytes has gone.
    fn relieve(&mut self, capacity: usize) {
        self.missing = self.missing.saturating_sub(if self.in_files { 1 } else { capacity as u64 });
    }

    fn is_over(&self) -> bool {
        self.missing == 0
    }
}

impl Drop for RawWriter {
    fn drop(&mut self) {
        // In a forked child the channel is still the parent's, and `close` refuses; closing the
        // descriptors leaves its locks alone. Best effort otherwise: the next writer removes what
        // stays.
        let _ = self.close();
    }
}
