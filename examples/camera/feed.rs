//! Where the frames come from: drawn at a steady rate, drawn as fast as possible, or read from a pipe.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use anyhow::Result;
use ndsharray::Writer;

use crate::{
    args::FrameSize,
    ledger::{self, Ledger},
    pattern,
    stop::Stop,
    tally::Tally,
};

/// What a feed sent, and what it cost.
pub(crate) struct Sent {
    pub(crate) tally: Tally,
    pub(crate) cost: Cost,
    /// Bytes of a last frame that was cut off, and so not published.
    pub(crate) cut_off: Option<CutOff>,
}

/// Time for each frame.
pub(crate) enum Cost {
    /// Spent in `Writer::loan` and in `Loan::publish`, for a frame that was made where it lies.
    Loans { loans: Vec<Duration>, publishes: Vec<Duration> },
    /// Spent in `Writer::write`, which copies, and in a plain memcpy of the same frame.
    Copies { writes: Vec<Duration>, memcpys: Vec<Duration> },
}

pub(crate) struct CutOff {
    pub(crate) found: usize,
    pub(crate) wanted: usize,
}

/// Draws `rate` frames a second, each of them in the memory that the readers see.
pub(crate) fn paced(writer: &mut Writer<u8>, rate: f64, time: Duration, stop: &Stop) -> Result<Sent> {
    let period = Duration::from_secs_f64(rate.recip());
    let shape = pattern::SIZE.shape();
    let (mut loans, mut publishes) = (Vec::new(), Vec::new());
    let mut tally = Tally::default();
    let start = Instant::now();
    let mut due = Duration::ZERO;
    while start.elapsed() < time && !stop.requested() {
        let asked = Instant::now();
        let mut loan = writer.loan(&shape)?;
        loans.push(asked.elapsed());

        pattern::draw(loan.as_mut_slice(), tally.frames);

        let drawn = Instant::now();
        loan.publish()?;
        publishes.push(drawn.elapsed());

        tally.count();
        due += period;
        stop.sleep(due.saturating_sub(start.elapsed()));
    }
    Ok(Sent { tally, cost: Cost::Loans { loans, publishes }, cut_off: None })
}

/// Draws frames in private memory and has each of them copied, once into the channel and once into one of two buffers
/// in turn. Nobody who must leave the current value alone while the next one is made can do with less than two.
pub(crate) fn flat_out(writer: &mut Writer<u8>, time: Duration, stop: &Stop) -> Result<Sent> {
    let shape = pattern::SIZE.shape();
    let mut frame = vec![0; pattern::BYTES];
    // Not zero, or the memory would be there only from the first copy on.
    let (mut buffer, mut other) = (vec![1; pattern::BYTES], vec![1; pattern::BYTES]);
    let mut writes = Vec::new();
    let mut memcpys = Vec::new();
    let mut tally = Tally::default();
    let start = Instant::now();
    while start.elapsed() < time && !stop.requested() {
        pattern::draw(&mut frame, tally.frames);

        // The second copy finds the frame in the cache, so the two take turns at being the second.
        let write_first = tally.frames.is_multiple_of(2);
        if write_first {
            writes.push(timed_write(writer, &shape, &frame)?);
        }
        memcpys.push(timed_memcpy(&mut buffer, &frame));
        if !write_first {
            writes.push(timed_write(writer, &shape, &frame)?);
        }

        std::mem::swap(&mut buffer, &mut other);
        tally.count();
    }
    Ok(Sent { tally, cost: Cost::Copies { writes, memcpys }, cut_off: None })
}

fn timed_write(writer: &mut Writer<u8>, shape: &[usize], frame: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    writer.write(shape, frame)?;
    Ok(start.elapsed())
}

fn timed_memcpy(to: &mut [u8], from: &[u8]) -> Duration {
    let start = Instant::now();
    to.copy_from_slice(from);
    // Nobody reads the copy; this keeps the compiler from leaving it out.
    std::hint::black_box(to);
    start.elapsed()
}

/// Reads frames until the input ends, each of them straight into the memory that the readers see.
pub(crate) fn piped(
    mut input: impl Read,
    writer: &mut Writer<u8>,
    ledger: &mut Ledger,
    size: FrameSize,
    stop: &Stop,
) -> Result<Sent> {
    let (mut loans, mut publishes) = (Vec::new(), Vec::new());
    let mut tally = Tally::default();
    let mut cut_off = None;
    while !stop.requested() {
        let asked = Instant::now();
        let mut loan = writer.loan(&size.shape())?;
        loans.push(asked.elapsed());

        let frame = loan.as_mut_slice();
        let wanted = frame.len();
        let found = fill(&mut input, frame)?;
        if found < wanted {
            // The loan is dropped, and the last whole frame stays the current one.
            cut_off = (found > 0).then_some(CutOff { found, wanted });
            break;
        }
        let sum = ledger::checksum(frame);

        let complete = Instant::now();
        let seq = loan.publish()?;
        publishes.push(complete.elapsed());

        ledger.enter(seq, sum)?;
        tally.count();
    }
    Ok(Sent { tally, cost: Cost::Loans { loans, publishes }, cut_off })
}

/// Reads until `buffer` is full or the input ends, and says how many bytes came. (Standard input has a buffer of its
/// own, but a read that is larger passes it by, so nothing is copied on the way.)
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let wanted = buffer.len();
    let mut rest = buffer;
    while !rest.is_empty() {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => rest = rest.split_at_mut_checked(count).unwrap_or_default().1,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(wanted - rest.len())
}
