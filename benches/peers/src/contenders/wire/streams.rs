//! A pipe and a Unix socket: the same bytes, copied into the kernel and out again, one frame after
//! the other.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::hint;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use anyhow::{Context, Result, ensure};

use super::{ReceiveFrame, SendFrame, Waiting, Wire, stamp, stamp_of};
use crate::harness::place::Place;

pub(crate) struct Pipe;

pub(crate) struct Socket;

/// A sending end: anything that bytes can be written to.
pub(crate) struct Sender<W> {
    stream: W,
    frame: Vec<u8>,
}

/// A socket's sending end, which is not connected before its first frame.
pub(crate) struct SocketSender {
    listener: UnixListener,
    sender: Option<Sender<UnixStream>>,
    size: usize,
}

/// A receiving end with room for one frame.
pub(crate) struct Receiver<R> {
    stream: R,
    frame: Vec<u8>,
}

impl Wire for Pipe {
    const NAME: &'static str = "pipe";
    type Sender = Sender<File>;
    type Receiver = Receiver<File>;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<Self::Sender> {
        let path = place.dir().join("pipe");
        let name = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: the name is a NUL-terminated string.
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        ensure!(made == 0, "mkfifo: {}", io::Error::last_os_error());
        // For reading too: opening does not wait for the other end then.
        let stream = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Sender { stream, frame: vec![0xA5; size] })
    }

    fn receiver(place: &Place, size: usize, waiting: Waiting) -> Result<Self::Receiver> {
        let flags = if waiting == Waiting::Spinning { libc::O_NONBLOCK } else { 0 };
        let stream = OpenOptions::new().read(true).custom_flags(flags).open(place.dir().join("pipe"))?;
        Ok(Receiver { stream, frame: vec![0; size] })
    }
}

impl Wire for Socket {
    const NAME: &'static str = "Unix socket";
    type Sender = SocketSender;
    type Receiver = Receiver<UnixStream>;

    fn sender(place: &Place, size: usize, _: Waiting) -> Result<SocketSender> {
        Ok(SocketSender { listener: UnixListener::bind(place.dir().join("socket"))?, sender: None, size })
    }

    fn receiver(place: &Place, size: usize, waiting: Waiting) -> Result<Self::Receiver> {
        let stream = UnixStream::connect(place.dir().join("socket"))?;
        stream.set_nonblocking(waiting == Waiting::Spinning)?;
        Ok(Receiver { stream, frame: vec![0; size] })
    }
}

impl<W: Write> SendFrame for Sender<W> {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        stamp(&mut self.frame, now);
        self.stream.write_all(&self.frame)?;
        Ok(())
    }
}

impl SendFrame for SocketSender {
    #[inline]
    fn send(&mut self, now: u64) -> Result<()> {
        if self.sender.is_none() {
            let (stream, _) = self.listener.accept()?;
            self.sender = Some(Sender { stream, frame: vec![0xA5; self.size] });
        }
        self.sender.as_mut().context("not connected")?.send(now)
    }
}

impl<R: Read> ReceiveFrame for Receiver<R> {
    #[inline]
    fn receive(&mut self) -> Result<u64> {
        let mut rest = self.frame.as_mut_slice();
        while !rest.is_empty() {
            match self.stream.read(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(count) => rest = rest.split_at_mut(count).1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => hint::spin_loop(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        stamp_of(&self.frame)
    }
}
