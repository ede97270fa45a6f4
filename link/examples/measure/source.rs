//! The sending end.

use crate::value::{NO_ROUND, SMALL, fill};
use crate::{Answer, PATIENCE, Plan, Way};
use ndsharray::{Options, Writer};
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// Sends the values of one size on one way.
pub(crate) trait Sends: Send {
    fn send(&mut self, bytes: usize, round: u64, number: u64) -> Answer<()>;

    /// Returns once there is another end.
    fn meet(&mut self, _bytes: usize) -> Answer<()> {
        Ok(())
    }
}

struct Tcp {
    stream: TcpStream,
    value: Vec<u8>,
}

impl Tcp {
    fn connect(address: &str) -> Answer<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect(address) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, value: Vec::new() });
                }
                Err(error) if Instant::now() >= end => return Err(error.into()),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Sends for Tcp {
    fn send(&mut self, bytes: usize, round: u64, number: u64) -> Answer<()> {
        self.value.resize(8 + bytes, 0);
        if let Some((len, value)) = self.value.split_first_chunk_mut() {
            *len = (bytes as u64).to_le_bytes();
            fill(value, round, number);
        }
        Ok(self.stream.write_all(&self.value)?)
    }
}

struct Channel(Writer<u8>);

impl Sends for Channel {
    fn send(&mut self, bytes: usize, round: u64, number: u64) -> Answer<()> {
        let mut loan = self.0.loan(&[bytes])?;
        fill(loan.as_mut_slice(), round, number);
        loan.publish()?;
        Ok(())
    }

    fn meet(&mut self, bytes: usize) -> Answer<()> {
        // A channel is announced once it has a value.
        self.send(bytes, NO_ROUND, 0)?;
        let end = Instant::now() + PATIENCE;
        while self.0.reader_count() == 0 {
            if Instant::now() >= end {
                return Err("no bridge reads the channel".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn open(way: &Way, name: &str, plan: &Plan) -> Answer<Box<dyn Sends>> {
    Ok(match way {
        Way::Tcp(address) => Box::new(Tcp::connect(address)?),
        Way::Zenoh { key, endpoint } => crate::zenoh_ends::publisher(endpoint, &format!("{key}/{name}"), name)?,
        Way::Bridge(_) => {
            let options = Options::new();
            // Few slots: otherwise the writer is seconds ahead.
            let options = if plan.all { options.history(2).max_slots(5).wait_for_readers(PATIENCE) } else { options };
            Box::new(Channel(options.create(name)?))
        }
    })
}

/// One size on one way: what sends, how much, how often, and how many have gone.
struct Line {
    sends: Box<dyn Sends>,
    bytes: usize,
    hz: f64,
    sent: u64,
}

impl Line {
    fn send(&mut self, round: u64, seconds: f64) -> Answer<()> {
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed().as_secs_f64() < seconds {
            count += 1;
            self.sent += 1;
            self.sends.send(self.bytes, round, self.sent)?;
            if self.hz > 0.0 {
                let next = start + Duration::from_secs_f64(f64::from(count) / self.hz);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        }
        Ok(())
    }
}

pub(crate) fn run(plan: &Plan) -> Answer<()> {
    let mut ways: Vec<Vec<Line>> = Vec::new();
    for way in &plan.ways {
        let mut lines = Vec::new();
        for (name, bytes, hz) in [("bulk", plan.bulk, plan.bulk_hz), ("small", SMALL, plan.small_hz)] {
            let is_wanted = if name == "bulk" { bytes > 0 } else { hz > 0.0 };
            if is_wanted {
                lines.push(Line { sends: open(way, name, plan)?, bytes, hz, sent: 0 });
            }
        }
        ways.push(lines);
    }
    for line in ways.iter_mut().flatten() {
        line.sends.meet(line.bytes)?;
    }
    // What the meeting has sent is to have come through.
    thread::sleep(Duration::from_secs(1));
    for round in 0..plan.rounds {
        let together = if plan.together { ways.len() } else { 1 };
        for group in ways.chunks_mut(together.max(1)) {
            let sent = thread::scope(|scope| {
                let threads: Vec<_> = group
                    .iter_mut()
                    .flatten()
                    .map(|line| scope.spawn(move || line.send(round as u64, plan.seconds)))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or(Err("panicked".into())))
                    .collect::<Answer<Vec<_>>>()
            });
            sent?;
            thread::sleep(Duration::from_secs_f64(plan.pause));
        }
    }
    // The last ones are still on their way.
    thread::sleep(Duration::from_secs(1));
    for lines in &ways {
        let sent: Vec<_> = lines.iter().map(|line| line.sent.to_string()).collect();
        println!("{}", sent.join(" "));
    }
    Ok(())
}
