//! A connection that has become a WebSocket: one thread reads it, one writes it.
//!
//! At most two frames are on the way to a page. It says when it has drawn one, and gets the latest
//! then: a slow page skips values, and nothing is queued for it.

use super::bell::Bell;
use super::drawing::{Save, View, Wish};
use super::feed::{Feed, Status};
use super::frame::Frame;
use super::hub::Hub;
use super::subject::Subject;
use super::websocket::{End, GOING_AWAY, Incoming, Kind, Message, POLICY, send};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Frames on the way.
const WINDOW: usize = 2;
/// Longest time for one message to be taken.
const SLOWEST: Duration = Duration::from_secs(60);
/// Time without a message after which the other side is asked whether it is there.
const QUIET: Duration = Duration::from_secs(20);
/// Time after which a side that says nothing is gone.
pub(super) const GONE: Duration = Duration::from_secs(90);
/// Longest time between two looks at whether the program ends.
const TICK: Duration = Duration::from_secs(1);

/// What a page says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Said {
    /// The frame was drawn.
    Ack {
        n: u64,
    },
    Wish(Wish),
    Probe(Probe),
    Save(Save),
}

/// Asks for the numbers at a pixel, or at a sample.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    n: u64,
    index: Vec<Option<usize>>,
}

/// What the reading thread has for the writing one.
#[derive(Default)]
struct Inbox {
    acked: u64,
    wish: Option<Wish>,
    /// The last of each: a page that asks faster than it is answered gets one answer.
    probe: Option<Probe>,
    save: Option<Save>,
    pong: Option<Vec<u8>>,
    end: Option<End>,
}

/// Shared by the two threads of a connection.
#[derive(Default)]
struct Post {
    bell: Arc<Bell>,
    inbox: Mutex<Inbox>,
}

impl Post {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the end of the connection.
    fn read(&self, stream: impl Read) {
        let mut incoming = Incoming::new(stream);
        loop {
            let message = incoming.next();
            let mut inbox = self.lock();
            match message {
                Ok(Message::Text(text)) => match serde_json::from_str(&text) {
                    Ok(Said::Ack { n }) => inbox.acked = inbox.acked.max(n),
                    Ok(Said::Wish(wish)) => inbox.wish = Some(wish),
                    Ok(Said::Probe(probe)) => inbox.probe = Some(probe),
                    Ok(Said::Save(save)) => inbox.save = Some(save),
                    Err(_) => inbox.end = Some(End::Broken(POLICY)),
                },
                Ok(Message::Ping(bytes)) => inbox.pong = Some(bytes),
                Ok(Message::Pong) => {}
                Ok(Message::Close) => inbox.end = Some(End::Broken(1000)),
                Err(end) => inbox.end = Some(end),
            }
            let is_over = inbox.end.is_some();
            drop(inbox);
            self.bell.ring();
            if is_over {
                return;
            }
        }
    }
}

/// What a WebSocket shows.
pub(super) enum Show {
    List,
    Feed(Subject),
}

/// Serves a WebSocket until its end. `rest` came behind the request.
pub(super) fn serve(hub: &Arc<Hub>, stream: &TcpStream, rest: &[u8], show: Show) -> io::Result<()> {
    let post = Post::default();
    let reading = stream.try_clone()?;
    std::thread::scope(|scope| {
        std::thread::Builder::new().name("page".to_owned()).spawn_scoped(scope, || post.read(rest.chain(reading)))?;
        // This ends the reading thread, however this one ends.
        let _closed = AtEnd(|| drop(stream.shutdown(Shutdown::Both)));
        let done = match show {
            Show::List => {
                hub.view_list(&post.bell)?;
                let _removed = AtEnd(|| hub.list.remove(&post.bell));
                write_list(hub, stream, &post)
            }
            Show::Feed(subject) => {
                let feed = hub.view(subject, &post.bell)?;
                let _removed = AtEnd(|| feed.remove(&post.bell));
                Viewer::new(hub, &feed, stream, &post).run()
            }
        };
        if let Some(code) = done? {
            send(&mut &*stream, Kind::Close, &[&code.to_be_bytes()], Instant::now() + TICK)?;
        }
        Ok(())
    })
}

