//! Two hosts with a line of 1 Gb/s between them, as network namespaces. At night, as root.

use crate::{Program, TIMEOUT, left, next, signal};
use ndsharray::{Options, Reader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PREFIX: &str = "ndsh-link-";
/// What the sending host is called on the line.
const ADDRESS: &str = "10.77.0.1";
const FRAME: usize = 24_883_200;

/// Runs `ip` or `tc`.
fn run(program: &str, args: &str) -> Result<(), String> {
    let ran = Command::new(program).args(args.split(' ')).output();
    let ran = ran.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() { Ok(()) } else { Err(format!("{program} {args}: {}", said.trim())) }
}

/// Two namespaces, which are gone at the end, also of a test that fails.
struct Hosts;

impl Hosts {
    fn name(host: char) -> String {
        format!("{PREFIX}{}-{host}", std::process::id())
    }

    fn device(host: char) -> String {
        format!("nl{}{host}", std::process::id())
    }

    fn new() -> Result<Self, String> {
        Self::sweep();
        let hosts = Self;
        for host in ['a', 'b'] {
            run("ip", &format!("netns add {}", Self::name(host)))?;
        }
        run("ip", &format!("link add {} type veth peer name {}", Self::device('a'), Self::device('b')))?;
        for (host, address) in [('a', ADDRESS), ('b', "10.77.0.2")] {
            let (name, device) = (Self::name(host), Self::device(host));
            run("ip", &format!("link set {device} netns {name}"))?;
            run("ip", &format!("-n {name} addr add {address}/24 dev {device}"))?;
            run("ip", &format!("-n {name} link set lo up"))?;
            run("ip", &format!("-n {name} link set {device} up"))?;
            Self::set_rate(host, "1gbit")?;
        }
        Ok(hosts)
    }

    fn set_rate(host: char, rate: &str) -> Result<(), String> {
        let (name, device) = (Self::name(host), Self::device(host));
        run("tc", &format!("-n {name} qdisc replace dev {device} root tbf rate {rate} burst 256kb latency 20ms"))
    }

    /// Removes namespaces of tests that were killed.
    fn sweep() {
        for entry in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let of = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
            if of.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = run("ip", &format!("netns del {name}"));
            }
        }
    }

    /// A bridge on one of the hosts.
    fn bridge(host: char, dir: &TempDir, args: &[&str]) -> Program {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &Self::name(host), env!("CARGO_BIN_EXE_ndsh-bridge"), "-q"]).args(args);
        command.env("NDSHARRAY_DIR", dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        Program(command.spawn().unwrap())
    }

    /// Takes the line down, or up again: neither system ends a connection for that.
    fn set_line(state: &str) {
        run("ip", &format!("-n {} link set {} {state}", Self::name('a'), Self::device('a'))).unwrap();
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in ['a', 'b'] {
            // Takes its end of the line along. One that was not made is not there.
            let _ = run("ip", &format!("netns del {}", Self::name(host)));
        }
    }
}

/// Kills a bridge, and starts the next: a port has one listener, and a name one writer.
fn kill(bridge: &mut Program, start: &dyn Fn() -> Program) {
    bridge.0.kill().unwrap();
    bridge.0.wait().unwrap();
    *bridge = start();
}

/// Waits for a value with this number or a later one.
fn reach(reader: &mut Reader, number: u64) {
    while next(reader).0 < number {}
}

#[test]
fn stops_cuts_and_kills_between_two_hosts() {
    if std::env::var("NDSHARRAY_STRESS").map_or(true, |length| length != "nightly") {
        return println!("skipped: only at night, with NDSHARRAY_STRESS=nightly");
    }
    let _hosts = match Hosts::new() {
        Ok(hosts) => hosts,
        Err(problem) => return println!("skipped: no network namespaces here: {problem}"),
    };
    let [from, desk_dir, wall_dir] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let robot = || Hosts::bridge('a', &from, &["--id", "robot", "-l", "tcp/0.0.0.0:7447"]);
    let endpoint = format!("tcp/{ADDRESS}:7447");
    let desk = || Hosts::bridge('b', &desk_dir, &["--id", "desk", "-e", &endpoint]);
    let wall = Hosts::bridge('b', &wall_dir, &["--id", "wall", "-e", &endpoint]);
    let (mut robot_now, mut desk_now) = (robot(), desk());
    // One writes frames as fast as they go, one a small value, 100 times a second.
    let written = [AtomicU64::new(0), AtomicU64::new(0)];
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (name, len, pause, written) in [("frame", FRAME, 40, &written[0]), ("small", 64, 10, &written[1])] {
            let (options, over) = (Options::new().dir(&from), &over);
            scope.spawn(move || {
                let mut writer = options.create::<u8>(name).unwrap();
                while !over.load(Ordering::Relaxed) {
                    let value = (written.load(Ordering::Relaxed) % 251) as u8;
                    written.store(writer.write(&[len], &vec![value; len]).unwrap(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(pause));
                }
            });
        }
        // Ends the writers if this thread fails.
        struct Over<'a>(&'a std::sync::atomic::AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&over);
        let open = |dir: &TempDir, name: &str| Options::new().dir(dir).open_timeout(name, TIMEOUT).unwrap();
        let names = ["robot.frame", "robot.small"];
        let (mut at_desk, mut at_wall) =
            (names.map(|name| open(&desk_dir, name)), names.map(|name| open(&wall_dir, name)));
        let mut all_arrive = |what: &str, with_wall: bool| {
            let begun = Instant::now();
            // `next` checks that each value is whole.
            let wanted = [0, 1].map(|at| written[at].load(Ordering::Relaxed) + 2);
            for (reader, number) in at_desk.iter_mut().zip(wanted) {
                reach(reader, number);
            }
            if with_wall {
                for (reader, number) in at_wall.iter_mut().zip(wanted) {
                    reach(reader, number);
                }
            }
            println!("{what}: all is there after {:.1?}", begun.elapsed());
        };
        all_arrive("at the beginning", true);

        signal(&wall, "STOP");
        let end = Instant::now() + Duration::from_secs(25);
        while Instant::now() < end {
            all_arrive("with a receiver that is stopped", false);
        }
        signal(&wall, "CONT");
        all_arrive("once it goes on", true);

        Hosts::set_line("down");
        let mut frames = open(&desk_dir, "robot.frame");
        let begun = Instant::now();
        while !frames.is_closed() {
            // What had arrived is read first.
            let _ = frames.wait(Duration::from_millis(50));
            assert!(begun.elapsed() < TIMEOUT, "the cut has not been noticed");
        }
        println!("a cut is noticed after {:.1?}", begun.elapsed());
        drop(frames);
        Hosts::set_line("up");
        all_arrive("once the line is back", true);

        // Two receivers: a frame for each takes two seconds.
        Hosts::set_rate('a', "200mbit").unwrap();
        all_arrive("over a slow line", true);
        Hosts::set_rate('a', "1gbit").unwrap();

        for _ in 0..3 {
            kill(&mut desk_now, &desk);
            all_arrive("after a kill of the receiver's bridge", true);
            kill(&mut robot_now, &robot);
            all_arrive("after a kill of the source's bridge", true);
        }
    });
    for mut bridge in [desk_now, wall, robot_now] {
        signal(&bridge, "TERM");
        assert!(bridge.0.wait().unwrap().success());
    }
    for dir in [&from, &desk_dir, &wall_dir] {
        assert!(left(dir.path()).is_empty(), "{:?}", left(dir.path()));
    }
}
