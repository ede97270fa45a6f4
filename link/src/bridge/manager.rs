//! The thread that knows all channels, and has others carry them.

use super::exports::Exports;
use super::imports::Imports;
use super::settings::Settings;
use super::window::Windows;

use crate::carrier::{Carrier, Host, Notice};
use crate::report::Report;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Between two looks at the readers of imported channels.
const DEMAND: Duration = Duration::from_millis(50);
/// Between two looks at the directory.
const SCAN: Duration = Duration::from_millis(250);

/// What is to be done next, as the manager's thread gets it.
pub(super) enum Job {
    Notice(Notice),
    Report(SyncSender<Report>),
    Stop,
}

pub(super) struct Manager {
    settings: Settings,
    me: Host,
    carrier: Arc<dyn Carrier>,
    exports: Exports,
    imports: Imports,
    /// Notices that were lost, as more came than could be taken.
    lost: Arc<AtomicU64>,
    lost_before: u64,
}

impl Manager {
    pub(super) fn new(
        settings: Settings,
        me: Host,
        carrier: Arc<dyn Carrier>,
        windows: Arc<Windows>,
        lost: Arc<AtomicU64>,
    ) -> Self {
        let (exports, imports) = (Exports::new(me.clone(), windows), Imports::new(me.clone()));
        Self { settings, me, carrier, exports, imports, lost, lost_before: 0 }
    }

    pub(super) fn run(&mut self, jobs: &Receiver<Job>) {
        let (mut scan_at, mut tend_at) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            if now >= tend_at {
                // Relaxed: a count.
                let lost = self.lost.load(Ordering::Relaxed);
                if std::mem::replace(&mut self.lost_before, lost) != lost {
                    self.imports.mistrust();
                }
                self.imports.tend(&self.settings, &self.carrier);
                tend_at = now + DEMAND;
            }
            if now >= scan_at {
                self.exports.scan(&self.settings, &self.carrier, &self.imports.locals());
                scan_at = now + SCAN;
            }
            let pause = tend_at.min(scan_at).saturating_duration_since(Instant::now());
            match jobs.recv_timeout(pause) {
                Ok(Job::Notice(notice)) => self.take(notice),
                Ok(Job::Report(answer)) => {
                    // The asking party may have gone.
                    let _ = answer.try_send(self.report());
                }
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.exports.clear();
        self.imports.clear();
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Offered(offer) => self.imports.offered(offer, &self.settings),
            Notice::Withdrawn(offer) => self.imports.withdrawn(&offer),
            Notice::Wanted(wish) => self.exports.want(wish, &self.settings, &self.carrier),
            Notice::Unwanted(wish) => self.exports.end(&wish),
            // Passed on where it came in.
            Notice::Answered { .. } => {}
        }
    }

    fn report(&self) -> Report {
        let mut channels = self.exports.report();
        channels.extend(self.imports.report());
        let hosts = self.imports.hosts().into_iter().collect();
        let mut problems = self.imports.problems(self.settings.linger);
        problems.extend(self.exports.problem());
        problems.extend(self.carrier.problems());
        if self.lost_before > 0 {
            let lost = self.lost_before;
            problems.push(format!("{lost} notices of other hosts were lost: more came than can be taken"));
        }
        Report { id: self.me.id.clone(), channels, hosts, problems }
    }
}
