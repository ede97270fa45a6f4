//! Requests and answers of HTTP/1.1, one for each connection.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 8 << 10;
/// Most headers of a request.
const MOST_HEADERS: usize = 64;

/// What no browser may do with the page: load from other hosts, be framed, guess types.
const POLICY: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Frame-Options: DENY\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n\
    Cross-Origin-Opener-Policy: same-origin\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n";

/// The head of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Without the query.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// Whether only the head of an answer is wanted.
    pub(super) is_head: bool,
    /// By names in small letters; of several with one name the last.
    headers: BTreeMap<String, String>,
}

/// An answer that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: &'static str,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(status: &'static str, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum NoRequest {
    /// The other side sent nothing, or too slowly.
    Gone,
    Refused(Refusal),
}

impl From<Refusal> for NoRequest {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Request {
    /// Reads a head, and returns it with the bytes behind it.
    pub(super) fn read(stream: &mut impl Read) -> Result<(Self, Vec<u8>), NoRequest> {
        let mut bytes = Vec::new();
        let mut part = [0; 1024];
        loop {
            let len = match stream.read(&mut part) {
                Ok(0) => return Err(NoRequest::Gone),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(NoRequest::Gone),
            };
            bytes.extend_from_slice(part.get(..len).unwrap_or(&[]));
            if let Some((request, head)) = Self::parse(&bytes)? {
                bytes.drain(..head);
                return Ok((request, bytes));
            }
            if bytes.len() > LONGEST_HEAD {
                let text = format!("a request's head has {LONGEST_HEAD} bytes at most");
                return Err(Refusal::new("431 Request Header Fields Too Large", text).into());
            }
        }
    }

    /// Parses a head, and returns it with its length; `None` if its end is not there yet.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let bad = |what: &str| Refusal::new("400 Bad Request", what);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                let text = format!("a request has {MOST_HEADERS} headers at most");
                return Err(Refusal::new("431 Request Header Fields Too Large", text));
            }
            Err(error) => return Err(bad(&error.to_string())),
        };
        let is_head = match parsed.method {
            Some("GET") => false,
            Some("HEAD") => true,
            _ => return Err(Refusal::new("405 Method Not Allowed", "the page is to be looked at: GET and HEAD")),
        };
        let target = parsed.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self { path: path.to_owned(), is_head, ..Self::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key), decoded(value));
            let (key, value) = key.zip(value).ok_or_else(|| bad("its query is no text"))?;
            request.query.insert(key, value);
        }
        for header in parsed.headers.iter() {
            let name = header.name.to_ascii_lowercase();
            let value = std::str::from_utf8(header.value).map_err(|_| bad("a header is no text"))?.trim().to_owned();
            match name.as_str() {
                "transfer-encoding" => return Err(bad("a request has no body")),
                "content-length" if value != "0" => return Err(bad("a request has no body")),
                // Two of them are a trick to have one checked and the other used.
                "host" | "origin" if request.headers.contains_key(&name) => return Err(bad("a header stands twice")),
                _ => drop(request.headers.insert(name, value)),
            }
        }
        Ok(Some((request, length)))
    }

    /// A header by its name in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether a header is a list that has this word.
    pub(super) fn has_word(&self, name: &str, word: &str) -> bool {
        let words = self.header(name).unwrap_or_default();
        words.split(',').any(|one| one.trim().eq_ignore_ascii_case(word))
    }

    /// A cookie's value.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    }
}

/// Resolves `%20` and `+`; `None` for what is no text then.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (pair, tail) = rest.split_first_chunk::<2>()?;
                let digits = pair.map(|digit| (digit as char).to_digit(16));
                let [Some(high), Some(low)] = digits else { return None };
                bytes.push(u8::try_from(high << 4 | low).ok()?);
                rest = tail;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// An answer with a body.
pub(super) struct Answer<'a> {
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    /// Lines that end with CR LF.
    pub(super) headers: String,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    pub(super) fn write(&self, to: &mut impl Write, is_head: bool) -> io::Result<()> {
        let Self { status, kind, headers, body } = self;
        let len = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n{POLICY}{headers}\r\n");
        to.write_all(head.as_bytes())?;
        if !is_head {
            to.write_all(body)?;
        }
        to.flush()
    }
}

/// Writes a refusal.
pub(super) fn refuse(to: &mut impl Write, refusal: &Refusal) -> io::Result<()> {
    let headers = match refusal.status.get(..3) {
        Some("405") => "Allow: GET, HEAD\r\n".to_owned(),
        Some("426") => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n".to_owned(),
        _ => String::new(),
    };
    let body = format!("ndsh web: {}\n", refusal.text);
    let kind = "text/plain; charset=utf-8";
    Answer { status: refusal.status, kind, headers, body: body.as_bytes() }.write(to, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(Request, Vec<u8>), String> {
        match Request::read(&mut text.as_bytes()) {
            Ok(found) => Ok(found),
            Err(NoRequest::Gone) => Err("gone".to_owned()),
            Err(NoRequest::Refused(refusal)) => Err(refusal.status.get(..3).unwrap().to_owned()),
        }
    }

    #[test]
    fn a_head_and_what_follows() {
        let (request, rest) =
            read("GET /a/b?name=left%2Fcam+1&x HTTP/1.1\r\nHost: h:1\r\nCOOKIE: a=1; b=2\r\n\r\nrest").unwrap();
        assert_eq!((request.path.as_str(), request.is_head, rest.as_slice()), ("/a/b", false, &b"rest"[..]));
        assert_eq!(request.query.get("name").map(String::as_str), Some("left/cam 1"));
        assert_eq!(request.query.get("x").map(String::as_str), Some(""));
        assert_eq!((request.header("host"), request.cookie("b"), request.cookie("c")), (Some("h:1"), Some("2"), None));
    }

    #[test]
    fn what_is_refused() {
        for (text, status) in [
            ("", "gone"),
            ("GET / HTTP/1.1\r\nHost: h\r\n", "gone"),
            ("POST / HTTP/1.1\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "400"),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
            ("GET /?a=%zz HTTP/1.1\r\n\r\n", "400"),
            ("GET /?a=%ff HTTP/1.1\r\n\r\n", "400"),
            ("GET /?a=%f HTTP/1.1\r\n\r\n", "400"),
            ("\u{1}\u{2}\r\n\r\n", "400"),
            ("GET / HTTP/9\r\n\r\n", "400"),
            (&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(LONGEST_HEAD + 1024)), "431"),
            (&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1)), "431"),
        ] {
            assert_eq!(read(text).unwrap_err(), status, "{text:.60}");
        }
    }

    #[test]
    fn an_answer_names_its_policy() {
        let mut out = Vec::new();
        Answer { status: "200 OK", kind: "text/html", headers: String::new(), body: b"body" }
            .write(&mut out, true)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("default-src 'none'") && text.contains("Content-Length: 4\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>, target in "[/?&=%a-f0-9+ ]{0,40}") {
            let _ = Request::read(&mut &bytes[..]);
            let _ = Request::read(&mut format!("GET /{target} HTTP/1.1\r\n\r\n").as_bytes());
        }
    }
}
