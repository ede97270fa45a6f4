//! What a value may have behind its elements: a record of its source, and attributes.
//!
//! Both are optional, and flags in the slot's header say which of them are there. They begin at the
//! first multiple of [`ALIGN`] behind the elements, the record first. The length of the attributes
//! stands in a word of its own, as it may differ from value to value where the header does not. A
//! value without flags has nothing behind its elements, and that word is not looked at.
//!
//! | bytes of the record | field |
//! |---|---|
//! | 0..16 | incarnation of the source: a UUID |
//! | 16..24 | epoch there |
//! | 24..32 | wall time of the write there: nanoseconds since 1970, signed |

use super::error::HeaderError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Bytes of attributes that a value can have at most.
pub const MAX_ATTRIBUTES: usize = 4096;

/// What stands behind the elements begins at a multiple of this.
const ALIGN: usize = 16;

/// Bytes of the record: a multiple of [`ALIGN`], so that attributes behind it are aligned too.
const RECORD: usize = 32;

static_assertions::const_assert_eq!(RECORD % ALIGN, 0);

/// Bytes of the longest tail.
pub(crate) const MAX_TAIL: usize = RECORD + MAX_ATTRIBUTES;

/// The flag of a value with attributes.
const HAS_ATTRIBUTES: u8 = 1;
/// The flag of an imported value.
const HAS_RECORD: u8 = 2;

/// The extent of what a value has behind its elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    record: bool,
    /// Bytes of attributes, 0 to [`MAX_ATTRIBUTES`].
    attributes: u32,
}

impl Tail {
    /// Nothing.
    pub const NONE: Self = Self { record: false, attributes: 0 };

    /// So many bytes of attributes, behind a record or not; `None` when they are too many.
    pub fn new(record: bool, attributes: usize) -> Option<Self> {
        let attributes = u32::try_from(attributes).ok().filter(|_| attributes <= MAX_ATTRIBUTES)?;
        Some(Self { record, attributes })
    }

    /// The flags that this library knows, of a header's flags.
    pub(crate) const fn known(flags: u8) -> u8 {
        flags & (HAS_ATTRIBUTES | HAS_RECORD)
    }

    /// Whether these flags have the word with the length of the attributes looked at.
    pub(crate) const fn has_length(flags: u8) -> bool {
        flags & HAS_ATTRIBUTES != 0
    }

    /// Decodes [known](Self::known) flags, and the length of the attributes if they want it.
    pub(crate) fn decode(flags: u8, len: u32) -> Result<Self, HeaderError> {
        let record = flags & HAS_RECORD != 0;
        if !Self::has_length(flags) {
            return Ok(Self { record, attributes: 0 });
        }
        let refused = HeaderError::Attributes { found: len, max: MAX_ATTRIBUTES };
        Self::new(record, len as usize).filter(|tail| tail.attributes != 0).ok_or(refused)
    }

    /// The flags of a header.
    pub fn flags(self) -> u8 {
        let attributes = if self.attributes == 0 { 0 } else { HAS_ATTRIBUTES };
        let record = if self.record { HAS_RECORD } else { 0 };
        attributes | record
    }

    /// Bytes of attributes.
    pub fn attributes(self) -> u32 {
        self.attributes
    }

    /// Whether there is nothing.
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        !self.record && self.attributes == 0
    }

    /// Bytes of record and attributes.
    pub(crate) fn len(self) -> usize {
        self.record_len() + self.attributes as usize
    }

    fn record_len(self) -> usize {
        if self.record { RECORD } else { 0 }
    }

    /// Where it begins behind `byte_len` bytes of elements, which fit the address space.
    pub(crate) fn at(byte_len: usize) -> usize {
        // An array is no longer than isize::MAX, which leaves room for this.
        byte_len.checked_next_multiple_of(ALIGN).unwrap_or(byte_len)
    }

    /// Bytes that the value needs with its `byte_len` bytes of elements.
    pub(crate) fn end(self, byte_len: usize) -> usize {
        if self.is_none() { byte_len } else { Self::at(byte_len).saturating_add(self.len()) }
    }

    /// Splits the bytes of a tail of this extent; `None` when they have another length.
    pub(crate) fn split(self, bytes: &[u8]) -> Option<(Option<Record>, &[u8])> {
        let (record, attributes) = bytes.split_at_checked(self.record_len())?;
        let record = record.first_chunk().map(Record::decode);
        (attributes.len() == self.attributes as usize).then_some((record, attributes))
    }

    /// Fills the bytes of a tail of this extent.
    pub(crate) fn fill(bytes: &mut [u8], record: Option<&Record>, attributes: &[u8]) {
        let (front, rest) = bytes.split_at_mut_checked(if record.is_some() { RECORD } else { 0 }).unwrap_or_default();
        if let (Some(front), Some(record)) = (front.first_chunk_mut(), record) {
            *front = record.encode();
        }
        // No caller has made room for another length.
        if let Some(room) = rest.get_mut(..attributes.len()) {
            room.copy_from_slice(attributes);
        }
    }
}

