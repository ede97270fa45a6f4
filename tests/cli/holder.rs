//! Processes that have something, and can be killed: this test binary again.

use crate::support::Room;
use ndsharray::{Options, SharedArray};
use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

const WHAT: &str = "NDSHARRAY_TEST_WHAT";
const NAME: &str = "NDSHARRAY_TEST_NAME";

/// A process that has a channel or array; killed and reaped at the latest when dropped.
pub(crate) struct Holder {
    child: Child,
    /// Kept open: the test harness goes on writing.
    lines: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    /// Starts one, and waits until it has `name`: as `writer`, `reader`, `array` (made, with the lock held to write) or `handle`.
    pub(crate) fn new(room: &Room, what: &str, name: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["holder::body", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("NDSHARRAY_DIR", room.path())
            .env(WHAT, what)
            .env(NAME, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("@ready")), "{what} {name}: it ended");
        Self { child, lines }
    }

    /// Has a process make something and end: a channel with a value, `kept`; an array, `closed`; a channel in Python's format, `python`.
    ///
    /// Where this process made it, the kernel might take a moment to say that nobody has it any more: a child that another test has just forked has its files open
    /// too, until it calls `exec`.
    pub(crate) fn leave(room: &Room, what: &str, name: &str) {
        let mut holder = Self::new(room, what, name);
        drop(holder.child.stdin.take());
        holder.lines.by_ref().for_each(drop);
        assert!(holder.child.wait().unwrap().success());
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert!(!self.child.wait().unwrap().success(), "it ended by itself");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the body of child processes, started by other tests"]
fn body() {
    let (Ok(what), Ok(name)) = (std::env::var(WHAT), std::env::var(NAME)) else { return };
    let options = Options::new();
    match what.as_str() {
        "writer" => {
            let mut writer = options.create::<u8>(&name).unwrap();
            writer.write(&[2, 3], &[1, 2, 3, 4, 5, 6]).unwrap();
            ready();
        }
        "reader" => {
            let mut reader = options.open(&name).unwrap();
            let _held = reader.latest().unwrap().unwrap();
            ready();
        }
        "array" => {
            let array: SharedArray<f64> = options.create_array(&name, &[4]).unwrap();
            let _alone = array.write().unwrap();
            ready();
        }
        "handle" => {
            let _array: SharedArray<f64> = options.open_array(&name).unwrap();
            ready();
        }
        "kept" => {
            options.persist(true).create::<u8>(&name).unwrap().write(&[1], &[1]).unwrap();
            ready();
        }
        "closed" => {
            drop(options.create_array::<u8>(&name, &[1]).unwrap());
            ready();
        }
        "python" => {
            let options = ndsharray::compat::Options::new().persist(true);
            options.create::<i16>(&name).unwrap().write(&[4], &[1; 4]).unwrap();
            ready();
        }
        other => panic!("{other}"),
    }
}

/// Says so, and waits for the end of the parent.
fn ready() {
    #[allow(clippy::print_stdout, reason = "the parent waits for it")]
    {
        println!("\n@ready");
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
