//! A browser in small: HTTP, and the client's side of WebSocket.

use crate::support::{Running, TIMEOUT, TestDir};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// `ndsh web` on a free port.
pub(crate) struct Page {
    pub(crate) process: Running,
    /// What it has printed.
    pub(crate) address: String,
    pub(crate) port: u16,
}

impl Page {
    pub(crate) fn open(dir: &TestDir, args: &[&str]) -> Self {
        let mut process = dir.start(&[&["web", "--listen", "127.0.0.1:0"], args].concat());
        let address = process.line().trim().to_owned();
        let port = address.split(['/', ':']).nth(4).unwrap_or_else(|| panic!("{address}")).parse().unwrap();
        Self { process, address, port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends bytes as they are, and returns what comes until the connection is closed.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The server may have answered, and closed, before it has read all of it.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// A connection that says nothing.
    pub(crate) fn silent(&self) -> TcpStream {
        self.connect()
    }

    /// Asks for a path with these headers, and returns status, head and body.
    pub(crate) fn get(&self, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
        let host = if headers.contains("Host:") { String::new() } else { format!("Host: 127.0.0.1:{}\r\n", self.port) };
        let answer = self.raw(format!("GET {path} HTTP/1.1\r\n{host}{headers}\r\n").as_bytes());
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(&answer)));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }

    pub(crate) fn status(&self, path: &str, headers: &str) -> u16 {
        self.get(path, headers).0
    }

    /// Opens a WebSocket.
    pub(crate) fn socket(&self, path: &str) -> Socket {
        Socket::open(self.connect(), &format!("127.0.0.1:{}", self.port), path)
    }

    /// Looks at a channel, with a wish for a large picture.
    pub(crate) fn view(&self, name: &str) -> Socket {
        let mut socket = self.socket(&format!("/view?kind=channel&name={name}"));
        socket.say(r#"{"type":"wish","index":null,"size":[4096,4096]}"#);
        socket
    }
}

/// The headers that ask for a WebSocket.
pub(crate) const UPGRADE: &str = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The client's side of a WebSocket.
pub(crate) struct Socket {
    stream: TcpStream,
}

/// A frame of the server.
#[derive(Debug)]
pub(crate) enum Got {
    Text(Value),
    /// The head of a message in bytes, and what follows it.
    Bytes(Value, Vec<u8>),
    Close(u16),
}

impl Socket {
    pub(crate) fn open(mut stream: TcpStream, host: &str, path: &str) -> Self {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The answer to the key that RFC 6455 has for an example.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Self { stream }
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a masked frame whose first byte is this one.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let mask = [1, 2, 3, 4];
        let mut frame = match payload.len() {
            len @ 0..=125 => vec![first, 0x80 | len as u8],
            len @ 126..=0xffff => [&[first, 0xfe][..], &(len as u16).to_be_bytes()].concat(),
            len => [&[first, 0xff][..], &(len as u64).to_be_bytes()].concat(),
        };
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.raw(&frame);
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    /// Says that a frame was drawn.
    pub(crate) fn ack(&mut self, number: &Value) {
        self.say(&format!("{{\"type\":\"ack\",\"n\":{number}}}"));
    }

    /// Waits for a frame.
    pub(crate) fn next(&mut self) -> Got {
        let end = Instant::now() + TIMEOUT;
        loop {
            assert!(Instant::now() < end, "nothing but questions");
            let [first, short] = self.bytes();
            assert!(first & 0xf0 == 0x80 && short < 128, "one frame a message, not masked: {first:x} {short:x}");
            let len = match short {
                126 => u16::from_be_bytes(self.bytes()).into(),
                127 => u64::from_be_bytes(self.bytes()),
                short => short.into(),
            };
            let mut payload = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut payload).unwrap();
            match first & 15 {
                1 => return Got::Text(serde_json::from_slice(&payload).unwrap()),
                2 => {
                    let len = u32::from_le_bytes(*payload.first_chunk().unwrap()) as usize;
                    assert_eq!((len + 4) % 8, 0);
                    let head = serde_json::from_slice(&payload[4..4 + len]).unwrap();
                    return Got::Bytes(head, payload.split_off(4 + len));
                }
                8 => return Got::Close(u16::from_be_bytes(*payload.first_chunk().unwrap())),
                9 | 10 => {}
                other => panic!("a frame of kind {other}"),
            }
        }
    }

    /// Waits for the next picture or file.
    pub(crate) fn picture(&mut self) -> (Value, Vec<u8>) {
        loop {
            match self.next() {
                Got::Bytes(head, bytes) => return (head, bytes),
                Got::Text(_) => {}
                Got::Close(code) => panic!("closed with {code}"),
            }
        }
    }

    /// Waits for a text that `done` accepts.
    pub(crate) fn text(&mut self, mut done: impl FnMut(&Value) -> bool) -> Value {
        loop {
            match self.next() {
                Got::Text(value) if done(&value) => return value,
                Got::Text(_) | Got::Bytes(..) => {}
                Got::Close(code) => panic!("closed with {code}"),
            }
        }
    }

    /// Waits for the end of the connection.
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            if let Got::Close(code) = self.next() {
                return code;
            }
        }
    }

    /// Whether the other side has closed the connection, or does it now.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}
