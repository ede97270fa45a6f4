//! Bare TCP: each host has a connection to each other one, and there are no routers.
//!
//! For tests, and as the floor of measurements. It proves neither who a peer is nor hides what it
//! sends: for networks there is zenoh.
//!
//! A frame is a kind (1 byte), the lengths of head and payload (4 and 8 bytes, little-endian), and
//! the two.

use super::copies::{Copied, HOLD};
use super::stream::{LEASE, Turns, Until, write_until, write_while};
use super::{
    Answer, Arrivals, Carrier, CarrierError, Host, Listener, Notice, Offer, Order, Parcel, Payload, Result, Sender,
    Token, Urgency, Wish,
};
use crate::attachment;
use crate::names::MAX_NAME;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uuid::Uuid;

const HELLO: u8 = 1;
const OFFER: u8 = 2;
const WITHDRAW: u8 = 3;
const WANT: u8 = 4;
const UNWANT: u8 = 5;
const VALUE: u8 = 6;
const ANSWER: u8 = 7;
const PING: u8 = 8;

/// What a connection begins with.
const GREETING: &[u8; 8] = b"NDSHLNK1";
/// The longest head: a name and an attachment.
const MAX_HEAD: usize = attachment::MAX_LEN + 4 * MAX_NAME;
/// Between two signs of life.
const PULSE: Duration = Duration::from_secs(2);
/// Bytes of a value that a peer takes in a second at the least, beside the time of a lease.
const SLOWEST: u64 = 64 << 10;
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// Connections of peers that call, at the same time. More are hung up on.
const MAX_CALLERS: usize = 128;
/// Control frames that may wait for a peer. One that takes none is cut off.
const MAX_CONTROL: usize = 1 << 14;
/// Offers and wishes that are remembered of one peer. More are not heard.
const MAX_REMEMBERED: usize = 1 << 14;

/// A carrier over bare TCP.
pub struct Tcp(Arc<Shared>);

struct Shared {
    listeners: Vec<TcpListener>,
    connect: Vec<String>,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    me: Option<Host>,
    stopped: bool,
    next: u64,
    peers: Vec<Arc<Peer>>,
    /// Connections of peers that have called.
    callers: usize,
    /// How many were hung up on, as there were as many as there may be.
    refused: u64,
    offers: Vec<(u64, Offer)>,
    wishes: Vec<Wanted>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Clone)]
struct Wanted {
    token: u64,
    source: Host,
    wish: Wish,
    arrivals: Arc<dyn Arrivals>,
}

struct Peer {
    host: Host,
    stream: TcpStream,
    writing: Turns,
    control: SyncSender<Vec<u8>>,
}

