//! The check for frames that come from outside, whose bytes follow no rule.
//!
//! The camera's channel carries the picture and nothing else, so that any consumer can use it. The checksums travel on
//! a second channel, NAME-check: rows of (sequence number, checksum), the row for a number being that number modulo the
//! number of rows. A reader that gets frame n finds its row there, unless it is so slow that the row was used again.

use std::time::Duration;

use anyhow::Result;
use ndsharray::{Reader, Writer};

/// At 60 frames a second, a reader may fall eight seconds behind before it misses a row.
const ROWS: usize = 512;
const COLUMNS: usize = 2;

pub(crate) fn channel(camera: &str) -> String {
    format!("{camera}-check")
}

fn row_of(seq: u64) -> usize {
    let rows = ROWS as u64;
    // A remainder of ROWS, which is a usize.
    usize::try_from(seq % rows).unwrap_or_default()
}

/// The writer's side.
pub(crate) struct Ledger {
    writer: Writer<u64>,
    /// Sequence numbers start at 1, so a row of zeros is a row not yet used.
    rows: [[u64; COLUMNS]; ROWS],
}

impl Ledger {
    pub(crate) fn create(camera: &str) -> Result<Self> {
        Ok(Self { writer: Writer::create(&channel(camera))?, rows: [[0; COLUMNS]; ROWS] })
    }

    /// Notes the checksum of the frame that was published under `seq`.
    pub(crate) fn enter(&mut self, seq: u64, sum: u64) -> Result<()> {
        if let Some(row) = self.rows.get_mut(row_of(seq)) {
            *row = [seq, sum];
        }
        self.writer.write(&[ROWS, COLUMNS], self.rows.as_flattened())?;
        Ok(())
    }
}

/// The reader's side.
pub(crate) struct Audit {
    reader: Reader,
    /// Frames seen whose row has not come yet: the frame is published first, for its number is known only then.
    open: Vec<Seen>,
}

struct Seen {
    seq: u64,
    sum: u64,
}

/// What became of the frames whose rows have come.
#[derive(Default)]
pub(crate) struct Verdicts {
    /// Frames whose bytes are not those that were sent under their number.
    pub(crate) wrong: u64,
    /// Frames whose row was used again before this reader looked.
    pub(crate) too_late: u64,
}

impl Audit {
    pub(crate) fn open(camera: &str, patience: Duration) -> Result<Self> {
        Ok(Self { reader: Reader::open_timeout(&channel(camera), patience)?, open: Vec::new() })
    }

    /// Notes the checksum of a frame that this reader saw.
    pub(crate) fn note(&mut self, seq: u64, sum: u64) {
        self.open.push(Seen { seq, sum });
    }

    /// Frames that still wait for their row.
    pub(crate) fn pending(&self) -> usize {
        self.open.len()
    }

    /// Compares what can be compared by now.
    pub(crate) fn settle(&mut self) -> Result<Verdicts> {
        let mut verdicts = Verdicts::default();
        if self.open.is_empty() {
            return Ok(verdicts);
        }
        let Some(sample) = self.reader.latest()? else {
            return Ok(verdicts);
        };
        let view = sample.view::<u64>()?;
        let (rows, _) = view.as_slice().as_chunks::<COLUMNS>();
        self.open.retain(|seen| match rows.get(row_of(seen.seq)) {
            Some(&[seq, sum]) if seq == seen.seq => {
                verdicts.wrong += u64::from(sum != seen.sum);
                false
            }
            Some(&[seq, _]) if seq > seen.seq => {
                verdicts.too_late += 1;
                false
            }
            _ => true,
        });
        Ok(verdicts)
    }
}

/// A checksum over every byte and its place, at several bytes a cycle: four chains of multiplications side by side.
/// It finds accidents; it is no defence against anybody.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    const LANES: usize = 4;
    const FACTOR: u64 = 0xd134_2543_de82_ef95;

    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, tail) = bytes.as_chunks::<8>();
    let (groups, rest) = words.as_chunks::<LANES>();
    let mut lanes: [u64; LANES] = [1, 2, 3, 4];
    for group in groups {
        for (lane, word) in lanes.iter_mut().zip(group) {
            *lane = mix(*lane, u64::from_ne_bytes(*word));
        }
    }
    let sum = lanes.into_iter().fold(bytes.len() as u64, mix);
    let sum = rest.iter().fold(sum, |sum, word| mix(sum, u64::from_ne_bytes(*word)));
    tail.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}
