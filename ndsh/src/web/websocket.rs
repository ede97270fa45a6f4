//! The server's side of WebSocket (RFC 6455): texts come in, texts and bytes go out.
//!
//! One thread reads a connection while another one writes it. What comes in is short: all limits
//! are small, and what breaks a rule ends the connection with a code that says which.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Longest message that is taken, in bytes, over all its parts.
pub(super) const LONGEST: usize = 4 << 10;
/// What the answer to a key is made with.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The answer to a client's key; `None` if it is no key.
pub(super) fn accept(key: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(key).ok()?;
    let answer = Sha1::new().chain_update(key).chain_update(MAGIC).finalize();
    (bytes.len() == 16).then(|| BASE64_STANDARD.encode(answer))
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Why no message can be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The connection is gone.
    Gone,
    /// A rule was broken: the code for the frame that closes.
    Broken(u16),
}

/// The frame breaks the protocol.
pub(super) const PROTOCOL: u16 = 1002;
/// Bytes came where texts are taken.
const UNSUPPORTED: u16 = 1003;
/// A text is no text.
const NO_TEXT: u16 = 1007;
/// A message is none of those that the other side takes.
pub(super) const POLICY: u16 = 1008;
/// A message is too long.
const TOO_LONG: u16 = 1009;
/// The server ends.
pub(super) const GOING_AWAY: u16 = 1001;

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads messages.
pub(super) struct Incoming<R> {
    stream: R,
    /// The parts of a text so far; `None` between two.
    text: Option<Vec<u8>>,
}

