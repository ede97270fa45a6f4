//! Keys that the user presses while a command goes on, on a terminal that stays as it is.

use super::colour::has_cursor;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use signal_hook::consts::{SIGCONT, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io::{IsTerminal, Read, stderr, stdin};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest time between two looks at whether this process has the terminal.
const TICK: u16 = 200;

/// How the terminal was before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// Whether this process was stopped, and goes on.
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// The keys, one by one, without Enter; Ctrl-C and Ctrl-Z stay signals.
pub(crate) struct Keys(Option<Receiver<u8>>);

impl Keys {
    /// Listens, if there is a terminal to listen to; in any case notices that the process was
    /// stopped.
    pub(crate) fn listen() -> Self {
        let is_there = stdin().is_terminal() && stderr().is_terminal() && has_cursor() && is_in_front();
        let before = tcgetattr(stdin()).ok().filter(|_| is_there);
        let has_keys = before.is_some();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = before;
        let (sender, pressed) = channel();
        if let Ok(mut signals) = Signals::new([SIGTSTP, SIGCONT]) {
            // Threads end with the process.
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    if signal == SIGTSTP {
                        restore();
                        // Stops here, until SIGCONT comes.
                        let _ = emulate_default_handler(SIGTSTP);
                    }
                    prepare();
                    // Relaxed: nothing else is told by it.
                    CONTINUED.store(true, Ordering::Relaxed);
                }
            });
        }
        if !has_keys {
            return Self(None);
        }
        // SAFETY: `restore` needs no part of Rust's runtime that ends before: it makes system calls
        // with what is in a static.
        unsafe { libc::atexit(restore) };
        prepare();
        std::thread::spawn(move || {
            while let Some(key) = next_key() {
                if sender.send(key).is_err() {
                    break;
                }
            }
        });
        Self(Some(pressed))
    }

    /// The next key that was pressed, if one was.
    pub(crate) fn next(&self) -> Option<u8> {
        self.0.as_ref()?.try_recv().ok()
    }

    /// Whether the process was stopped since the last time that this was asked.
    pub(crate) fn was_stopped(&self) -> bool {
        CONTINUED.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether this process has the terminal; another one would be stopped when it uses it.
fn is_in_front() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|front| front == getpgrp())
}

/// How the terminal was before, if it is this process's and was changed.
fn before() -> Option<Termios> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| is_in_front())
}

/// Has the terminal give keys at once, and not show them.
fn prepare() {
    let Some(mut termios) = before() else { return };
    termios.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
    let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &termios);
}

/// Gives the terminal back as it was.
extern "C" fn restore() {
    if let Some(before) = before() {
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &before);
    }
}

/// Waits for a key; `None` when no more can come.
fn next_key() -> Option<u8> {
    loop {
        let input = stdin();
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(TICK)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
            Ok(_) => {}
            Err(_) => return None,
        }
        if !is_in_front() {
            // Keys are for the shell, for the time being.
            std::thread::sleep(Duration::from_millis(TICK.into()));
            continue;
        }
        let mut key = [0];
        return match input.lock().read(&mut key) {
            Ok(1) => Some(u8::from_ne_bytes(key)),
            _ => None,
        };
    }
}
