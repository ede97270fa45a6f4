//! The channels that come in.

use super::import::Import;
use super::settings::Settings;
use crate::carrier::{Arrivals, Carrier, Host, Offer, Order, Token};
use crate::counters::Counters;
use crate::names::any_matches;
use crate::report::{ChannelReport, Direction, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The most channels that one host may offer.
const MAX_OFFERS: usize = 4096;
/// The most runs of one host's bridge that are remembered of a channel.
const MAX_RUNS: usize = 8;
/// The most problems that are remembered.
const MAX_PROBLEMS: usize = 100;
/// Pause before a local channel is tried again that could not be made.
const PAUSE: Duration = Duration::from_secs(2);
/// What a thread that writes takes for its stack.
const STACK: usize = 512 << 10;

/// A channel of another host.
struct Entry {
    /// As each run of that host's bridge offers it; the last came last.
    offers: Vec<(Offer, Instant)>,
    /// The run whose values are taken, as long as it offers the channel.
    source: Host,
    import: Arc<Import>,
    counters: Arc<Counters>,
    live: Option<Live>,
    /// Whether it is wanted without a reader in the table.
    always: bool,
    /// Since when no reader has been there, or no offer.
    unread_since: Option<Instant>,
    gone_since: Option<Instant>,
    try_at: Option<Instant>,
}

/// That a channel is wanted. Dropping it ends that.
struct Live {
    _want: Token,
    /// The run of which it is wanted.
    source: Host,
    import: Arc<Import>,
    worker: Option<JoinHandle<()>>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.import.stop();
        if let Some(worker) = self.worker.take_if(|worker| worker.is_finished()) {
            // Its panic has been printed.
            let _ = worker.join();
        }
    }
}

pub(super) struct Imports {
    me: Host,
    entries: BTreeMap<(String, String), Entry>,
    /// Other runs that are called as this one is.
    namesakes: BTreeSet<Offer>,
    problems: BTreeMap<String, String>,
}

impl Imports {
    pub(super) fn new(me: Host) -> Self {
        Self { me, entries: BTreeMap::new(), namesakes: BTreeSet::new(), problems: BTreeMap::new() }
    }

    /// The local names, which are not to be exported.
    pub(super) fn locals(&self) -> BTreeSet<String> {
        self.entries.values().map(|entry| entry.import.local().to_owned()).collect()
    }