/// Does something when it is dropped.
struct AtEnd<F: Fn()>(F);

impl<F: Fn()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// What both kinds of connection answer; the code if it is over, `None` inside if it is gone.
fn answer(
    hub: &Hub,
    stream: &mut impl Write,
    inbox: &mut Inbox,
    last: &mut Instant,
) -> io::Result<Option<Option<u16>>> {
    match inbox.end {
        Some(End::Gone) => return Ok(Some(None)),
        Some(End::Broken(code)) => return Ok(Some(Some(code))),
        None if hub.is_over() => return Ok(Some(Some(GOING_AWAY))),
        None => {}
    }
    if let Some(bytes) = inbox.pong.take() {
        send(stream, Kind::Pong, &[&bytes], Instant::now() + SLOWEST)?;
    }
    if last.elapsed() > QUIET {
        send(stream, Kind::Ping, &[], Instant::now() + SLOWEST)?;
        *last = Instant::now();
    }
    Ok(None)
}

fn write_list(hub: &Hub, stream: &TcpStream, post: &Post) -> io::Result<Option<u16>> {
    let mut stream = stream;
    let mut last = Instant::now();
    let mut sent: Option<Arc<str>> = None;
    loop {
        let rings = post.bell.rings();
        let mut inbox = std::mem::take(&mut *post.lock());
        if let Some(end) = answer(hub, &mut stream, &mut inbox, &mut last)? {
            return Ok(end);
        }
        if let Some(list) = hub.list.latest()
            && !sent.as_ref().is_some_and(|sent| Arc::ptr_eq(sent, &list))
        {
            send(&mut stream, Kind::Text, &[list.as_bytes()], Instant::now() + SLOWEST)?;
            last = Instant::now();
            sent = Some(list);
        }
        post.bell.wait(rings, TICK);
    }
}

/// A page that looks at one channel.
struct Viewer<'a> {
    hub: &'a Hub,
    feed: &'a Feed,
    stream: &'a TcpStream,
    post: &'a Post,
    wish: Option<Wish>,
    /// The values that the page may show, with their views.
    sent: VecDeque<(Arc<Frame>, View)>,
    acked: u64,
    last: Instant,
}

impl<'a> Viewer<'a> {
    fn new(hub: &'a Hub, feed: &'a Feed, stream: &'a TcpStream, post: &'a Post) -> Self {
        Self { hub, feed, stream, post, wish: None, sent: VecDeque::new(), acked: 0, last: Instant::now() }
    }

    fn send(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
        let mut stream = self.stream;
        self.last = Instant::now();
        send(&mut stream, kind, parts, self.last + SLOWEST)
    }

    fn run(mut self) -> io::Result<Option<u16>> {
        let mut shown: Option<Arc<Status>> = None;
        loop {
            let rings = self.post.bell.rings();
            let mut inbox = {
                let mut inbox = self.post.lock();
                let (acked, end) = (inbox.acked, inbox.end);
                std::mem::replace(&mut *inbox, Inbox { acked, end, ..Inbox::default() })
            };
            let mut stream = self.stream;
            if let Some(end) = answer(self.hub, &mut stream, &mut inbox, &mut self.last)? {
                return Ok(end);
            }
            self.acked = inbox.acked;
            if let Some(probe) = inbox.probe {
                self.probe(&probe)?;
            }
            if let Some(save) = inbox.save {
                self.save(&save)?;
            }
            let status = self.feed.status();
            if !status.state.is_empty() && shown.as_ref() != Some(&status) {
                self.send(Kind::Text, &[json!({"type": "status", "status": *status}).to_string().as_bytes()])?;
                shown = Some(status);
            }
            if let Some(wish) = inbox.wish {
                let again = wish.again;
                self.wish = Some(wish);
                // What is on display is drawn anew, also while no value comes.
                let on_display = self.sent.iter().find(|(frame, _)| again == Some(frame.value.number));
                if let Some((frame, _)) = on_display.or(self.sent.back()) {
                    let frame = Arc::clone(frame);
                    self.frame(frame)?;
                    continue;
                }
            }
            if self.wish.is_some() && self.may_send() {
                let last = self.sent.back().map_or(0, |(frame, _)| frame.value.number);
                if let Some(frame) = self.feed.newer(last) {
                    self.frame(frame)?;
                    continue;
                }
            }
            self.post.bell.wait(rings, TICK);
        }
    }

