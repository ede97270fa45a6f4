//! Peer processes: this test binary once more, in a role.
//!
//! A peer is the program that starts it, so it is there whenever a test is. It has the same target
//! and the same sanitizer, and an emulator or Wine finds it. In a binary with a test harness it
//! runs the test [`PROGRAM`].

use super::os::{self, Death};
use super::output::Output;
use super::{TIMEOUT, wait_until};
use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The test that peers run.
const PROGRAM: &str = "peer::program";

/// The words of a peer's role, and the directory to act in.
const ROLE: &str = "NDSHARRAY_TEST_ROLE";
const DIR: &str = "NDSHARRAY_TEST_DIR";

/// What the parent can notice of a peer.
#[derive(Debug)]
pub(crate) enum Event {
    Line(String),
    Stopped,
    /// It is gone, and everything it said has been heard.
    Ended(ExitStatus),
    Quiet,
}

/// This test binary once more, as a process of its own.
///
/// It is killed and reaped at the latest when this is dropped. It says what it has done in lines
/// that start with `@`.
pub(crate) struct Peer {
    process: process::Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    /// Heard, but not yet a line.
    rest: Vec<u8>,
    said: VecDeque<String>,
    stopped: bool,
}

/// Starts the process of `command`.
///
/// Wine's server refuses one now and then while it takes killed ones apart.
fn spawn(command: &mut Command) -> process::Child {
    const INTERNAL_ERROR: i32 = 1359;
    for _ in 0..100 {
        match command.spawn() {
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(INTERNAL_ERROR) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other.unwrap(),
        }
    }
    panic!("the system starts no process");
}

impl Peer {
    /// Starts a peer that plays `role` in `dir`; `adjust` may change how it is started.
    pub(crate) fn start(role: &str, dir: &Path, adjust: impl FnOnce(&mut Command)) -> Self {
        Self::of(&std::env::current_exe().unwrap(), role, dir, adjust)
    }

    /// `program` is this test binary, perhaps built for another target.
    pub(crate) fn of(program: &Path, role: &str, dir: &Path, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(program);
        command.args([PROGRAM, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(DIR, dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        adjust(&mut command);
        let mut process = spawn(&mut command);
        let stdout = Output::new(process.stdout.take().unwrap());
        Self { stdin: process.stdin.take(), process, stdout, rest: Vec::new(), said: VecDeque::new(), stopped: false }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next thing it does, if it does something within `time`.
    pub(crate) fn poll(&mut self, time: Duration) -> Event {
        let end = Instant::now() + time;
        loop {
            if let Some(line) = self.said.pop_front() {
                return Event::Line(line);
            }
            if std::mem::take(&mut self.stopped) {
                return Event::Stopped;
            }
            if self.take_what_is_said() {
                continue;
            }
            if self.stdout.is_over() {
                return self.await_end();
            }
            if self.has_stopped() {
                // What it said before comes first.
                self.take_what_is_said();
                self.stopped = true;
                continue;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Event::Quiet;
            }
            self.stdout.sleep(left.min(Duration::from_micros(500)));
        }
    }

    /// Whether it has said something.
    fn take_what_is_said(&mut self) -> bool {
        self.stdout.take(&mut self.rest);
        while let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=at).collect();
            // A test harness writes on the same line.
            if let Some((_, said)) = String::from_utf8(line).unwrap().trim_end().split_once('@') {
                self.said.push_back(said.to_owned());
            }
        }
        !self.said.is_empty()
    }

    /// Nothing can be stopped there, so that others can see it.
    #[cfg(windows)]
    fn has_stopped(&self) -> bool {
        false
    }

    #[cfg(unix)]
    fn has_stopped(&self) -> bool {
        // SAFETY: siginfo_t is a C struct of integers and pointers, for which all zeroes is a
        // value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::WSTOPPED | libc::WNOHANG;
        // SAFETY: `info` may be written; the process is a child that has not been waited for, so
        // the id is its own.
        #[allow(clippy::useless_conversion, reason = "its width differs by target")]
        let answer = unsafe { libc::waitid(libc::P_PID, self.id().into(), &raw mut info, options) };
        // SAFETY: waitid has filled in the fields for a child, or left zeroes.
        answer == 0 && unsafe { info.si_pid() } != 0
    }

    fn await_end(&mut self) -> Event {
        let end = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return Event::Ended(status);
            }
            assert!(Instant::now() < end, "it is silent, but does not end");
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// What it says next; fails if it does not.
    pub(crate) fn hear(&mut self) -> String {
        match self.poll(TIMEOUT) {
            Event::Line(line) => line,
            other => panic!("instead of an answer: {other:?}"),
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        // A peer that has just died does not listen. A test that wants an answer will notice.
        let _ = writeln!(stdin, "{line}");
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: i32) {
        os::signal(self.id(), signal);
    }

    /// SIGSTOP, and waits until it has stopped.
    #[cfg(unix)]
    pub(crate) fn stop(&mut self) {
        self.signal(libc::SIGSTOP);
        wait_until("it stops", || matches!(self.poll(Duration::ZERO), Event::Stopped));
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(os::death_of(status), Death::Killed, "it ended by itself: {status}");
    }

    /// Ends its input, and with it most roles.
    pub(crate) fn tell_no_more(&mut self) {
        drop(self.stdin.take());
    }

    /// Ends its input, and waits until it has come to its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.tell_no_more();
        let end = Instant::now() + TIMEOUT;
        loop {
            match self.poll(Duration::from_millis(1)) {
                Event::Ended(status) => return status,
                Event::Stopped => panic!("it stopped"),
                _ => assert!(Instant::now() < end, "the child does not end"),
            }
        }
    }

    /// As [`end`](Self::end), where nothing goes wrong.
    pub(crate) fn finish(&mut self) {
        let status = self.end();
        assert!(status.success(), "the child failed: {status}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the role's words and directory in a peer, `None` in any other process.
pub(crate) fn role() -> Option<(Vec<String>, PathBuf)> {
    let role = std::env::var(ROLE).ok()?;
    Some((role.split(' ').map(str::to_owned).collect(), std::env::var_os(DIR)?.into()))
}

/// Says a line to the parent.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone needs no answer, and the role ends with the input.
    let _ = writeln!(out, "@{line}");
    let _ = out.flush();
}

/// Waits for the parent's next line; `None` at the end of the input.
pub(crate) fn listen() -> Option<String> {
    std::io::stdin().lines().next()?.ok()
}
