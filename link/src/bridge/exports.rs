//! The channels that go out.

use super::relay::{Relay, Task};
use super::settings::Settings;
use super::window::Windows;
use crate::carrier::{Carrier, Host, Offer, Order, Token, Wish};
use crate::counters::Counters;
use crate::names::{any_matches, check};
use crate::report::{ChannelReport, Direction, State};
use ndsharray::inspect::{ChannelState, Details, Kind};
use ndsharray::{Options, Reader};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long relays of a closed channel have to pass on its last values.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// The most wishes of other hosts that are heard. Each may take a thread.
const MAX_WISHES: usize = 2048;

/// A channel that other hosts are told of.
struct Export {
    /// Shows whether the channel has been closed. It stands in no table.
    monitor: Reader,
    /// Whether it was closed when it was offered, and its last value stays.
    kept: bool,
    _token: Token,
}

/// What is carried out of one channel, which may be closed and made anew meanwhile.
struct Line {
    counters: Arc<Counters>,
    export: Option<Export>,
    relays: Vec<Relay>,
    /// When relays of a closed channel are to be ended.
    end_at: Option<Instant>,
}

pub(super) struct Exports {
    me: Host,
    lines: BTreeMap<String, Line>,
    /// What other hosts want, whether it is there or not.
    wishes: HashMap<(String, Host), Order>,
    windows: Arc<Windows>,
    /// Why the directory cannot be read.
    problem: Option<String>,
}

impl Exports {
    pub(super) fn new(me: Host, windows: Arc<Windows>) -> Self {
        Self { me, lines: BTreeMap::new(), wishes: HashMap::new(), windows, problem: None }
    }

    /// Looks which channels have come and gone. Those in `imported` are not this host's.
    pub(super) fn scan(&mut self, settings: &Settings, carrier: &Arc<dyn Carrier>, imported: &BTreeSet<String>) {
        let listed = match settings.options.list() {
            Ok(listed) => listed,
            Err(error) => return self.problem = Some(error.to_string()),
        };
        self.problem = None;
        let is_ours = |name: &str| !imported.contains(name) && settings.allows(&self.me.id, name);
        let names: BTreeSet<String> = listed
            .into_iter()
            .filter(|listed| listed.kind == Kind::Channel && is_ours(&listed.name))
            .map(|listed| listed.name)
            .collect();
        for (name, line) in &mut self.lines {
            let is_over = |export: &mut Export| !names.contains(name) || export.monitor.is_closed() != export.kept;
            if line.export.take_if(is_over).is_some() {
                line.end_at = Some(Instant::now() + LAST_WORDS);
            }
            if line.end_at.is_some_and(|end| Instant::now() >= end) {
                line.relays.clear();
            }
            for relay in line.relays.extract_if(.., |relay| relay.has_ended()) {
                // It has told its receiver of the close. That wants the channel anew, if it does.
                self.wishes.remove(&(name.clone(), relay.wish.receiver.clone()));
            }
        }
        self.lines.retain(|name, line| line.export.is_some() || !line.relays.is_empty() || names.contains(name));
        for name in names {
            let line = self.lines.entry(name.clone()).or_insert_with(|| Line {
                counters: Arc::new(Counters::new()),
                export: None,
                relays: Vec::new(),
                end_at: None,
            });
            if line.export.is_none() {
                line.export = offer(&settings.options, &self.me, carrier.as_ref(), &name, &line.counters);
                if line.export.is_some() {
                    (line.end_at, line.relays) = (None, Vec::new());
                }
            }
        }
        // A channel that has never been offered has no line to show, but for what is wrong with it.
        self.lines.retain(|_, line| {
            line.export.is_some()
                || !line.relays.is_empty()
                || line.counters.problem().is_some()
                || line.counters.values() > 0
        });
        self.relay(settings, carrier);
    }

