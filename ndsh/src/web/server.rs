//! Accepts connections, checks what they ask for, and answers.

use super::assets::asset;
use super::guard::{Entry, Guard};
use super::http::{Answer, NoRequest, Refusal, Request, refuse};
use super::hub::Hub;
use super::subject::Subject;
use super::viewer::{GONE, Show, serve};
use super::websocket;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Most connections at a time.
const MOST: usize = 64;
/// Longest time for a request.
const REQUEST: Duration = Duration::from_secs(10);
/// A write returns after this time, so that limits are looked at.
const WRITE: Duration = Duration::from_secs(5);
/// Pause after a failed accept, such as without free descriptors.
const NAP: Duration = Duration::from_millis(50);

pub(super) struct Server {
    pub(super) hub: Arc<Hub>,
    pub(super) guard: Guard,
    connections: AtomicUsize,
}

impl Server {
    pub(super) fn new(hub: Arc<Hub>, guard: Guard) -> Arc<Self> {
        Arc::new(Self { hub, guard, connections: AtomicUsize::new(0) })
    }

    /// Accepts connections for ever.
    pub(super) fn run(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(NAP);
                continue;
            };
            // Relaxed: a number that guards nothing.
            if self.connections.fetch_add(1, Ordering::Relaxed) >= MOST {
                self.connections.fetch_sub(1, Ordering::Relaxed);
                let _ = stream.set_nonblocking(true);
                let text = format!("{MOST} connections are open, and no more are taken");
                let _ = refuse(&mut &stream, &Refusal::new("503 Service Unavailable", text));
                continue;
            }
            let one = Connection(Arc::clone(self));
            // Without a thread the connection is dropped, which the browser reports.
            let _ = std::thread::Builder::new().name("connection".to_owned()).spawn(move || {
                // A browser that has gone is no failure of this program.
                let _ = one.0.serve(&stream);
            });
        }
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE))?;
        let (request, rest) = match Request::read(&mut Patient { stream, until: Instant::now() + REQUEST }) {
            Ok(found) => found,
            Err(NoRequest::Gone) => return Ok(()),
            Err(NoRequest::Refused(refusal)) => return finish(stream, |to| refuse(to, &refusal)),
        };
        let entry = match self.guard.check(&request) {
            Ok(entry) => entry,
            Err(refusal) => return finish(stream, |to| refuse(to, &refusal)),
        };
        if let Entry::Cookie(headers) = entry {
            let answer = Answer { status: "303 See Other", kind: "text/plain", headers, body: b"" };
            return finish(stream, |to| answer.write(to, request.is_head));
        }
        match self.answer(&request) {
            Ok(Reply::Asset(kind, body)) => {
                let answer = Answer { status: "200 OK", kind, headers: String::new(), body: &body };
                finish(stream, |to| answer.write(to, request.is_head))
            }
            Ok(Reply::Socket(show, accept)) => {
                let head = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                let mut to = stream;
                to.write_all(head.as_bytes())?;
                stream.set_read_timeout(Some(GONE))?;
                serve(&self.hub, stream, &rest, show)
            }
            Err(refusal) => finish(stream, |to| refuse(to, &refusal)),
        }
    }

    fn answer(&self, request: &Request) -> Result<Reply, Refusal> {
        let show = match request.path.as_str() {
            "/list" => Show::List,
            "/view" => Show::Feed(self.subject(request)?),
            path => {
                let (kind, body) = asset(path).ok_or_else(|| Refusal::new("404 Not Found", "there is no such file"))?;
                return Ok(Reply::Asset(kind, body));
            }
        };
        let is_upgrade = request.has_word("upgrade", "websocket") && request.has_word("connection", "upgrade");
        if !is_upgrade || request.is_head || request.header("sec-websocket-version") != Some("13") {
            return Err(Refusal::new("426 Upgrade Required", "this is for a WebSocket of version 13"));
        }
        let key = request.header("sec-websocket-key").and_then(websocket::accept);
        let accept = key.ok_or_else(|| Refusal::new("400 Bad Request", "the WebSocket has no key"))?;
        Ok(Reply::Socket(show, accept))
    }

    /// The channel that a request names.
    fn subject(&self, request: &Request) -> Result<Subject, Refusal> {
        let name = request.query.get("name").cloned().unwrap_or_default();
        let kind = request.query.get("kind").map(String::as_str).unwrap_or_default();
        let subject = Subject::new(name, kind);
        let subject = subject.ok_or_else(|| Refusal::new("400 Bad Request", "the kind is channel, array or python"))?;
        if !self.hub.shows(&subject.name) {
            return Err(Refusal::new("404 Not Found", "the page does not show this name"));
        }
        Ok(subject)
    }
}

enum Reply {
    Asset(&'static str, std::borrow::Cow<'static, [u8]>),
    Socket(Show, String),
}

/// Counts a connection until it is dropped.
struct Connection(Arc<Server>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Writes an answer, and lets the other side read it before the connection is closed.
fn finish(stream: &TcpStream, write: impl FnOnce(&mut &TcpStream) -> io::Result<()>) -> io::Result<()> {
    let mut to = stream;
    write(&mut to)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Unread bytes would make the kernel take the answer back.
    let mut rest = Patient { stream, until: Instant::now() + Duration::from_secs(1) };
    io::copy(&mut (&mut rest).take(1 << 16), &mut io::sink()).map(drop)
}

/// Reads a stream until a moment.
struct Patient<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl Read for Patient<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(room)
    }
}
