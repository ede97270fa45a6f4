//! A plain loop over `epoll`: channels beside other descriptors, without a runtime.
//!
//! ```text
//! cargo run --example epoll --features async
//! ```
//!
//! Two threads write; they could as well be other processes. A timer of the system stands for the
//! sockets and devices that such a loop has besides.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

#[cfg(target_os = "linux")]
mod linux {
    use ndsharray::{NewsFd, Options, Reader};
    use std::io::{Error, Result};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::thread;
    use std::time::Duration;

    /// A system call's answer.
    fn checked(answer: i32) -> Result<i32> {
        if answer < 0 { Err(Error::last_os_error()) } else { Ok(answer) }
    }

    struct Epoll(OwnedFd);

    impl Epoll {
        fn new() -> Result<Self> {
            // SAFETY: takes a number.
            let fd = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
            // SAFETY: the call has just made it.
            Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
        }

        fn add(&self, fd: RawFd, token: u64) -> Result<()> {
            let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: token };
            // SAFETY: both descriptors are open, and the struct outlives the call.
            checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) })?;
            Ok(())
        }

        fn remove(&self, fd: RawFd) -> Result<()> {
            // SAFETY: takes numbers.
            checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_DEL, fd, std::ptr::null_mut()) })?;
            Ok(())
        }

        /// Waits until something is readable; returns the tokens.
        fn wait(&self) -> Result<Vec<u64>> {
            let mut events = [libc::epoll_event { events: 0, u64: 0 }; 8];
            // SAFETY: there is room for as many structs as are asked for.
            let found = checked(unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), 8, -1) })?;
            Ok(events.iter().take(usize::try_from(found).unwrap_or(0)).map(|event| event.u64).collect())
        }
    }

    /// Fires every quarter of a second.
    fn timer() -> Result<OwnedFd> {
        // SAFETY: takes numbers.
        let fd = checked(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) })?;
        // SAFETY: the call has just made it.
        let timer = unsafe { OwnedFd::from_raw_fd(fd) };
        let quarter = libc::timespec { tv_sec: 0, tv_nsec: 250_000_000 };
        let every = libc::itimerspec { it_interval: quarter, it_value: quarter };
        // SAFETY: the descriptor is open, and the struct outlives the call.
        checked(unsafe { libc::timerfd_settime(fd, 0, &raw const every, std::ptr::null_mut()) })?;
        Ok(timer)
    }

    /// Writes some values in a thread, then closes the channel.
    fn write(options: &Options, name: &str, pause: Duration) -> ndsharray::Result<()> {
        let mut writer = options.create::<u32>(name)?;
        thread::spawn(move || {
            for value in 0..20 {
                writer.write(&[1], &[value])?;
                thread::sleep(pause);
            }
            writer.close()
        });
        Ok(())
    }

    pub(super) fn run() -> std::result::Result<(), Box<dyn std::error::Error>> {
        const TIMER: u64 = u64::MAX;
        let dir = tempfile::tempdir()?;
        let options = Options::new().dir(dir.path());
        write(&options, "slow", Duration::from_millis(100))?;
        write(&options, "quick", Duration::from_millis(40))?;

        let epoll = Epoll::new()?;
        let timer = timer()?;
        epoll.add(timer.as_raw_fd(), TIMER)?;
        let mut channels: Vec<Option<(Reader, NewsFd)>> = Vec::new();
        for name in ["slow", "quick"] {
            let reader = options.open(name)?;
            let fd = reader.news_fd()?;
            epoll.add(fd.as_raw_fd(), channels.len() as u64)?;
            channels.push(Some((reader, fd)));
        }
        while channels.iter().any(Option::is_some) {
            for token in epoll.wait()? {
                if token == TIMER {
                    let mut expirations = 0_u64;
                    // SAFETY: the descriptor is open, and the kernel writes the eight bytes.
                    unsafe { libc::read(timer.as_raw_fd(), (&raw mut expirations).cast(), 8) };
                    println!("timer");
                    continue;
                }
                let Some(channel) = usize::try_from(token).ok().and_then(|token| channels.get_mut(token)) else {
                    continue;
                };
                let Some((reader, fd)) = channel else { continue };
                if let Some(sample) = reader.read()? {
                    // The read has reset the descriptor, unless there is something newer yet.
                    println!("{}", sample.seq());
                } else if reader.is_closed() {
                    println!("{} is closed", reader.name());
                    epoll.remove(fd.as_raw_fd())?;
                    *channel = None;
                }
            }
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("epoll is a part of Linux; elsewhere `poll` and `kqueue` take the same descriptor");
}
