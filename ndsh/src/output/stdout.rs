//! Standard output, which may be closed, full or a terminal.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether descriptor 1 was closed when the program started.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks at descriptor 1 before `main`; the loader calls this.
///
/// Before `main`, the standard library opens `/dev/null` in place of a closed descriptor, and
/// output is lost without an error.
extern "C" fn look() {
    // SAFETY: the call takes numbers and changes nothing.
    let closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } == -1;
    // Relaxed: before `main` there is one thread.
    WAS_CLOSED.store(closed, Ordering::Relaxed);
}

// SAFETY: the section holds pointers to functions that the loader calls once, with arguments that a
// C function without parameters ignores. `look` makes one system call and needs no part of Rust's
// runtime.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[used]
static LOOK: extern "C" fn() = look;

/// Returns standard output for text, with colours where they are wanted.
pub(crate) fn stdout() -> Stdout<anstream::AutoStream<StdoutLock<'static>>> {
    Stdout(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Returns standard output for bytes, with a large buffer, which the caller flushes.
pub(crate) fn bytes() -> BufWriter<Stdout<StdoutLock<'static>>> {
    BufWriter::with_capacity(1 << 16, Stdout(io::stdout().lock()))
}

/// Flushes standard output.
pub(crate) fn flush() -> io::Result<()> {
    io::stdout().lock().flush()
}

/// A writer that fails if standard output was closed.
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
