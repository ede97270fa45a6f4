//! A bridge: exports the channels of a directory, and imports those of other hosts.

mod exports;
mod import;
mod imports;
mod manager;
mod relay;
mod settings;
mod window;

pub use settings::Settings;

use crate::carrier::{Carrier, CarrierError, Host, Listener, Notice};
use crate::report::Report;
use manager::{Job, Manager};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::JoinHandle;
use window::Windows;

/// Notices that may wait for the manager. A peer that floods it with more loses them.
const MAX_NOTICES: usize = 1 << 16;

/// A bridge that runs. Dropping it ends it.
pub struct Bridge {
    jobs: SyncSender<Job>,
    thread: Option<JoinHandle<()>>,
    carrier: Arc<dyn Carrier>,
    host: Host,
}

struct Forward {
    jobs: SyncSender<Job>,
    windows: Arc<Windows>,
    lost: Arc<AtomicU64>,
}

impl Listener for Forward {
    fn notice(&self, notice: Notice) {
        if let Notice::Answered { channel, receiver, answer } = notice {
            return self.windows.answer(channel, receiver, answer);
        }
        if let Err(TrySendError::Full(_)) = self.jobs.try_send(Job::Notice(notice)) {
            // Relaxed: a count.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Bridge {
    /// Starts a bridge over `carrier`.
    ///
    /// # Errors
    ///
    /// The directory cannot be read, the carrier cannot be started, or there is no thread.
    pub fn start(settings: Settings, carrier: Arc<dyn Carrier>) -> crate::carrier::Result<Self> {
        settings.options.list().map_err(|error| CarrierError(error.to_string()))?;
        let host = Host::new(settings.id.clone());
        let (jobs, queue) = mpsc::sync_channel(MAX_NOTICES);
        let lost = Arc::new(AtomicU64::new(0));
        let windows = Arc::new(Windows::default());
        let forward = Forward { jobs: jobs.clone(), windows: Arc::clone(&windows), lost: Arc::clone(&lost) };
        carrier.start(&host, Arc::new(forward))?;
        let mut manager = Manager::new(settings, host.clone(), Arc::clone(&carrier), windows, lost);
        let thread = std::thread::Builder::new()
            .name("manager".into())
            .spawn(move || manager.run(&queue))
            .map_err(|error| CarrierError(format!("no thread: {error}")))?;
        Ok(Self { jobs, thread: Some(thread), carrier, host })
    }

    /// Which run of the bridge this is.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What it is doing.
    #[must_use]
    pub fn report(&self) -> Report {
        let (answer, answered) = mpsc::sync_channel(1);
        match self.jobs.send(Job::Report(answer)) {
            Ok(()) => answered.recv().unwrap_or_default(),
            Err(_) => Report::default(),
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // Fails only if the manager has ended.
        let _ = self.jobs.send(Job::Stop);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed.
            let _ = thread.join();
        }
        self.carrier.stop();
    }
}