    /// Whether the page has drawn so many frames that the next one may go.
    fn may_send(&self) -> bool {
        self.sent.iter().filter(|(frame, _)| frame.value.number > self.acked).count() < WINDOW
    }

    fn frame(&mut self, frame: Arc<Frame>) -> io::Result<()> {
        let Some(wish) = &self.wish else { return Ok(()) };
        let kept = &frame.value;
        let view = wish.view(kept);
        let drawing = frame.drawing(&view);
        let head = format!(
            "{{\"type\":\"frame\",\"n\":{},\"value\":{},\"drawing\":{},\"figures\":{}}}",
            kept.number,
            kept.head,
            drawing.head,
            kept.figures().unwrap_or("null")
        );
        self.send(Kind::Binary, &[&framed(&head), drawing.bytes(kept)])?;
        match self.sent.iter_mut().find(|(other, _)| other.value.number == kept.number) {
            Some(sent) => *sent = (frame, view),
            None => self.sent.push_back((frame, view)),
        }
        // The one on display, and those on the way.
        while self.sent.len() > WINDOW + 1 {
            self.sent.pop_front();
        }
        Ok(())
    }

    /// Answers with the numbers at a place of the value on display.
    fn probe(&mut self, probe: &Probe) -> io::Result<()> {
        let text = self.sent.iter().find(|(frame, _)| frame.value.number == probe.n).map(|(frame, _)| {
            let place = |at: &Option<usize>| at.map_or_else(|| ":".to_owned(), |at| at.to_string());
            let index = probe.index.iter().map(place).collect::<Vec<_>>().join(",");
            frame.value.text(Some(&index)).unwrap_or_else(|message| message)
        });
        self.send(Kind::Text, &[json!({"type": "probe", "probe": probe, "text": text}).to_string().as_bytes()])
    }

    /// Sends a file of the value on display.
    fn save(&mut self, save: &Save) -> io::Result<()> {
        let found = self.sent.iter().find(|(frame, _)| frame.value.number == save.n).cloned();
        let made = match &found {
            Some((frame, view)) => save.file(&frame.value, view).map_err(|failure| failure.to_string()),
            None => Err("the value is no longer on display".to_owned()),
        };
        match (&made, &found) {
            (Ok((file, with_bytes)), Some((frame, _))) => {
                let head = framed(&json!({"type": "file", "n": save.n, "format": save.format}).to_string());
                let bytes = if *with_bytes { frame.value.array().bytes } else { &[] };
                self.send(Kind::Binary, &[&head, file, bytes])
            }
            (Err(message), _) => {
                self.send(Kind::Text, &[json!({"type": "failed", "message": message}).to_string().as_bytes()])
            }
            (Ok(_), None) => Ok(()),
        }
    }
}

/// A message's head with its length, padded so that numbers behind it are aligned to 8 bytes.
fn framed(head: &str) -> Vec<u8> {
    let len = (head.len() + 4).next_multiple_of(8) - 4;
    let mut framed = u32::try_from(len).unwrap_or(0).to_le_bytes().to_vec();
    framed.extend_from_slice(head.as_bytes());
    framed.resize(len + 4, b' ');
    framed
}
