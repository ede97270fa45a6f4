//! Ctrl-C, for commands that run until they are told to stop.

use crate::failure::{Exit, Failure, Result};
use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

/// Knows whether the user wants to stop: SIGINT, SIGTERM or SIGHUP came.
///
/// A second signal ends the process at once, with code 130.
pub(crate) struct Interrupt {
    signals: Receiver<()>,
    requested: Cell<bool>,
}

impl Interrupt {
    /// From here on the first signal no longer ends the process; whoever calls this asks in time. Once per process.
    pub(crate) fn catch() -> Result<Self> {
        let (sender, signals) = sync_channel(1);
        let mut asked = false;
        ctrlc::set_handler(move || {
            if std::mem::replace(&mut asked, true) {
                std::process::exit(130);
            }
            // It holds one message, and this is the only one ever sent.
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

    /// Sleeps, and comes back early when it is time to stop: `true` then.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        if !self.requested.get() && !matches!(self.signals.recv_timeout(time), Err(RecvTimeoutError::Timeout)) {
            self.requested.set(true);
        }
        self.requested.get()
    }
}
