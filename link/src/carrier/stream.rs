//! Streams whose other side may be slow, or say nothing.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Without a sign of life for so long, a peer is gone.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Whose turn it is to write whole frames to a peer.
#[derive(Default)]
pub(super) struct Turns {
    taken: Mutex<bool>,
    free: Condvar,
}

pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) fn turn(&self) -> Turn<'_> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.free.wait_while(taken, |taken| *taken).unwrap_or_else(PoisonError::into_inner);
        *taken = true;
        Turn(self)
    }

    pub(super) fn turn_until(&self, end: Instant) -> Option<Turn<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = end.saturating_duration_since(Instant::now());
        let waited = self.free.wait_timeout_while(taken, left, |taken| *taken);
        let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!std::mem::replace(&mut *taken, true)).then(|| Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}

/// Writes all, unless the other side stops taking it.
pub(super) fn write_until(stream: impl Write, bytes: &[u8], until: Instant) -> io::Result<()> {
    write_while(stream, bytes, until, &|| true).map(|_| ())
}

/// Writes while `goes_on`; returns how much. Fails if the other side stops taking it.
///
/// The stream's own time limit must be short, so that the limits are looked at.
pub(super) fn write_while(
    mut stream: impl Write,
    bytes: &[u8],
    until: Instant,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<usize> {
    let (mut sent, mut taken) = (0, Instant::now());
    while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => {
                sent += len;
                taken = Instant::now();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The other side takes nothing for now.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        if sent < bytes.len() {
            if taken.elapsed() >= LEASE || Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if !goes_on() {
                break;
            }
        }
    }
    Ok(sent)
}

/// Reads from a stream, until a point in time if there is one.
pub(super) struct Until {
    pub(super) stream: TcpStream,
    pub(super) until: Option<Instant>,
}

impl Read for Until {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
        }
        self.stream.read(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_taken_one_by_one() {
        let turns = Turns::default();
        let turn = turns.turn();
        assert!(turns.turn_until(Instant::now() + Duration::from_millis(5)).is_none());
        assert!(turns.turn_until(Instant::now()).is_none());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(turns.turn()));
            drop(turn);
            waiting.join().unwrap();
        });
        assert!(turns.turn_until(Instant::now()).is_some());
        drop(turns.turn());
    }
}