    /// Starts the relays that are wanted and are not there.
    fn relay(&mut self, settings: &Settings, carrier: &Arc<dyn Carrier>) {
        for ((channel, receiver), &order) in &self.wishes {
            let Some(line) = self.lines.get_mut(channel).filter(|line| line.export.is_some()) else { continue };
            if line.relays.iter().any(|relay| relay.wish.receiver == *receiver && !relay.has_ended()) {
                continue;
            }
            let task = Task {
                options: settings.options.clone(),
                carrier: Arc::clone(carrier),
                counters: Arc::clone(&line.counters),
                wish: Wish { channel: channel.clone(), receiver: receiver.clone(), order },
                lossless: any_matches(&settings.in_order, &self.me.id, channel),
                interval: settings.interval(channel),
            };
            match Relay::start(task, &self.windows) {
                Ok(relay) => line.relays.push(relay),
                Err(error) => line.counters.set_problem(Some(format!("no thread: {error}"))),
            }
        }
    }

    pub(super) fn want(&mut self, wish: Wish, settings: &Settings, carrier: &Arc<dyn Carrier>) {
        // What is not offered is not relayed either, whatever a peer asks for.
        let key = (wish.channel.clone(), wish.receiver.clone());
        let has_room = self.wishes.len() < MAX_WISHES || self.wishes.contains_key(&key);
        if has_room && settings.allows(&self.me.id, &wish.channel) {
            let in_order = any_matches(&settings.in_order, &self.me.id, &wish.channel);
            let order = if in_order { Order::InOrder } else { wish.order };
            self.wishes.insert(key, order);
            self.relay(settings, carrier);
        }
    }

    pub(super) fn end(&mut self, wish: &Wish) {
        self.wishes.remove(&(wish.channel.clone(), wish.receiver.clone()));
        if let Some(line) = self.lines.get_mut(&wish.channel) {
            line.relays.retain(|relay| relay.wish.receiver != wish.receiver);
        }
    }

    pub(super) fn report(&self) -> Vec<ChannelReport> {
        let row = |(name, line): (&String, &Line)| ChannelReport {
            direction: Direction::Out,
            host: self.me.id.clone(),
            channel: name.clone(),
            local: name.clone(),
            state: match line.export {
                None => State::Gone,
                Some(_) if line.relays.is_empty() => State::Idle,
                Some(_) => State::Live,
            },
            receivers: line.relays.iter().map(|relay| relay.wish.receiver.id.clone()).collect(),
            values: line.counters.values(),
            bytes: line.counters.bytes(),
            number: line.counters.number(),
            age_ns: line.counters.age(),
            drops: line.counters.drops(),
            problem: line.counters.problem(),
        };
        self.lines.iter().map(row).collect()
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }

    /// Ends all relays, and withdraws all offers.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }
}

/// Announces a channel, if it has a value of its own.
fn offer(options: &Options, me: &Host, carrier: &dyn Carrier, name: &str, counters: &Counters) -> Option<Export> {
    // A look stands in no table: it is no reader that another bridge could take for a demand.
    let report = options.look(name, Kind::Channel).ok()?;
    let kept = match report.details {
        Details::Channel { state: Some(ChannelState::Open), .. } => false,
        Details::Channel { state: Some(ChannelState::Kept), .. } => true,
        _ => return None,
    };
    if report.value?.origin.is_some() {
        return None;
    }
    if let Err(problem) = check(&format!("{}.{name}", me.id)) {
        counters.set_problem(Some(problem));
        return None;
    }
    match begin(options, me, carrier, name, kept) {
        Ok(export) => {
            counters.set_problem(None);
            export
        }
        Err(problem) => {
            counters.set_problem(Some(problem));
            None
        }
    }
}

fn begin(
    options: &Options,
    me: &Host,
    carrier: &dyn Carrier,
    name: &str,
    kept: bool,
) -> Result<Option<Export>, String> {
    let said = |error: ndsharray::Error| error.to_string();
    let monitor = options.open_read_only(name).map_err(said)?;
    let found: Option<(Uuid, u64)> = {
        let mut reader = options.open(name).map_err(said)?;
        let sample = reader.latest().map_err(said)?;
        sample.filter(|sample| !sample.is_imported()).map(|sample| (sample.incarnation(), sample.seq()))
    };
    let Some((incarnation, number)) = found else { return Ok(None) };
    let offer = Offer { host: me.clone(), channel: name.to_owned(), incarnation, number };
    let token = carrier.announce(&offer).map_err(|error| error.to_string())?;
    Ok(Some(Export { monitor, kept, _token: token }))
}