impl Peer {
    /// Has a control frame sent, by a thread of its own.
    fn tell(&self, kind: u8, head: &[u8]) {
        if self.control.try_send(frame(kind, head, 0)).is_err() {
            // It takes nothing. The connection begins anew, with all that is so by then.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Writes a frame; the flag of an error says that a part of it may have gone out.
    ///
    /// A value is in place for no longer than [`HOLD`]. What is left of it by then is copied.
    fn write(&self, head: &[u8], mut parcel: Parcel) -> std::result::Result<(), (io::Error, bool)> {
        let copy_at = Instant::now() + HOLD;
        let _turn = match self.writing.turn_until(copy_at) {
            Some(turn) => turn,
            None => {
                release(&mut parcel, 0).map_err(|error| (error, false))?;
                self.writing.turn()
            }
        };
        let len = parcel.as_ref().len();
        let until = Instant::now() + LEASE + Duration::from_secs(len as u64 / SLOWEST);
        write_until(&self.stream, head, until)
            .and_then(|()| self.write_parcel(parcel, copy_at, until))
            .map_err(|error| (error, true))
    }

    fn write_parcel(&self, mut parcel: Parcel, copy_at: Instant, until: Instant) -> io::Result<()> {
        if matches!(parcel, Parcel::Sample(_)) {
            let sent = write_while(&self.stream, parcel.as_ref(), until, &|| Instant::now() < copy_at)?;
            if sent == parcel.as_ref().len() {
                return Ok(());
            }
            release(&mut parcel, sent)?;
        }
        write_until(&self.stream, parcel.as_ref(), until)
    }
}

/// Copies what is to be sent from `from` on, and lets go of the slot that it lies in.
fn release(parcel: &mut Parcel, from: usize) -> io::Result<()> {
    if let Parcel::Sample(sample) = parcel {
        let rest = sample.as_bytes().get(from..).unwrap_or_default();
        *parcel = Parcel::Copied(Copied::of(rest).ok_or(io::ErrorKind::OutOfMemory)?);
    }
    Ok(())
}

fn frame(kind: u8, head: &[u8], payload: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(13 + head.len());
    bytes.push(kind);
    bytes.extend(u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend((payload as u64).to_le_bytes());
    bytes.extend(head);
    bytes
}

/// Puts heads together.
#[derive(Default)]
struct Head(Vec<u8>);

impl Head {
    fn text(mut self, text: &str) -> Self {
        self.0.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.0.extend(text.as_bytes());
        self
    }

    fn long(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn host(self, host: &Host) -> Self {
        self.text(&host.id).long(host.session)
    }

    fn offer(self, offer: &Offer) -> Self {
        let (high, low) = offer.incarnation.as_u64_pair();
        self.host(&offer.host).text(&offer.channel).long(high).long(low).long(offer.number)
    }

    fn wish(self, wish: &Wish) -> Self {
        self.text(&wish.channel).host(&wish.receiver).long(u64::from(wish.order == Order::InOrder))
    }
}

/// Takes heads apart.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn text(&mut self) -> Option<String> {
        let len = u16::from_le_bytes(self.slice(2)?.try_into().ok()?);
        if usize::from(len) > 4 * MAX_NAME {
            return None;
        }
        String::from_utf8(self.slice(len.into())?.to_vec()).ok()
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.slice(8)?.try_into().ok()?))
    }

    fn host(&mut self) -> Option<Host> {
        Some(Host { id: self.text()?, session: self.long()? })
    }

    fn offer(&mut self) -> Option<Offer> {
        let (host, channel) = (self.host()?, self.text()?);
        let incarnation = Uuid::from_u64_pair(self.long()?, self.long()?);
        Some(Offer { host, channel, incarnation, number: self.long()? })
    }

    fn wish(&mut self) -> Option<Wish> {
        let (channel, receiver) = (self.text()?, self.host()?);
        let order = if self.long()? == 0 { Order::Latest } else { Order::InOrder };
        Some(Wish { channel, receiver, order })
    }
}

/// A value that is larger than this side takes, and has been passed over.
struct PassedOver(usize);

impl Payload for PassedOver {
    fn len(&self) -> usize {
        self.0
    }

