//! How a reader knows what a frame must look like.

use std::{hint::black_box, time::Duration};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::{
    ledger::{self, Audit},
    pattern,
    report::Seen,
};

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Check {
    /// Every byte follows from the frame's number.
    Pattern,
    /// The writer sends a checksum on another channel.
    Ledger,
}

impl Check {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Ledger => "ledger",
        }
    }

    /// Removes the files of a camera that was killed. All its readers try: one of them is the first, the others find
    /// nothing, and none can remove a channel that a new camera has taken over.
    pub(crate) fn remove_channels(self, camera: &str) {
        let _ = ndsharray::remove(camera);
        if let Self::Ledger = self {
            let _ = ndsharray::remove(&ledger::channel(camera));
        }
    }
}

pub(crate) enum Checker {
    Pattern { last: Option<Numbered> },
    Ledger(Box<Audit>),
}

/// A frame's sequence number in the channel, and the number drawn on it.
#[derive(Clone, Copy)]
pub(crate) struct Numbered {
    seq: u64,
    drawn: u64,
}

impl Checker {
    pub(crate) fn new(check: Check, camera: &str, patience: Duration) -> Result<Self> {
        Ok(match check {
            Check::Pattern => Self::Pattern { last: None },
            Check::Ledger => Self::Ledger(Box::new(Audit::open(camera, patience)?)),
        })
    }

    /// Reads every byte: the number drawn on the frame if it is whole, or the frame's checksum.
    pub(crate) fn look(&self, frame: &[u8]) -> Option<u64> {
        // A shared slice does not change, so a compiler may take the second look's result from the first. This is the
        // very thing to be tested, so it must not know that both look at the same bytes.
        let frame = black_box(frame);
        match self {
            Self::Pattern { .. } => pattern::verify(frame),
            Self::Ledger(_) => Some(ledger::checksum(frame)),
        }
    }

    /// Whether both looks saw the same whole frame, as far as can be told now. The ledger may have more to say later.
    ///
    /// Fails when the frame is whole, but another one than its sequence number says.
    pub(crate) fn is_whole(&mut self, seq: u64, at_first: Option<u64>, at_last: Option<u64>) -> Result<bool> {
        let Some(found) = at_first.filter(|_| at_first == at_last) else {
            return Ok(false);
        };
        match self {
            Self::Pattern { last } => {
                let now = Numbered { seq, drawn: found };
                if let Some(before) = last.replace(now) {
                    // Each frame is one publication, so both numbers go up, and by the same amount.
                    let [published, drawn] = [seq.checked_sub(before.seq), found.checked_sub(before.drawn)];
                    ensure!(
                        matches!(published, Some(1..)) && published == drawn,
                        "value {seq} shows frame {found}, after value {} showed frame {}",
                        before.seq,
                        before.drawn
                    );
                }
            }
            Self::Ledger(audit) => audit.note(seq, found),
        }
        Ok(true)
    }

    /// Adds what the ledger says about earlier frames.
    pub(crate) fn settle(&mut self, seen: &mut Seen) -> Result<()> {
        if let Self::Ledger(audit) = self {
            let verdicts = audit.settle()?;
            seen.torn += verdicts.wrong;
            seen.unchecked += verdicts.too_late;
        }
        Ok(())
    }

    /// Frames that the ledger has said nothing about.
    pub(crate) fn pending(&self) -> u64 {
        match self {
            Self::Pattern { .. } => 0,
            Self::Ledger(audit) => audit.pending() as u64,
        }
    }
}
