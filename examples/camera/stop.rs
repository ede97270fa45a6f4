//! Ctrl-C as a request, so that whoever runs can finish, close the channel and leave no file behind.

use std::{
    convert::Infallible,
    sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError},
    time::Duration,
};

use anyhow::Result;

/// The far end of this pipe is dropped when the user asks for the end. Nothing is ever sent through it.
pub(crate) struct Stop(Receiver<Infallible>);

impl Stop {
    /// From here on, Ctrl-C no longer ends the process by itself.
    pub(crate) fn on_ctrl_c() -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let mut sender = Some(sender);
        ctrlc::set_handler(move || drop(sender.take()))?;
        Ok(Self(receiver))
    }

    pub(crate) fn requested(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Sleeps, but not on after the user has asked for the end.
    pub(crate) fn sleep(&self, time: Duration) {
        match self.0.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => (),
            Ok(never) => match never {},
        }
    }
}