    fn copy_to(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn address(endpoint: &str) -> &str {
    endpoint.strip_prefix("tcp/").unwrap_or(endpoint)
}

impl Tcp {
    /// Binds to the addresses of `listen`; those of `connect` are called once it starts.
    ///
    /// An end point is `tcp/ADDRESS:PORT` or `ADDRESS:PORT`.
    ///
    /// # Errors
    ///
    /// An address cannot be bound to.
    pub fn new(listen: &[String], connect: &[String], max_bytes: u64) -> Result<Self> {
        let bind = |endpoint: &String| {
            TcpListener::bind(address(endpoint)).map_err(|error| CarrierError(format!("listen on {endpoint}: {error}")))
        };
        let listeners = listen.iter().map(bind).collect::<Result<_>>()?;
        Ok(Self(Arc::new(Shared { listeners, connect: connect.to_vec(), max_bytes, state: Mutex::default() })))
    }

    /// What it listens on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    fn spawn(&self, name: &str, run: impl FnOnce(Arc<Shared>) + Send + 'static) -> Result<()> {
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(shared));
        let thread = thread.map_err(|error| CarrierError(format!("no thread: {error}")))?;
        self.0.state().threads.push(thread);
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Speaks with one peer until the connection ends.
    fn speak(&self, stream: TcpStream, listener: &dyn Listener) -> io::Result<()> {
        let Some(me) = self.state().me.clone() else { return Ok(()) };
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(HOLD))?;
        let mut writing = &stream;
        writing.write_all(GREETING)?;
        writing.write_all(&frame(HELLO, &Head::default().host(&me).0, 0))?;
        // A peer that greets byte by byte is not waited for longer than one that says nothing.
        let until = Some(Instant::now() + LEASE);
        let mut reading = io::BufReader::with_capacity(1 << 16, Until { stream: stream.try_clone()?, until });
        let mut greeting = [0; 8];
        reading.read_exact(&mut greeting)?;
        let (kind, head, _) = self.read_head(&mut reading)?;
        let host = Parts(&head).host().filter(|host| greeting == *GREETING && kind == HELLO && *host != me);
        let Some(host) = host else { return Err(io::ErrorKind::InvalidData.into()) };
        reading.get_mut().until = None;
        stream.set_read_timeout(Some(LEASE))?;
        let (control, queue) = mpsc::sync_channel(MAX_CONTROL);
        let peer = Arc::new(Peer { host, stream, writing: Turns::default(), control });
        if !self.add(&peer) {
            return Ok(());
        }
        let mut offers = Vec::new();
        let mut wishes = Vec::new();
        let ended = std::thread::scope(|scope| {
            let to = &peer;
            scope.spawn(move || write_control(to, &queue));
            let ended = self.listen_to(&peer, &mut reading, listener, (&mut offers, &mut wishes));
            let _ = peer.stream.shutdown(Shutdown::Both);
            self.state().peers.retain(|other| !Arc::ptr_eq(other, &peer));
            // Ends the other thread, which would wait for a pulse otherwise.
            let _ = peer.control.try_send(Vec::new());
            ended
        });
        offers.into_iter().for_each(|offer| listener.notice(Notice::Withdrawn(offer)));
        wishes.into_iter().for_each(|wish| listener.notice(Notice::Unwanted(wish)));
        ended
    }

    /// Takes a peer in, and has it told of all that is so; `false` if it is there already.
    fn add(&self, peer: &Arc<Peer>) -> bool {
        let mut state = self.state();
        if state.stopped || state.peers.iter().any(|other| other.host == peer.host) {
            return false;
        }
        for (_, offer) in &state.offers {
            peer.tell(OFFER, &Head::default().offer(offer).0);
        }
        for wanted in state.wishes.iter().filter(|wanted| wanted.source == peer.host) {
            peer.tell(WANT, &Head::default().wish(&wanted.wish).0);
        }
        state.peers.push(Arc::clone(peer));
        true
    }

    fn read_head(&self, reading: &mut impl Read) -> io::Result<(u8, Vec<u8>, u64)> {
        let mut fixed = [0; 13];
        reading.read_exact(&mut fixed)?;
        let [kind, a, b, c, d, payload @ ..] = fixed;
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        if len > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut head = vec![0; len];
        reading.read_exact(&mut head)?;
        Ok((kind, head, u64::from_le_bytes(payload)))
    }