impl<R: Read> Incoming<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, text: None }
    }

    /// Waits for the next message.
    pub(super) fn next(&mut self) -> Result<Message, End> {
        loop {
            let [first, second] = self.bytes()?;
            let (is_last, code, is_masked, short) =
                (first & 0x80 != 0, first & 0x0f, second & 0x80 != 0, second & 0x7f);
            // No extension is agreed upon that would use the three bits, and clients mask.
            if first & 0x70 != 0 || !is_masked {
                return Err(End::Broken(PROTOCOL));
            }
            let is_control = code & 8 != 0;
            if is_control && (!is_last || short > 125) {
                return Err(End::Broken(PROTOCOL));
            }
            let len = match short {
                126 => u64::from(u16::from_be_bytes(self.bytes()?)),
                127 => u64::from_be_bytes(self.bytes()?),
                short => u64::from(short),
            };
            let before = if is_control { 0 } else { self.text.as_ref().map_or(0, Vec::len) };
            let Some(len) = usize::try_from(len).ok().filter(|len| *len <= LONGEST - before) else {
                return Err(End::Broken(TOO_LONG));
            };
            let mask: [u8; 4] = self.bytes()?;
            let mut payload = vec![0; len];
            self.stream.read_exact(&mut payload)?;
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            let part = match (code, &mut self.text) {
                (0, Some(text)) => {
                    text.extend_from_slice(&payload);
                    is_last
                }
                (1, before @ None) => {
                    *before = Some(payload);
                    is_last
                }
                (2, None) => return Err(End::Broken(UNSUPPORTED)),
                (8, _) => return Ok(Message::Close),
                (9, _) => return Ok(Message::Ping(payload)),
                (10, _) => return Ok(Message::Pong),
                _ => return Err(End::Broken(PROTOCOL)),
            };
            if part {
                let text = self.text.take().unwrap_or_default();
                return String::from_utf8(text).map(Message::Text).map_err(|_| End::Broken(NO_TEXT));
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], End> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Writes a frame that consists of these parts, until a moment at the latest.
///
/// The stream's own time limit must be short, so that the moment is looked at.
pub(super) fn send(to: &mut impl Write, kind: Kind, parts: &[&[u8]], until: Instant) -> io::Result<()> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let first = 0x80 | kind as u8;
    let mut head = match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ 0..=125), _) => vec![first, short],
        (_, Ok(middle)) => [&[first, 126][..], &middle.to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    // What is short goes into one packet.
    let (small, large): (Vec<_>, Vec<_>) = match parts {
        [first, rest @ ..] if first.len() < 1 << 14 => (vec![*first], rest.to_vec()),
        all => (vec![], all.to_vec()),
    };
    small.iter().for_each(|part| head.extend_from_slice(part));
    for part in std::iter::once(head.as_slice()).chain(large) {
        let mut rest = part;
        while !rest.is_empty() {
            match to.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The other side takes nothing for now.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
            if !rest.is_empty() && Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let mut frame = vec![first];
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(short @ 0..=125), _) => frame.push(0x80 | short),
            (_, Ok(middle)) => frame.extend([&[0xfe][..], &middle.to_be_bytes()].concat()),
            _ => frame.extend([&[0xff][..], &(payload.len() as u64).to_be_bytes()].concat()),
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    fn all(bytes: &[u8]) -> (Vec<Message>, End) {
        let mut incoming = Incoming::new(bytes);
        let mut messages = Vec::new();
        loop {
            match incoming.next() {
                Ok(message) => messages.push(message),
                Err(end) => return (messages, end),
            }
        }
    }

    #[test]
    fn the_key_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!([accept(""), accept("c2hvcnQ="), accept("no key!")], [None, None, None]);
    }

    #[test]
    fn the_frames_of_the_rfc() {
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(all(&hello), (vec![Message::Text("Hello".into())], End::Gone));
        // In two parts, with a ping between them.
        let parts = [masked(0x01, b"Hel"), masked(0x89, b"!"), masked(0x80, b"lo")].concat();
        assert_eq!(all(&parts), (vec![Message::Ping(b"!".to_vec()), Message::Text("Hello".into())], End::Gone));
        let mut out = Vec::new();
        let until = Instant::now() + Duration::from_secs(30);
        send(&mut out, Kind::Text, &[b"Hel", b"lo"], until).unwrap();
        assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        for (len, head) in [(256, &[0x82, 0x7e, 0x01, 0x00][..]), (65536, &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])] {
            out.clear();
            send(&mut out, Kind::Binary, &[&vec![7; len]], until).unwrap();
            assert_eq!((out.get(..head.len()).unwrap(), out.len()), (head, head.len() + len));
        }
    }

    #[test]
    fn broken_rules() {
        let unmasked = vec![0x81, 0x01, b'a'];
        let long = masked(0x81, &vec![b'a'; LONGEST + 1]);
        let long_parts = [masked(0x01, &vec![b'a'; LONGEST]), masked(0x80, b"a")].concat();
        let endless = vec![0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        for (bytes, code) in [
            (unmasked, PROTOCOL),
            (masked(0xc1, b"a"), PROTOCOL),
            (masked(0x83, b"a"), PROTOCOL),
            (masked(0x80, b"a"), PROTOCOL),
            (masked(0x09, b"a"), PROTOCOL),
            (masked(0x89, &[0; 126]), PROTOCOL),
            ([masked(0x01, b"a"), masked(0x81, b"b")].concat(), PROTOCOL),
            (masked(0x82, b"a"), UNSUPPORTED),
            (masked(0x81, b"\xff"), NO_TEXT),
            (long, TOO_LONG),
            (long_parts, TOO_LONG),
            (endless, TOO_LONG),
        ] {
            assert_eq!(all(&bytes).1, End::Broken(code), "{bytes:.20?}");
        }
        assert_eq!(all(&masked(0x88, &[0x03, 0xe8])).0, [Message::Close]);
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_end(bytes: Vec<u8>) {
            let (messages, _) = all(&bytes);
            prop_assert!(messages.len() <= bytes.len());
        }

        #[test]
        fn texts_come_through(text in ".{0,300}") {
            prop_assert_eq!(all(&masked(0x81, text.as_bytes())).0, [Message::Text(text)]);
        }
    }
}
