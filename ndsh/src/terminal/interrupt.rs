//! Ctrl-C, for commands that run until the user stops them.

use crate::failure::{Exit, Failure, Result};
use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

/// Knows whether SIGINT, SIGTERM or SIGHUP has arrived.
///
/// A second signal ends the process at once, with code 130.
pub(crate) struct Interrupt {
    signals: Receiver<()>,
    requested: Cell<bool>,
}

impl Interrupt {
    /// Catches the signals, once per process.
    ///
    /// From here on the first signal does not end the process, so the caller must ask for it in
    /// time.
    pub(crate) fn catch() -> Result<Self> {
        let (sender, signals) = sync_channel(1);
        let mut asked = false;
        ctrlc::set_handler(move || {
            if std::mem::replace(&mut asked, true) {
                std::process::exit(130);
            }
            // The channel has room for one message, and only one is ever sent.
            let _ = sender.try_send(());
        })
        .map_err(|error| Failure::new(Exit::Failure, format!("cannot catch Ctrl-C: {error}")))?;
        Ok(Self { signals, requested: Cell::new(false) })
    }

    /// Whether it is time to stop.
    pub(crate) fn requested(&self) -> bool {
        if !matches!(self.signals.try_recv(), Err(TryRecvError::Empty)) {
            self.requested.set(true);
        }
        self.requested.get()
    }

    /// Sleeps, and returns true as soon as it is time to stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        if !self.requested.get() && !matches!(self.signals.recv_timeout(time), Err(RecvTimeoutError::Timeout)) {
            self.requested.set(true);
        }
        self.requested.get()
    }
}
