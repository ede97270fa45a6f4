//! Long reservations under signals.

use std::io::{self, ErrorKind};

/// The smallest piece of [`in_pieces`].
#[cfg_attr(
    not(any(target_os = "linux", target_os = "freebsd", test)),
    allow(dead_code, reason = "nothing interrupts it")
)]
pub(super) const PIECE: u64 = 64 << 10;

/// Reserves `len` bytes by `reserve`, which gets the start and length of a piece.
///
/// All at once, or, where signals interrupt that, in pieces that become smaller. Older kernels undo
/// what they have done when a signal comes. Under an interval timer a long reservation would begin
/// again forever.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "freebsd", test)),
    allow(dead_code, reason = "nothing interrupts it")
)]
pub(super) fn in_pieces(len: u64, mut reserve: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
    let (mut done, mut piece) = (0, len);
    loop {
        let next = piece.min(len - done);
        match reserve(done, next) {
            Ok(()) => done += next,
            Err(e) if e.kind() == ErrorKind::Interrupted => piece = (piece / 2).max(PIECE),
            Err(e) => return Err(e),
        }
        if done >= len {
            return Ok(());
        }
    }
}