/// What an imported value was at its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The lineage of its number there.
    pub incarnation: Uuid,
    /// Which of the writers there wrote it.
    pub epoch: u64,
    /// When it was written there: nanoseconds since 1970.
    pub time_ns: i64,
}

impl Record {
    /// Encodes it.
    pub fn encode(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let fields = [self.epoch.to_ne_bytes(), self.time_ns.to_ne_bytes()];
        let fields = self.incarnation.as_bytes().iter().chain(fields.as_flattened());
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// Decodes it; any bytes are one.
    pub fn decode(bytes: &[u8; RECORD]) -> Self {
        let word = |at: usize| {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
            bytes.copied().unwrap_or_default()
        };
        let incarnation = bytes.first_chunk::<16>().copied().unwrap_or_default();
        Self {
            incarnation: Uuid::from_bytes(incarnation),
            epoch: u64::from_ne_bytes(word(16)),
            time_ns: i64::from_ne_bytes(word(24)),
        }
    }

    /// The time of the write.
    pub(crate) fn time(&self) -> SystemTime {
        let distance = Duration::from_nanos(self.time_ns.unsigned_abs());
        let time = if self.time_ns < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        // Every system that has files for this library can express it.
        time.unwrap_or(UNIX_EPOCH)
    }

    /// The field of a time of the write; one that does not fit becomes the nearest that does.
    pub(crate) fn time_ns_of(time: SystemTime) -> i64 {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tail_begins_at_a_multiple_of_16() {
        let tail = Tail::new(false, 5).unwrap();
        assert_eq!([0, 1, 16, 24].map(|len| (Tail::at(len), tail.end(len))), [(0, 5), (16, 21), (16, 21), (32, 37)]);
        assert_eq!(Tail::NONE.end(24), 24);
        assert_eq!(Tail::new(true, 0).unwrap().end(24), 64);
        let longest = Tail::new(true, MAX_ATTRIBUTES).unwrap();
        assert!(longest.end(isize::MAX as usize) > isize::MAX as usize, "no overflow");
        assert_eq!(longest.len(), MAX_TAIL);
    }

    #[test]
    fn a_length_that_no_writer_gives_is_refused() {
        assert_eq!(Tail::new(false, 4097), None);
        for found in [0, 4097, u32::MAX] {
            assert_eq!(Tail::decode(1, found), Err(HeaderError::Attributes { found, max: 4096 }));
            assert_eq!(Tail::decode(3, found), Err(HeaderError::Attributes { found, max: 4096 }));
            assert_eq!(Tail::decode(2, found), Ok(Tail::new(true, 0).unwrap()), "not looked at");
            assert_eq!(Tail::decode(0, found), Ok(Tail::NONE), "not looked at");
        }
    }

    #[test]
    fn times_before_1970_and_beyond_the_field_have_an_answer() {
        let long = Duration::from_secs(1 << 40);
        assert_eq!(Record::time_ns_of(UNIX_EPOCH - Duration::from_nanos(400)), -400);
        if let (Some(after), Some(before)) = (UNIX_EPOCH.checked_add(long), UNIX_EPOCH.checked_sub(long)) {
            assert_eq!(Record::time_ns_of(after), i64::MAX);
            assert_eq!(Record::time_ns_of(before), i64::MIN);
        }
    }

    /// The example in the documentation, byte for byte.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_documented_example_decodes() {
        let bytes = crate::format::slot::documented_hex("tail");
        let tail = Tail::new(true, 11).unwrap();
        let (record, attributes) = tail.split(&bytes).unwrap();
        let record = record.unwrap();
        assert_eq!(record.incarnation.to_string(), "1b4e28ba-2fa1-41d2-883f-0016d3cca427");
        assert_eq!((record.epoch, record.time_ns), (3, 1_700_000_000_250_000_000));
        assert_eq!(attributes, br#"{"frame":7}"#);
        let mut again = vec![0; tail.len()];
        Tail::fill(&mut again, Some(&record), attributes);
        assert_eq!(again, bytes);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(incarnation in any::<u128>(), epoch in any::<u64>(), time_ns in any::<i64>(), record in any::<bool>(), attributes in prop::collection::vec(any::<u8>(), 0..64)) {
            let record = record.then_some(Record { incarnation: Uuid::from_u128(incarnation), epoch, time_ns });
            let tail = Tail::new(record.is_some(), attributes.len()).unwrap();
            prop_assert_eq!(Tail::decode(tail.flags(), tail.attributes()), Ok(tail));
            let mut bytes = vec![0; tail.len()];
            Tail::fill(&mut bytes, record.as_ref(), &attributes);
            prop_assert_eq!(tail.split(&bytes), Some((record, attributes.as_slice())));
            bytes.push(0);
            prop_assert_eq!(tail.split(&bytes), None);
            if let Some(record) = record {
                prop_assert!(Record::time_ns_of(record.time()).abs_diff(time_ns) < 100, "a clock of 100 ns at least");
            }
        }
    }
}