    pub(super) fn offered(&mut self, offer: Offer, settings: &Settings) {
        if offer.host.id == self.me.id {
            if offer.host.session != self.me.session && self.namesakes.len() < MAX_OFFERS {
                self.namesakes.insert(offer);
            }
            return;
        }
        if !settings.allows(&offer.host.id, &offer.channel) {
            return;
        }
        let key = (offer.host.id.clone(), offer.channel.clone());
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.offers.retain(|(old, _)| *old != offer);
            if entry.offers.len() >= MAX_RUNS
                && let Some(at) = entry.offers.iter().position(|(old, _)| old.host != entry.source)
            {
                entry.offers.remove(at);
            }
            entry.offers.push((offer, Instant::now()));
            entry.gone_since = None;
            entry.try_at = None;
            return;
        }
        let from_host = self.entries.keys().filter(|(id, _)| *id == offer.host.id).count();
        let local = if self.entries.len() >= settings.max_channels {
            let most = settings.max_channels;
            Err(format!("other hosts offer more than {most} channels, which are as many as `ulimit -n` has room for"))
        } else if from_host >= MAX_OFFERS {
            Err(format!("{} offers more than {MAX_OFFERS} channels", offer.host.id))
        } else {
            settings.renames.local(&offer.host.id, &offer.channel)
        };
        let local = local.and_then(|local| {
            let taken = self.entries.values().find(|entry| entry.import.local() == local);
            taken.map_or(Ok(local), |entry| Err(format!("two channels would be called {:?}", entry.import.local())))
        });
        let local = match local {
            Ok(local) => local,
            Err(problem) => {
                if self.problems.len() < MAX_PROBLEMS {
                    self.problems.insert(format!("{}/{}", key.0, key.1), problem);
                }
                return;
            }
        };
        let is_any = |patterns| any_matches(patterns, &offer.host.id, &offer.channel);
        let order = if is_any(&settings.in_order) { Order::InOrder } else { Order::Latest };
        let mut options = settings.options.clone();
        if order == Order::InOrder {
            options = options.history(settings.history).wait_for_readers(Duration::from_secs(1));
        }
        let counters = Arc::new(Counters::new());
        let import = Arc::new(Import::new(local, options, order, settings.max_bytes, Arc::clone(&counters)));
        let always = is_any(&settings.import);
        let (live, unread_since, gone_since, try_at) = (None, None, None, None);
        let (source, offers) = (offer.host.clone(), vec![(offer, Instant::now())]);
        let entry = Entry { offers, source, import, counters, live, always, unread_since, gone_since, try_at };
        self.entries.insert(key, entry);
    }

    pub(super) fn withdrawn(&mut self, offer: &Offer) {
        let key = (offer.host.id.clone(), offer.channel.clone());
        self.problems.remove(&format!("{}/{}", key.0, key.1));
        self.namesakes.remove(offer);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.offers.retain(|(old, _)| old != offer);
            if entry.offers.is_empty() {
                entry.gone_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Forgets which of several runs came first, as notices of their end may have been lost.
    pub(super) fn mistrust(&mut self) {
        for entry in self.entries.values_mut() {
            if let Some((last, _)) = entry.offers.last() {
                entry.source = last.host.clone();
            }
        }
    }

    /// Does for each channel what is due.
    pub(super) fn tend(&mut self, settings: &Settings, carrier: &Arc<dyn Carrier>) {
        self.entries.retain(|_, entry| entry.tend(settings, carrier));
    }

    pub(super) fn report(&self) -> Vec<ChannelReport> {
        let row = |((host, channel), entry): (&(String, String), &Entry)| ChannelReport {
            direction: Direction::In,
            host: host.clone(),
            channel: channel.clone(),
            local: entry.import.local().to_owned(),
            state: match &entry.live {
                _ if entry.offers.is_empty() => State::Gone,
                Some(_) => State::Live,
                None => State::Idle,
            },
            receivers: Vec::new(),
            values: entry.counters.values(),
            bytes: entry.counters.bytes(),
            number: entry.counters.number(),
            age_ns: entry.counters.age(),
            drops: entry.counters.drops(),
            problem: entry.counters.problem(),
        };
        self.entries.iter().map(row).collect()
    }

    pub(super) fn hosts(&self) -> BTreeSet<String> {
        self.entries.iter().filter(|(_, entry)| !entry.offers.is_empty()).map(|((host, _), _)| host.clone()).collect()
    }

    /// What is wrong: names, and bridges that share one for longer than `overlap`.
    ///
    /// An earlier run of a bridge may be heard of for a while beside the next.
    pub(super) fn problems(&self, overlap: Duration) -> Vec<String> {
        let mut runs: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for (offer, since) in self.entries.values().flat_map(|entry| &entry.offers) {
            if since.elapsed() > overlap {
                runs.entry(&offer.host.id).or_default().insert(offer.host.session);
            }
        }
        let twice = runs.into_iter().filter(|(_, runs)| runs.len() > 1);
        let twice = twice.map(|(id, runs)| format!("{} bridges are called {id:?}: the first one is heard", runs.len()));
        let own = (!self.namesakes.is_empty())
            .then(|| format!("another bridge is called {:?} too: `--id` gives this one another name", self.me.id));
        own.into_iter().chain(twice).chain(self.problems.values().cloned()).collect()
    }

    /// Wants nothing any more, and closes all local channels.
    pub(super) fn clear(&mut self) {
        for entry in self.entries.values_mut() {
            entry.end();
        }
        self.entries.clear();
    }
}

impl Entry {
    /// The offer that counts: the last of the run that is heard, or of another once that has gone.
    ///
    /// Two bridges of one name would take turns otherwise, each closing the other's channel.
    fn current(&mut self) -> Option<Offer> {
        let of_source = self.offers.iter().rev().find(|(offer, _)| offer.host == self.source);
        let (offer, _) = of_source.or(self.offers.last())?.clone();
        self.source.clone_from(&offer.host);
        Some(offer)
    }

    /// Does what is due; returns whether there is still something to do.
    fn tend(&mut self, settings: &Settings, carrier: &Arc<dyn Carrier>) -> bool {
        if self.import.is_closed() {
            // Said by the source itself, so it is not the network that is slow.
            self.end();
            if self.offers.is_empty() {
                return false;
            }
        }
        let is_read = match self.import.readers() {
            Some(readers) => readers > 0 || self.always,
            // A value is just being written to it.
            None => true,
        };
        if is_read {
            self.unread_since = None;
        } else {
            self.unread_since.get_or_insert_with(Instant::now);
        }
        let is_past = |since: Option<Instant>| since.is_some_and(|since| since.elapsed() >= settings.linger);
        let Some(offer) = self.current() else {
            if is_past(self.gone_since) || (!is_read && self.live.is_none()) {
                self.end();
                return false;
            }
            return true;
        };
        if self.try_at.is_some_and(|at| Instant::now() < at) {
            return true;
        }
        if self.live.as_ref().is_some_and(|live| live.source != offer.host) {
            // That run has gone: it is wanted of the next.
            self.live = None;
        }
        match &self.live {
            None => {
                // Anew for another lineage, unless a reader waits for the last one's values.
                if !is_read || !self.import.is_prepared() {
                    match self.import.prepare(&offer) {
                        Ok(()) => {}
                        Err(problem) => {
                            self.fail(problem);
                            return true;
                        }
                    }
                }
                if is_read {
                    self.begin(&offer, carrier);
                }
            }
            Some(_) if is_past(self.unread_since) => {
                self.live = None;
                // A reader that comes later is to see a value of then, and memory comes free.
                if self.import.has_value() {
                    self.import.close();
                    if let Err(problem) = self.import.prepare(&offer) {
                        self.fail(problem);
                    }
                }
            }
            Some(_) => {}
        }
        true
    }

    fn fail(&mut self, problem: String) {
        self.counters.set_problem(Some(problem));
        self.try_at = Some(Instant::now() + PAUSE);
    }

    /// Wants the channel.
    fn begin(&mut self, offer: &Offer, carrier: &Arc<dyn Carrier>) {
        let import = Arc::clone(&self.import);
        let opening = import.open();
        let (worker, with, source) = (Arc::clone(&import), Arc::clone(carrier), offer.clone());
        let builder = std::thread::Builder::new().name(format!("from {}", offer.host.id)).stack_size(STACK);
        let worker = match builder.spawn(move || worker.work(opening, with.as_ref(), &source)) {
            Ok(worker) => worker,
            Err(error) => {
                self.counters.set_problem(Some(format!("no thread: {error}")));
                self.try_at = Some(Instant::now() + PAUSE);
                return;
            }
        };
        match carrier.want(offer, import.order(), Arc::clone(&import) as Arc<dyn Arrivals>) {
            Ok(want) => {
                self.counters.set_problem(None);
                self.live = Some(Live { _want: want, source: offer.host.clone(), import, worker: Some(worker) });
            }
            Err(error) => {
                import.stop();
                self.counters.set_problem(Some(error.to_string()));
                self.try_at = Some(Instant::now() + PAUSE);
            }
        }
    }

    /// Wants the channel no more, and closes the local one.
    fn end(&mut self) {
        self.live = None;
        self.import.close();
    }
}
