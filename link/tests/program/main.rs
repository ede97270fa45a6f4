//! The program itself, over zenoh or, without it, bare TCP: two directories stand for two machines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, reason = "tests")]

#[cfg(target_os = "linux")]
mod namespaces;

use ndsharray::{Error, Options, Reader};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(90);

/// A bridge of its own process, which is killed at the end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ndsh-bridge"));
    command.env("NDSHARRAY_DIR", dir).stdin(Stdio::null());
    command
}

fn start(dir: &Path, args: &[&str]) -> Program {
    Program(command(dir).args(args).stdout(Stdio::null()).spawn().unwrap())
}

/// A port below those that systems give to outgoing connections, free just now.
fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| 20_000 + uuid::Uuid::new_v4().as_u64_pair().1 as u16 % 12_000);
    ports.take(1000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// The next value; a close before it does not count.
fn next(reader: &mut Reader) -> (u64, u8, uuid::Uuid) {
    let end = Instant::now() + TIMEOUT;
    while Instant::now() < end {
        match reader.wait(TIMEOUT) {
            Ok(Some(sample)) => {
                let bytes = sample.as_bytes();
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "value {} is torn", sample.seq());
                return (sample.seq(), bytes[0], sample.incarnation());
            }
            Ok(None) | Err(Error::Closed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no value");
}

#[test]
fn says_what_it_does_and_what_others_have() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let endpoint = format!("tcp/127.0.0.1:{}", free_port());
    let mut writer = Options::new().dir(&from).create::<u8>("cam").unwrap();
    writer.write(&[10], &[7; 10]).unwrap();
    let mut child = command(from.path());
    child.args(["--id", "robot", "-l", &endpoint, "--json", "--interval", "0.05"]).stdout(Stdio::piped());
    let mut robot = Program(child.spawn().unwrap());
    let _desk = start(to.path(), &["--id", "desk", "-e", &endpoint]);
    let mut reader = Options::new().dir(&to).open_timeout("robot.cam", TIMEOUT).unwrap();
    assert_eq!(next(&mut reader).1, 7);
    let lines = BufReader::new(robot.0.stdout.take().unwrap()).lines();
    let end = Instant::now() + TIMEOUT;
    let live = lines.map(|line| line.unwrap()).find(|line| {
        assert!(Instant::now() < end, "in vain: {line}");
        line.contains(r#""state":"live""#) && line.contains(r#""values":1"#)
    });
    let report: serde_json::Value = serde_json::from_str(&live.unwrap()).unwrap();
    let row = &report["channels"][0];
    assert_eq!((row["channel"].as_str(), row["receivers"][0].as_str()), (Some("cam"), Some("desk")));
    assert_eq!((row["bytes"].as_u64(), row["drops"].as_object().unwrap().len()), (Some(10), 0));
    let listed = command(to.path()).args(["ls", "robot", "--wait", "5", "-e", &endpoint]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "robot\tcam\n");
    let none = command(to.path()).args(["ls", "nobody", "--wait", "0.1", "-e", &endpoint]).output().unwrap();
    assert!(!none.status.success());
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (args, said) in [
        (vec![], "no way to another host"),
        (vec!["-l", "tcp/127.0.0.1:0", "--id", "a/b"], "--id"),
        (vec!["-l", "tcp/127.0.0.1:0", "--allow", "["], "--allow"),
        (vec!["-l", "tcp/127.0.0.1:0", "--max-rate", "cam=fast"], "--max-rate"),
        (vec!["-l", "tcp/256.0.0.1:0"], "listen"),
        (vec!["-l", "tcp/127.0.0.1:0", "--dir", "/no/such/directory"], "/no/such/directory"),
        (vec!["-l", "tcp/127.0.0.1:0", "--as", "nothing"], "nothing"),
    ] {
        let answer = command(dir.path()).args(["--carrier", "tcp"]).args(&args).output().unwrap();
        let error = String::from_utf8(answer.stderr).unwrap();
        assert!(!answer.status.success() && error.contains(said), "{args:?}: {error}");
    }
}

/// Either bridge is killed under load, again and again: the other side goes on, nothing is torn.
/// `NDSHARRAY_STRESS=nightly` kills fifty times.
#[test]
fn kills_of_either_bridge() {
    let kills = if std::env::var("NDSHARRAY_STRESS").is_ok_and(|length| length == "nightly") { 50 } else { 6 };
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let endpoint = format!("tcp/127.0.0.1:{}", free_port());
    let robot = || start(from.path(), &["--id", "robot", "-l", &endpoint, "-q"]);
    let desk = || start(to.path(), &["--id", "desk", "-e", &endpoint, "-q"]);
    let mut writer = Options::new().dir(&from).create::<u8>("camera").unwrap();
    writer.write(&[1 << 18], &vec![0; 1 << 18]).unwrap();
    let (mut from_bridge, mut to_bridge) = (Some(robot()), Some(desk()));
    let mut reader = Options::new().dir(&to).open_timeout("robot.camera", TIMEOUT).unwrap();
    let (mut last, _, incarnation) = next(&mut reader);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            for value in 1_u64.. {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                writer.write(&[1 << 18], &vec![(value % 251) as u8; 1 << 18]).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // Ends the writer's thread if this one fails.
        struct Done<'a>(&'a std::sync::atomic::AtomicBool);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let _done = Done(done);
        for kill in 0..kills {
            // Dropped first: a port has one listener, and a name one writer.
            if kill % 2 == 0 {
                drop(from_bridge.take());
                from_bridge = Some(robot());
            } else {
                drop(to_bridge.take());
                to_bridge = Some(desk());
            }
            // What had arrived before the kill may come first.
            for _ in 0..3 {
                let (number, value, lineage) = next(&mut reader);
                assert!(number > last && lineage == incarnation, "number {number} after {last}");
                assert_eq!(u64::from(value), (number - 1) % 251, "another value's bytes");
                last = number;
            }
        }
    });
    drop(reader);
    // Whatever the kills have left is taken over by the last two, which end as they should.
    for bridge in [to_bridge.as_mut().unwrap(), from_bridge.as_mut().unwrap()] {
        signal(bridge, "TERM");
        assert!(bridge.0.wait().unwrap().success());
    }
    assert_eq!((left(to.path()), left(from.path())), (Vec::new(), Vec::new()));
}

/// The files of a directory.
fn left(dir: &Path) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

fn signal(program: &Program, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(program.0.id().to_string()).status();
    assert!(sent.unwrap().success());
}

/// Memory of a process's own, without what it shares.
#[cfg(target_os = "linux")]
fn own_memory(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Three receivers are stopped beside one that is not: the sender grows by what is stated.
///
/// The other one gets what is newest, and so do the three once they go on.
#[cfg(target_os = "linux")]
#[test]
fn stopped_receivers_cost_a_bound_of_memory_alone() {
    const LEN: usize = 8 << 20;
    const STOPPED: usize = 3;
    let from = tempfile::tempdir().unwrap();
    let rooms: Vec<_> = (0..=STOPPED).map(|_| tempfile::tempdir().unwrap()).collect();
    let endpoint = format!("tcp/127.0.0.1:{}", free_port());
    let options = Options::new().dir(&from).max_slots(8);
    let mut writer = options.create::<u8>("camera").unwrap();
    writer.write(&[LEN], &vec![0; LEN]).unwrap();
    let robot = start(from.path(), &["--id", "robot", "-l", &endpoint, "-q"]);
    let desk = |at: usize| start(rooms[at].path(), &["--id", &format!("desk{at}"), "-e", &endpoint, "-q"]);
    let desks: Vec<_> = (0..=STOPPED).map(desk).collect();
    let open = |at: usize| Options::new().dir(&rooms[at]).open_timeout("robot.camera", TIMEOUT).unwrap();
    let mut readers: Vec<_> = (0..=STOPPED).map(open).collect();
    readers.iter_mut().for_each(|reader| assert_eq!(next(reader).1, 0));
    let before = own_memory(&robot);
    desks[..STOPPED].iter().for_each(|desk| signal(desk, "STOP"));
    let mut most = 0;
    let begun = Instant::now();
    for value in 1_u8..=250 {
        // Late enough for a value on its way to be copied.
        if value > 40 && begun.elapsed() > Duration::from_secs(2) {
            break;
        }
        writer.write(&[LEN], &vec![value; LEN]).unwrap();
        if value % 4 == 0 {
            // As many go by as the one that runs takes.
            assert!(next(&mut readers[STOPPED]).1 <= value);
        }
        most = most.max(own_memory(&robot));
    }
    // For each a copy, and zenoh's batches: 16 for each of eight priorities, of 64 KiB.
    let bound = STOPPED as u64 * (LEN as u64 + (8 << 20)) + (32 << 20);
    assert!(most.saturating_sub(before) < bound, "{before} bytes have become {most}");
    desks[..STOPPED].iter().for_each(|desk| signal(desk, "CONT"));
    // One that no reader has seen yet.
    writer.write(&[LEN], &vec![251; LEN]).unwrap();
    for reader in &mut readers {
        while next(reader).1 != 251 {}
    }
}
