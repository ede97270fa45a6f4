//! The output of a peer, taken as it comes.

use std::process::ChildStdout;
use std::time::Duration;

#[cfg(unix)]
pub(super) use unix::Output;
#[cfg(windows)]
pub(super) use windows::Output;

#[cfg(unix)]
mod unix {
    use super::{ChildStdout, Duration};
    use std::io::{ErrorKind, Read};
    use std::os::fd::AsRawFd;

    /// Read without waiting, so that words before a stop are heard before the stop.
    pub(crate) struct Output {
        /// `None` once it has said all.
        stdout: Option<ChildStdout>,
    }

    impl Output {
        pub(crate) fn new(stdout: ChildStdout) -> Self {
            // SAFETY: takes numbers; the descriptor is open.
            assert_eq!(unsafe { libc::fcntl(stdout.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }, 0);
            Self { stdout: Some(stdout) }
        }

        pub(crate) fn is_over(&self) -> bool {
            self.stdout.is_none()
        }

        /// Adds what there is.
        pub(crate) fn take(&mut self, to: &mut Vec<u8>) {
            let mut bytes = [0; 4096];
            while let Some(stdout) = &mut self.stdout {
                match stdout.read(&mut bytes) {
                    Ok(0) => self.stdout = None,
                    Ok(count) => to.extend(&bytes[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
                }
            }
        }

        /// Until there is something, at most so long, to the next millisecond.
        pub(crate) fn sleep(&mut self, time: Duration) {
            let Some(stdout) = &self.stdout else { return };
            let mut wanted = libc::pollfd { fd: stdout.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let millis = time.as_nanos().div_ceil(1_000_000).min(1000);
            // SAFETY: reads and writes the one struct.
            unsafe { libc::poll(&raw mut wanted, 1, millis as libc::c_int) };
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::{ChildStdout, Duration};
    use std::io::Read;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};

    /// Read by a thread, which ends with the output.
    pub(crate) struct Output {
        pieces: Receiver<Vec<u8>>,
        /// Received while waiting for it.
        next: Vec<u8>,
        over: bool,
    }

    impl Output {
        pub(crate) fn new(mut stdout: ChildStdout) -> Self {
            let (sender, pieces) = channel();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = stdout.read(&mut bytes)
                    && sender.send(bytes[..count].to_vec()).is_ok()
                {}
            });
            Self { pieces, next: Vec::new(), over: false }
        }

        pub(crate) fn is_over(&self) -> bool {
            self.over && self.next.is_empty()
        }

        /// Adds what there is.
        pub(crate) fn take(&mut self, to: &mut Vec<u8>) {
            to.append(&mut self.next);
            loop {
                match self.pieces.try_recv() {
                    Ok(mut piece) => to.append(&mut piece),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.over = true;
                        break;
                    }
                }
            }
        }

        /// Until there is something, at most so long.
        pub(crate) fn sleep(&mut self, time: Duration) {
            match self.pieces.recv_timeout(time) {
                Ok(piece) => self.next.extend(piece),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.over = true,
            }
        }
    }
}