    /// Takes the frames of a peer. Its offers and wishes are noted, to be undone when it goes.
    fn listen_to(
        &self,
        peer: &Peer,
        reading: &mut impl Read,
        listener: &dyn Listener,
        (offers, wishes): (&mut Vec<Offer>, &mut Vec<Wish>),
    ) -> io::Result<()> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        loop {
            let (kind, head, len) = self.read_head(reading)?;
            let mut parts = Parts(&head);
            match kind {
                OFFER | WITHDRAW => {
                    // A peer speaks for itself.
                    let offer = parts.offer().filter(|offer| offer.host == peer.host).ok_or_else(wrong)?;
                    offers.retain(|old| *old != offer);
                    if kind == WITHDRAW {
                        listener.notice(Notice::Withdrawn(offer));
                    } else if offers.len() < MAX_REMEMBERED {
                        offers.push(offer.clone());
                        listener.notice(Notice::Offered(offer));
                    }
                }
                WANT | UNWANT => {
                    let wish = parts.wish().filter(|wish| wish.receiver == peer.host).ok_or_else(wrong)?;
                    wishes.retain(|old| *old != wish);
                    if kind == UNWANT {
                        listener.notice(Notice::Unwanted(wish));
                    } else if wishes.len() < MAX_REMEMBERED {
                        wishes.push(wish.clone());
                        listener.notice(Notice::Wanted(wish));
                    }
                }
                ANSWER => {
                    let read = |parts: &mut Parts<'_>| {
                        Some((parts.text()?, Answer { relay: parts.long()?, count: parts.long()? }))
                    };
                    let (channel, answer) = read(&mut parts).ok_or_else(wrong)?;
                    listener.notice(Notice::Answered { channel, receiver: peer.host.clone(), answer });
                }
                VALUE => {
                    let channel = parts.text().ok_or_else(wrong)?;
                    let payload = self.read_payload(reading, len)?;
                    let of = |wanted: &&Wanted| wanted.source == peer.host && wanted.wish.channel == channel;
                    let arrivals = self.state().wishes.iter().find(of).map(|wanted| Arc::clone(&wanted.arrivals));
                    if let Some(arrivals) = arrivals {
                        arrivals.arrive(parts.0, payload);
                    }
                }
                PING => {}
                _ => return Err(wrong()),
            }
        }
    }

    fn read_payload(&self, reading: &mut impl Read, len: u64) -> io::Result<Box<dyn Payload>> {
        let size = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?;
        if len > self.max_bytes {
            io::copy(&mut reading.take(len), &mut io::sink())?;
            return Ok(Box::new(PassedOver(size)));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        reading.take(len).read_to_end(&mut bytes)?;
        if bytes.len() != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(bytes))
    }

    fn each_peer(&self, state: &State, tell: impl Fn(&Peer)) {
        state.peers.iter().for_each(|peer| tell(peer));
    }
}

