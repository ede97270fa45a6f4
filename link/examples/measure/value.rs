//! What the values of a measurement hold: time of day, round, number, and the number's last byte
//! in all other bytes, so that a torn one shows.

use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a small value.
pub(crate) const SMALL: usize = 64;
/// Bytes of the head.
const HEAD: usize = 24;
/// The round of values that count for nothing: they show that there is a way.
pub(crate) const NO_ROUND: u64 = u64::MAX;

/// The head of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) sent: u64,
    pub(crate) round: u64,
    pub(crate) number: u64,
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

/// Fills a value in place. Its time is that at which it is full.
pub(crate) fn fill(value: &mut [u8], round: u64, number: u64) {
    value.fill(number as u8);
    stamp(value, round, number);
}

pub(crate) fn stamp(value: &mut [u8], round: u64, number: u64) {
    let words = [now(), round, number];
    for (to, word) in value.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
}

pub(crate) fn head(value: &[u8]) -> Option<Head> {
    let mut words = value.get(..HEAD)?.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes);
    Some(Head { sent: words.next()?, round: words.next()?, number: words.next()? })
}

/// Whether bytes of two values are in it. Looks at one byte of each 61.
pub(crate) fn is_torn(value: &[u8], number: u64) -> bool {
    value.iter().skip(HEAD).step_by(61).any(|&byte| byte != number as u8)
}
