//! zenoh: peers, routers, TLS and access control, for any number of hosts.
//!
//! Keys, below a namespace; each part but the letters is percent-encoded:
//!
//! | key | what |
//! |---|---|
//! | `HOST/a/CHANNEL/SESSION-INCARNATION-NUMBER` | liveliness: the host offers the channel |
//! | `HOST/w/CHANNEL/RECEIVER/ORDER` | liveliness: the receiver wants it (`l` latest, `o` in order) |
//! | `HOST/v/CHANNEL/RECEIVER` | values for this receiver |
//! | `HOST/k/CHANNEL/RECEIVER` | the receiver's answers |
//!
//! `RECEIVER` is `ID~SESSION`. A session is the number of one run of a bridge: one that is started
//! again is not taken for the run before, which may still be heard of for a while.

use super::{
    Answer, Arrivals, Carrier, CarrierError, Host, Listener, Notice, Offer, Order, Parcel, Payload, Result, Sender,
    Token, Urgency, Wish,
};
use crate::attachment;
use crate::names::{decode, encode};
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;
use zenoh::bytes::ZBytes;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::{Sample, SampleKind};
use zenoh::{Config, Session, Wait};

/// Bytes of a message beside its payload, at most.
const BESIDE: u64 = attachment::MAX_LEN as u64 + (1 << 12);

/// Bytes of a socket's send buffer, where neither a configuration nor an end point says another.
///
/// What is in it goes before all that comes later, whatever its priority. Left alone, the kernel
/// lets it grow to megabytes: small values would wait for that beside large ones.
const SEND_BUFFER: u32 = 1 << 18;

/// What zenoh is to do.
#[derive(Clone, Debug, Default)]
pub struct ZenohSettings {
    /// zenoh's own configuration, which the other settings change.
    pub config: Option<PathBuf>,
    /// `peer`, `router` or `client`; by default what the configuration says, and `peer` without.
    pub mode: Option<String>,
    /// End points to listen on.
    pub listen: Vec<String>,
    /// End points to connect to.
    pub connect: Vec<String>,
    /// What all keys begin with, so that bridges of one network need not meet.
    pub namespace: String,
    /// Whether hosts find each other by multicast, and by what their peers tell of others.
    pub discover: bool,
    /// The largest value, in bytes.
    pub max_bytes: u64,
}

/// A carrier over zenoh.
pub struct Zenoh {
    config: Config,
    prefix: String,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    me: Option<Host>,
    session: Option<Session>,
    subscribers: Vec<Subscriber<()>>,
}

fn said(error: impl std::fmt::Display) -> CarrierError {
    CarrierError(format!("zenoh: {error}"))
}

/// A list of texts, as zenoh's configuration takes it.
fn list(texts: &[String]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", quoted.join(","))
}

fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.extend(control.escape_unicode().filter(|c| !matches!(c, '{' | '}')));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl Zenoh {
    /// Reads and completes the configuration; opens nothing yet.
    ///
    /// # Errors
    ///
    /// The configuration cannot be read, or zenoh refuses a setting.
    pub fn new(settings: &ZenohSettings) -> Result<Self> {
        let mut config = match &settings.config {
            Some(path) => {
                Config::from_file(path).map_err(|error| CarrierError(format!("{}: {error}", path.display())))?
            }
            None => Config::default(),
        };
        let mut set = |key: &str, value: &str| {
            config.insert_json5(key, value).map_err(|error| CarrierError(format!("zenoh's {key} = {value}: {error}")))
        };
        let is_own = settings.config.is_none();
        if let Some(mode) = &settings.mode {
            set("mode", &quote(mode))?;
        }
        // Without end points of its own, a peer would listen on all addresses.
        if is_own || !settings.listen.is_empty() {
            set("listen/endpoints", &list(&settings.listen))?;
        }
        if is_own || !settings.connect.is_empty() {
            set("connect/endpoints", &list(&settings.connect))?;
        }
        if is_own || settings.discover {
            let discover = settings.discover.to_string();
            set("scouting/multicast/enabled", &discover)?;
            set("scouting/gossip/enabled", &discover)?;
        }
        if is_own {
            set("connect/retry", "{period_init_ms: 200, period_max_ms: 2000, period_increase_factor: 2}")?;
            set("transport/link/rx/max_message_size", &settings.max_bytes.saturating_add(BESIDE).to_string())?;
            set("transport/link/tcp/so_sndbuf", &SEND_BUFFER.to_string())?;
            set("transport/link/tls/so_sndbuf", &SEND_BUFFER.to_string())?;
        }
        let largest = config.get_json("transport/link/rx/max_message_size").ok().and_then(|text| text.parse().ok());
        let max_bytes = settings.max_bytes.min(largest.unwrap_or(u64::MAX).saturating_sub(BESIDE));
        let prefix = settings.namespace.split('/').map(encode).collect::<Vec<_>>().join("/");
        if prefix.split('/').any(str::is_empty) {
            return Err(CarrierError(format!("namespace {:?}: a part of it is empty", settings.namespace)));
        }
        Ok(Self { config, prefix, max_bytes, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) -> Result<(Session, Host)> {
        let state = self.state();
        let opened = state.session.clone().zip(state.me.clone());
        opened.ok_or_else(|| CarrierError("zenoh: not open".into()))
    }
}

fn offer_key(prefix: &str, offer: &Offer) -> String {
    let (host, channel) = (encode(&offer.host.id), encode(&offer.channel));
    let (session, incarnation) = (offer.host.session, offer.incarnation.as_simple());
    format!("{prefix}/{host}/a/{channel}/{session:016x}-{incarnation}-{}", offer.number)
}

fn offer_of(prefix: &str, key: &str) -> Option<Offer> {
    let mut parts = key.strip_prefix(prefix)?.strip_prefix('/')?.split('/');
    let (id, letter, channel, detail) = (decode(parts.next()?)?, parts.next()?, decode(parts.next()?)?, parts.next()?);
    let mut details = detail.split('-');
    let session = u64::from_str_radix(details.next()?, 16).ok()?;
    let incarnation = Uuid::try_parse(details.next()?).ok()?;
    let number = details.next()?.parse().ok()?;
    let offer = Offer { host: Host { id, session }, channel, incarnation, number };
    // One spelling of each offer.
    (letter == "a" && offer_key(prefix, &offer) == key).then_some(offer)
}

fn receiver_chunk(receiver: &Host) -> String {
    format!("{}~{:016x}", encode(&receiver.id), receiver.session)
}

fn receiver_of(chunk: &str) -> Option<Host> {
    let (id, session) = chunk.rsplit_once('~')?;
    Some(Host { id: decode(id)?, session: u64::from_str_radix(session, 16).ok()? })
}

fn channel_key(prefix: &str, host: &str, letter: char, channel: &str, receiver: &Host) -> String {
    format!("{prefix}/{}/{letter}/{}/{}", encode(host), encode(channel), receiver_chunk(receiver))
}

fn wish_key(prefix: &str, source: &Host, wish: &Wish) -> String {
    let order = if wish.order == Order::InOrder { 'o' } else { 'l' };
    let key = channel_key(prefix, &source.id, 'w', &wish.channel, &wish.receiver);
    format!("{key}/{order}-{:016x}", source.session)
}

/// What a receiver wants of this run of the bridge, `me`; `None` if it wants it of another run.
fn wish_of(prefix: &str, me: &Host, key: &str) -> Option<Wish> {
    let mut parts = key.strip_prefix(prefix)?.strip_prefix('/')?.split('/').skip(2);
    let (channel, receiver, order) = (decode(parts.next()?)?, receiver_of(parts.next()?)?, parts.next()?);
    let order = if order.starts_with('o') { Order::InOrder } else { Order::Latest };
    let wish = Wish { channel, receiver, order };
    (wish_key(prefix, me, &wish) == key).then_some(wish)
}

/// Whose answer it is, and to which channel.
fn answer_of(prefix: &str, host: &str, key: &str, payload: &[u8]) -> Option<Notice> {
    let mut parts = key.strip_prefix(prefix)?.strip_prefix('/')?.split('/').skip(2);
    let (channel, receiver) = (decode(parts.next()?)?, receiver_of(parts.next()?)?);
    let (relay, count) = payload.split_at_checked(8)?;
    let answer =
        Answer { relay: u64::from_le_bytes(relay.try_into().ok()?), count: u64::from_le_bytes(count.try_into().ok()?) };
    (channel_key(prefix, host, 'k', &channel, &receiver) == key).then_some(Notice::Answered {
        channel,
        receiver,
        answer,
    })
}

/// A value's elements, in the pieces in which they came.
struct Pieces(ZBytes);

impl Payload for Pieces {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn copy_to(&self, out: &mut [u8]) {
        let mut rest = out;
        for piece in self.0.slices() {
            let Some((to, behind)) = rest.split_at_mut_checked(piece.len()) else { return };
            to.copy_from_slice(piece);
            rest = behind;
        }
    }
}

/// Holds a wish up, and takes its values.
struct Wanted {
    _token: LivelinessToken,
    _values: Subscriber<()>,
}

struct To {
    session: Session,
    key: String,
    publishers: [Option<Publisher<'static>>; 3],
}

impl To {
    fn publisher(&mut self, urgency: Urgency) -> Result<&Publisher<'static>> {
        let (priority, slot) = match urgency {
            Urgency::Small => (Priority::InteractiveHigh, 0),
            Urgency::Medium => (Priority::Data, 1),
            Urgency::Large => (Priority::DataLow, 2),
        };
        let slot = self.publishers.get_mut(slot).ok_or_else(|| CarrierError("no such urgency".into()))?;
        match slot {
            Some(publisher) => Ok(publisher),
            None => {
                let publisher = self
                    .session
                    .declare_publisher(self.key.clone())
                    .congestion_control(CongestionControl::Block)
                    .priority(priority)
                    // A small value is not to wait for others to fill a batch with.
                    .express(urgency == Urgency::Small)
                    .wait()
                    .map_err(said)?;
                Ok(slot.insert(publisher))
            }
        }
    }
}

impl Sender for To {
    fn send(&mut self, attachment: &[u8], parcel: Parcel, urgency: Urgency) -> Result<()> {
        let publisher = self.publisher(urgency)?;
        publisher.put(Bytes::from_owner(parcel)).attachment(attachment).wait().map_err(said)
    }
}

impl Carrier for Zenoh {
    fn start(&self, me: &Host, listener: Arc<dyn Listener>) -> Result<()> {
        let session = zenoh::open(self.config.clone()).wait().map_err(said)?;
        let (prefix, id) = (self.prefix.clone(), me.id.clone());
        let to = Arc::clone(&listener);
        let offers = session
            .liveliness()
            .declare_subscriber(format!("{prefix}/*/a/*/*"))
            .history(true)
            .callback(move |sample: Sample| {
                if let Some(offer) = offer_of(&prefix, sample.key_expr().as_str()) {
                    to.notice(match sample.kind() {
                        SampleKind::Put => Notice::Offered(offer),
                        SampleKind::Delete => Notice::Withdrawn(offer),
                    });
                }
            })
            .wait()
            .map_err(said)?;
        let (prefix, host, to) = (self.prefix.clone(), me.clone(), Arc::clone(&listener));
        let wishes = session
            .liveliness()
            .declare_subscriber(format!("{prefix}/{}/w/*/*/*", encode(&id)))
            .history(true)
            .callback(move |sample: Sample| {
                if let Some(wish) = wish_of(&prefix, &host, sample.key_expr().as_str()) {
                    to.notice(match sample.kind() {
                        SampleKind::Put => Notice::Wanted(wish),
                        SampleKind::Delete => Notice::Unwanted(wish),
                    });
                }
            })
            .wait()
            .map_err(said)?;
        let (prefix, host) = (self.prefix.clone(), id.clone());
        let answers = session
            .declare_subscriber(format!("{prefix}/{}/k/*/*", encode(&id)))
            .callback(move |sample: Sample| {
                let payload = sample.payload().to_bytes();
                if let Some(notice) = answer_of(&prefix, &host, sample.key_expr().as_str(), &payload) {
                    listener.notice(notice);
                }
            })
            .wait()
            .map_err(said)?;
        let mut state = self.state();
        state.me = Some(me.clone());
        state.session = Some(session);
        state.subscribers = vec![offers, wishes, answers];
        Ok(())
    }

    fn announce(&self, offer: &Offer) -> Result<Token> {
        let (session, _) = self.opened()?;
        let token = session.liveliness().declare_token(offer_key(&self.prefix, offer)).wait().map_err(said)?;
        Ok(Box::new(token))
    }

    fn want(&self, source: &Offer, order: Order, arrivals: Arc<dyn Arrivals>) -> Result<Token> {
        let (session, receiver) = self.opened()?;
        let host = &source.host.id;
        let values = session
            .declare_subscriber(channel_key(&self.prefix, host, 'v', &source.channel, &receiver))
            .callback(move |sample: Sample| {
                let attachment = sample.attachment().map(ZBytes::to_bytes).unwrap_or_default();
                arrivals.arrive(&attachment, Box::new(Pieces(sample.payload().clone())));
            })
            .wait()
            .map_err(said)?;
        // After the subscriber: the first value follows at once.
        let wish = Wish { channel: source.channel.clone(), receiver, order };
        let token =
            session.liveliness().declare_token(wish_key(&self.prefix, &source.host, &wish)).wait().map_err(said)?;
        Ok(Box::new(Wanted { _token: token, _values: values }))
    }

    fn sender(&self, channel: &str, receiver: &Host) -> Result<Box<dyn Sender>> {
        let (session, me) = self.opened()?;
        let key = channel_key(&self.prefix, &me.id, 'v', channel, receiver);
        Ok(Box::new(To { session, key, publishers: [None, None, None] }))
    }

    fn answer(&self, source: &Offer, answer: Answer) -> Result<()> {
        let (session, me) = self.opened()?;
        let key = channel_key(&self.prefix, &source.host.id, 'k', &source.channel, &me);
        let mut payload = answer.relay.to_le_bytes().to_vec();
        payload.extend(answer.count.to_le_bytes());
        let put = session.put(key, payload).congestion_control(CongestionControl::Block);
        put.priority(Priority::InteractiveHigh).express(true).wait().map_err(said)
    }

    fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    fn stop(&self) {
        let (session, subscribers) = {
            let mut state = self.state();
            (state.session.take(), std::mem::take(&mut state.subscribers))
        };
        drop(subscribers);
        if let Some(session) = session {
            // It has gone either way.
            let _ = session.close().wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host() -> impl Strategy<Value = Host> {
        ("\\PC{1,20}", any::<u64>()).prop_map(|(id, session)| Host { id, session })
    }

    proptest! {
        #[test]
        fn keys_are_read_as_they_are_written(
            host in host(), receiver in host(), channel in "\\PC{1,20}", incarnation: u128, number: u64, in_order: bool
        ) {
            let offer = Offer { host: host.clone(), channel: channel.clone(), incarnation: Uuid::from_u128(incarnation), number };
            let key = offer_key("a/b", &offer);
            prop_assert_eq!(offer_of("a/b", &key), Some(offer));
            let order = if in_order { Order::InOrder } else { Order::Latest };
            let wish = Wish { channel, receiver, order };
            let key = wish_key("a/b", &host, &wish);
            prop_assert_eq!(wish_of("a/b", &host, &key), Some(wish));
            let other = Host { session: !host.session, ..host };
            prop_assert_eq!(wish_of("a/b", &other, &key), None, "it is wanted of one run");
        }

        #[test]
        fn any_key_is_read_or_not(key in "n/[a-z%0-9~/-]{0,60}") {
            if let Some(offer) = offer_of("n", &key) {
                prop_assert_eq!(offer_key("n", &offer), key.as_str());
            }
            let _ = (wish_of("n", &Host { id: "h".into(), session: 1 }, &key), answer_of("n", "h", &key, &[0; 16]));
        }
    }
}
