//! A line that is cut without a word: neither side hears of it from its system.

use crate::hosts::{TestHost, next, wait_until};
use ndsharray_link::carrier::Carrier;
use ndsharray_link::carrier::tcp::Tcp;
use ndsharray_link::report::{Direction, State};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(20);

/// Passes on what comes, both ways, unless it is cut: then it takes nothing, and says nothing.
struct Line {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Line {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let line = Self { address, cut: Arc::default(), over: Arc::default() };
        let (cut, over) = (Arc::clone(&line.cut), Arc::clone(&line.over));
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // A call gets no answer while the line is cut.
                let Some((near, _)) = (!cut.load(Ordering::Relaxed)).then(|| listener.accept().ok()).flatten() else {
                    std::thread::sleep(TICK);
                    continue;
                };
                let Ok(far) = TcpStream::connect(target) else { continue };
                near.set_nonblocking(false).unwrap();
                for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    let (cut, over) = (Arc::clone(&cut), Arc::clone(&over));
                    std::thread::spawn(move || pass_on(from, to, &cut, &over));
                }
            }
        });
        line
    }

    fn set_cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, cut: &AtomicBool, over: &AtomicBool) {
    from.set_read_timeout(Some(TICK)).unwrap();
    let mut bytes = vec![0; 1 << 16];
    while !over.load(Ordering::Relaxed) {
        let read = if cut.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            continue;
        } else {
            from.read(&mut bytes)
        };
        let len = match read {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Ok(len) if len > 0 => len,
            _ => break,
        };
        // What was under way when the line was cut waits, as a system would send it again.
        while cut.load(Ordering::Relaxed) && !over.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
        }
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Both sides notice within the carrier's lease, and go on by themselves once the line is back.
fn is_noticed_and_mended(
    robot: Arc<dyn Carrier>,
    target: SocketAddr,
    desk: impl FnOnce(SocketAddr) -> Arc<dyn Carrier>,
) {
    let line = Line::to(target);
    let from = TestHost::new("robot").start(robot);
    let to = TestHost::new("desk").start(desk(line.address));
    let mut writer = from.options().create::<u32>("camera").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut reader = to.open("robot.camera");
    let incarnation = next(&mut reader).incarnation();
    for round in 0..2 {
        line.set_cut(true);
        let number = writer.write(&[1], &[2 + round]).unwrap();
        wait_until("the receiver closes the channel", || reader.is_closed());
        wait_until("the source wants it to go nowhere", || {
            from.row(Direction::Out, "camera").is_some_and(|row| row.state == State::Idle && row.receivers.is_empty())
        });
        line.set_cut(false);
        let sample = next(&mut reader);
        assert_eq!((sample.seq(), sample.view::<u32>().unwrap()[[0]]), (number, 2 + round));
        assert_eq!(sample.incarnation(), incarnation);
    }
}

#[test]
fn over_tcp_are_noticed_and_mended() {
    let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &[], 1 << 20).unwrap();
    let target = tcp.addresses()[0];
    let desk = |line: SocketAddr| Arc::new(Tcp::new(&[], &[line.to_string()], 1 << 20).unwrap()) as _;
    is_noticed_and_mended(Arc::new(tcp), target, desk);
}

#[cfg(feature = "zenoh")]
#[test]
fn over_zenoh_are_noticed_and_mended() {
    use ndsharray_link::carrier::zenoh::{Zenoh, ZenohSettings};
    let target: SocketAddr = format!("127.0.0.1:{}", crate::hosts::free_port()).parse().unwrap();
    let zenoh = |listen: Vec<String>, connect: Vec<String>| {
        let settings = ZenohSettings { listen, connect, ..ZenohSettings::default() };
        let settings = ZenohSettings { namespace: "cuts".into(), max_bytes: 1 << 20, ..settings };
        Arc::new(Zenoh::new(&settings).unwrap()) as Arc<dyn Carrier>
    };
    let robot = zenoh(vec![format!("tcp/{target}")], Vec::new());
    is_noticed_and_mended(robot, target, |line| zenoh(Vec::new(), vec![format!("tcp/{line}")]));
}
