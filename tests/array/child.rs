//! Child processes: this test binary again, with a role to play in a room. They say `@ready`, wait for a line, play, and say what came of it.

use crate::support::{NAME, PATIENCE, Room};
use ndsharray::{Error, Options, SharedArray};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

const DIR: &str = "NDSHARRAY_TEST_ARRAY_DIR";
const ROLE: &str = "NDSHARRAY_TEST_ARRAY_ROLE";

/// A child process; killed and reaped at the latest when dropped.
pub(crate) struct Actor {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Actor {
    /// Starts a child, which is ready when this returns.
    pub(crate) fn new(room: &Room, role: &str) -> Self {
        let actor = Self::start(room, role, "");
        assert_eq!(actor.answer(), "ready");
        actor
    }

    /// Starts a child with a point at which it dies.
    pub(crate) fn start(room: &Room, role: &str, fail_point: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child::body", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIR, room.path())
            .env(ROLE, role)
            .env("NDSHARRAY_FAILPOINT", fail_point)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, answers) = channel();
        // Ends with the child's output.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, answer)) = line.split_once('@')
                    && sender.send(answer.to_owned()).is_err()
                {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, answers }
    }

    pub(crate) fn go(&mut self) {
        writeln!(self.stdin.as_mut().unwrap(), "go").unwrap();
    }

    pub(crate) fn answer(&self) -> String {
        self.answers.recv_timeout(PATIENCE).expect("an answer in time")
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert!(!self.child.wait().unwrap().success(), "it ended by itself");
    }

    /// Waits for the child's end; says whether it came to its last word.
    #[cfg(feature = "failpoints")]
    pub(crate) fn ended_by_itself(mut self) -> bool {
        drop(self.stdin.take());
        // The answers end with the child.
        let last = self.answers.recv_timeout(PATIENCE);
        assert!(last != Err(std::sync::mpsc::RecvTimeoutError::Timeout), "it hangs");
        let status = self.child.wait().unwrap();
        assert_eq!(last.is_ok(), status.success(), "{last:?}, {status}");
        status.success()
    }

    /// Waits until the child ends by itself.
    pub(crate) fn finish(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: i32) {
        crate::os::signal(self.child.id(), signal);
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Adds one to each element in turn, so that whoever sees them differ has seen half a change.
pub(crate) fn change_all(elements: &mut [u64]) {
    elements.iter_mut().for_each(|element| *element += 1);
}

fn next_line() {
    std::io::stdin().lines().next();
}

#[test]
#[ignore = "the body of child processes, started by other tests"]
fn body() {
    let (Some(dir), Ok(role)) = (std::env::var_os(DIR), std::env::var(ROLE)) else { return };
    let options = Options::new().dir(dir);
    if role == "everything" {
        everything(&options);
        println!("@done");
        return;
    }
    let array: SharedArray<u64> = options.open_array(NAME).unwrap();
    println!("@ready");
    next_line();
    let words: Vec<&str> = role.split(' ').collect();
    match *words.as_slice() {
        // Adds to all elements, so many times, under the lock.
        ["locked", times] => {
            for _ in 0..times.parse().unwrap() {
                change_all(&mut array.write().unwrap());
            }
        }
        ["atomic", times] => {
            for _ in 0..times.parse().unwrap() {
                array.fetch_add(0, 1);
            }
        }
        // All three ways by turns, checking what it sees.
        ["mixed", times] => {
            for n in 0..times.parse::<u64>().unwrap() {
                match n % 4 {
                    0 => change_all(&mut array.write().unwrap()[1..]),
                    1 => _ = array.fetch_add(0, 1),
                    2 => _ = array.load(0),
                    _ => {
                        let guard = array.read().unwrap();
                        let (counter, others) = guard.split_first().unwrap();
                        assert!(others.iter().all(|&other| other == others[0]), "torn: {others:?}");
                        // Looked at again, without the compiler's knowing that it must be the same.
                        assert_eq!(std::hint::black_box(&guard)[0], *counter, "changed under a guard");
                    }
                }
            }
        }
        // Takes the array and keeps it.
        ["hold", how] => {
            let _guards = match how {
                "read" => (Some(array.read().unwrap()), None, None),
                "write" => (None, Some(array.write().unwrap()), None),
                _ => (None, None, Some(array.atomic().unwrap())),
            };
            println!("@held");
            next_line();
        }
        // Uses the array in all ways until it is killed.
        ["hammer"] => {
            println!("@hammering");
            loop {
                match array.write() {
                    Ok(mut elements) => change_all(&mut elements),
                    Err(Error::Poisoned(_)) => println!("@poisoned"),
                    Err(other) => panic!("{other}"),
                }
                if let Ok(elements) = array.read() {
                    assert!(elements.iter().all(|&element| element == elements[0]));
                }
                drop(array.atomic());
                let _ = array.try_write();
            }
        }
        // Waits for the array, for ever.
        ["want", how] => {
            println!("@wanting");
            match how {
                "read" => drop(array.read()),
                _ => drop(array.write()),
            }
            println!("@had");
        }
        _ => panic!("no such role: {role}"),
    }
    println!("@done");
}

/// Comes to every step that there is.
fn everything(options: &Options) {
    drop(options.array_from_slice("other", &[4], &[7_u64; 4]));
    let array: SharedArray<u64> = options.open_array(NAME).unwrap();
    let second: SharedArray<u64> = options.open_array(NAME).unwrap();
    change_all(&mut array.write().unwrap());
    drop(array.read().unwrap());
    drop(array.atomic().unwrap());
    // Each of these finds the array taken until it has fallen asleep.
    let asleep = |hold: &dyn Fn() -> Box<dyn std::any::Any>, take: &(dyn Fn() + Sync)| {
        let held = hold();
        std::thread::scope(|scope| {
            let taker = scope.spawn(take);
            let end = std::time::Instant::now() + std::time::Duration::from_millis(if cfg!(windows) { 40 } else { 5 });
            while std::time::Instant::now() < end && !taker.is_finished() {
                std::thread::yield_now();
            }
            drop(held);
        });
    };
    let second: &'static SharedArray<u64> = Box::leak(Box::new(second));
    asleep(&|| Box::new(second.read().unwrap()), &|| change_all(&mut array.write().unwrap()));
    asleep(&|| Box::new(second.write().unwrap()), &|| change_all(&mut array.write().unwrap()));
    asleep(&|| Box::new(second.write().unwrap()), &|| drop(array.read().unwrap()));
}