/// Sends control frames, and signs of life in between.
fn write_control(peer: &Peer, queue: &Receiver<Vec<u8>>) {
    loop {
        let next = match queue.recv_timeout(PULSE) {
            Ok(bytes) if bytes.is_empty() => return,
            Ok(bytes) => bytes,
            Err(RecvTimeoutError::Timeout) => frame(PING, &[], 0),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if peer.write(&next, Parcel::Nothing).is_err() {
            let _ = peer.stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

/// Undoes an announcement or a wish.
struct Entry {
    shared: Weak<Shared>,
    token: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.state();
        if let Some(at) = state.offers.iter().position(|(token, _)| *token == self.token) {
            let (_, offer) = state.offers.remove(at);
            shared.each_peer(&state, |peer| peer.tell(WITHDRAW, &Head::default().offer(&offer).0));
        }
        if let Some(at) = state.wishes.iter().position(|wanted| wanted.token == self.token) {
            let Wanted { source, wish, .. } = state.wishes.remove(at);
            let head = Head::default().wish(&wish).0;
            state.peers.iter().filter(|peer| peer.host == source).for_each(|peer| peer.tell(UNWANT, &head));
        }
    }
}

struct To {
    shared: Arc<Shared>,
    channel: String,
    receiver: Host,
}

impl Sender for To {
    fn send(&mut self, attachment: &[u8], parcel: Parcel, _: Urgency) -> Result<()> {
        let peer = self.shared.state().peers.iter().find(|peer| peer.host == self.receiver).cloned();
        let peer = peer.ok_or_else(|| CarrierError(format!("no connection to {}", self.receiver.id)))?;
        let mut head = Head::default().text(&self.channel).0;
        head.extend(attachment);
        let frame = frame(VALUE, &head, parcel.as_ref().len());
        peer.write(&frame, parcel).map_err(|(error, has_begun)| {
            if has_begun {
                let _ = peer.stream.shutdown(Shutdown::Both);
            }
            CarrierError(format!("to {}: {error}", self.receiver.id))
        })
    }
}

impl Carrier for Tcp {
    fn start(&self, me: &Host, listener: Arc<dyn Listener>) -> Result<()> {
        self.0.state().me = Some(me.clone());
        for at in 0..self.0.listeners.len() {
            let listener = Arc::clone(&listener);
            self.spawn("listen", move |shared| accept(&shared, at, &listener))?;
        }
        for endpoint in self.0.connect.clone() {
            let listener = Arc::clone(&listener);
            self.spawn("connect", move |shared| {
                while !shared.is_stopped() {
                    let found = address(&endpoint).to_socket_addrs().ok().and_then(|mut found| found.next());
                    let stream = found.and_then(|found| TcpStream::connect_timeout(&found, LEASE).ok());
                    if let Some(stream) = stream {
                        // The next attempt follows, whatever ended this one.
                        let _ = shared.speak(stream, listener.as_ref());
                    }
                    if !shared.is_stopped() {
                        std::thread::sleep(PAUSE);
                    }
                }
            })?;
        }
        Ok(())
    }

    fn announce(&self, offer: &Offer) -> Result<Token> {
        let mut state = self.0.state();
        state.next += 1;
        let token = state.next;
        state.offers.push((token, offer.clone()));
        self.0.each_peer(&state, |peer| peer.tell(OFFER, &Head::default().offer(offer).0));
        Ok(Box::new(Entry { shared: Arc::downgrade(&self.0), token }))
    }

    fn want(&self, source: &Offer, order: Order, arrivals: Arc<dyn Arrivals>) -> Result<Token> {
        let mut state = self.0.state();
        let receiver = state.me.clone().ok_or_else(|| CarrierError("not started".into()))?;
        let wish = Wish { channel: source.channel.clone(), receiver, order };
        state.next += 1;
        let token = state.next;
        let head = Head::default().wish(&wish).0;
        state.peers.iter().filter(|peer| peer.host == source.host).for_each(|peer| peer.tell(WANT, &head));
        state.wishes.push(Wanted { token, source: source.host.clone(), wish, arrivals });
        Ok(Box::new(Entry { shared: Arc::downgrade(&self.0), token }))
    }

    fn sender(&self, channel: &str, receiver: &Host) -> Result<Box<dyn Sender>> {
        let shared = Arc::clone(&self.0);
        Ok(Box::new(To { shared, channel: channel.to_owned(), receiver: receiver.clone() }))
    }

    fn answer(&self, source: &Offer, answer: Answer) -> Result<()> {
        let head = Head::default().text(&source.channel).long(answer.relay).long(answer.count).0;
        let state = self.0.state();
        state.peers.iter().filter(|peer| peer.host == source.host).for_each(|peer| peer.tell(ANSWER, &head));
        Ok(())
    }

    fn max_bytes(&self) -> u64 {
        self.0.max_bytes
    }

    fn problems(&self) -> Vec<String> {
        let refused = self.0.state().refused;
        let said = format!("{refused} connections were refused: {MAX_CALLERS} at a time are the most");
        (refused > 0).then_some(said).into_iter().collect()
    }

    fn stop(&self) {
        let mut state = self.0.state();
        state.stopped = true;
        let threads = std::mem::take(&mut state.threads);
        state.peers.iter().for_each(|peer| drop(peer.stream.shutdown(Shutdown::Both)));
        drop(state);
        for listener in &self.0.listeners {
            // Wakes the thread that accepts.
            let _ = listener.local_addr().and_then(|address| TcpStream::connect_timeout(&address, PULSE));
        }
        // Threads that connect may be in an attempt, which ends by itself.
        threads.into_iter().filter(JoinHandle::is_finished).for_each(|thread| drop(thread.join()));
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(shared: &Arc<Shared>, at: usize, listener: &Arc<dyn Listener>) {
    let Some(socket) = shared.listeners.get(at) else { return };
    for stream in socket.incoming() {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else {
            // Descriptors are used up: others may come free.
            std::thread::sleep(PAUSE);
            continue;
        };
        let Some(caller) = Caller::new(shared) else { continue };
        let listener = Arc::clone(listener);
        // What a peer sends that is no frame ends its connection, and nothing else.
        let run = move || drop(caller.0.speak(stream, listener.as_ref()));
        let _ = std::thread::Builder::new().name("peer".into()).spawn(run);
    }
}

/// One of the connections that there may be.
struct Caller(Arc<Shared>);

impl Caller {
    fn new(shared: &Arc<Shared>) -> Option<Self> {
        let mut state = shared.state();
        if state.callers >= MAX_CALLERS {
            state.refused += 1;
            return None;
        }
        state.callers += 1;
        Some(Self(Arc::clone(shared)))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.state().callers -= 1;
    }
}
