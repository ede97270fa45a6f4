//! Standard output, which may be closed, full or a terminal.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether descriptor 1 was closed when the program was started.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Called by the loader before `main`. The standard library opens `/dev/null` in place of a closed
/// descriptor before `main`, and what is written there is lost without a word.
extern "C" fn look() {
    // SAFETY: takes numbers, and changes nothing.
    let closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } == -1;
    // Relaxed: one thread runs before `main`.
    WAS_CLOSED.store(closed, Ordering::Relaxed);
}

// SAFETY: the section holds pointers to functions that the loader calls once, with arguments that a
// C function without parameters ignores. `look` calls one system call and needs no part of Rust's
// runtime.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[used]
static LOOK: extern "C" fn() = look;

/// Standard output with colours where they are wanted.
pub(crate) fn stdout() -> Stdout<anstream::AutoStream<StdoutLock<'static>>> {
    Stdout(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Standard output for bytes, in large pieces: to be flushed.
pub(crate) fn bytes() -> BufWriter<Stdout<StdoutLock<'static>>> {
    BufWriter::with_capacity(1 << 16, Stdout(io::stdout().lock()))
}

/// Writes what is still kept back; errors are to be told.
pub(crate) fn flush() -> io::Result<()> {
    io::stdout().lock().flush()
}

/// A writer that fails where standard output is closed.
pub(crate) struct Stdout<W>(W);

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Relaxed: see `look`.
        if WAS_CLOSED.load(Ordering::Relaxed) {
            return Err(io::Error::other("standard output is closed"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
