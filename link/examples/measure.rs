//! What a bridge costs beside raw zenoh and bare TCP: the ends of a measurement.
//!
//! `examples/measure.sh` runs them, over loopback and between network namespaces. Values have their
//! time of day in the first eight bytes and their number in all others, so that a torn one shows.
//!
//! ```text
//! measure write NAME BYTES HZ SECONDS      a channel of the default directory
//! measure read NAME SECONDS
//! measure tcp-put ADDR BYTES HZ SECONDS    bare TCP
//! measure tcp-get ADDR SECONDS
//! measure zenoh-put ENDPOINT BYTES HZ SECONDS PRIORITY
//! measure zenoh-get ENDPOINT SECONDS
//! ```

#![allow(clippy::print_stdout, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a measurement")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Answer<T> = Result<T, Box<dyn Error>>;

/// How long a value that has been sent last may be on its way.
const GRACE: Duration = Duration::from_secs(3);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

fn fill(value: &mut [u8], number: u64) {
    value.fill(number as u8);
    if let Some(stamp) = value.first_chunk_mut() {
        *stamp = now().to_le_bytes();
    }
}

/// What has arrived.
#[derive(Default)]
struct Tally {
    ages: Vec<u64>,
    bytes: u64,
    torn: u64,
    missed: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Tally {
    fn take(&mut self, value: &[u8]) {
        if let Some((stamp, rest)) = value.split_first_chunk() {
            self.ages.push(now().saturating_sub(u64::from_le_bytes(*stamp)));
            let one = rest.first().copied().unwrap_or(0);
            self.torn += u64::from(rest.iter().any(|&byte| byte != one));
        }
        self.bytes += value.len() as u64;
        self.last = Some(Instant::now());
        self.first = self.first.or(self.last);
    }

    fn print(mut self) {
        self.ages.sort_unstable();
        let at = |part: usize| self.ages.get(self.ages.len() * part / 100).copied().unwrap_or(0) as f64 / 1e6;
        let seconds = self.first.zip(self.last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        // The first value's bytes came before the clock began.
        let mean = self.bytes as f64 / self.ages.len().max(1) as f64;
        let rate = if seconds > 0.0 { (self.bytes as f64 - mean) / seconds / 1e6 } else { 0.0 };
        println!(
            "{} values, {rate:.2} MB/s, age p50 {:.3} ms, p99 {:.3} ms, torn {}, missed {}",
            self.ages.len(),
            at(50),
            at(99),
            self.torn,
            self.missed
        );
    }
}

/// Calls `send` at a rate for a time; a rate of 0 is as fast as it takes them.
fn pace(hz: f64, seconds: f64, mut send: impl FnMut(u64) -> Answer<()>) -> Answer<()> {
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed().as_secs_f64() < seconds {
        number += 1;
        send(number)?;
        if hz > 0.0 {
            let next = start + Duration::from_secs_f64(number as f64 / hz);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
    println!("{number} sent");
    Ok(())
}

fn main() -> Answer<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let number = |at: usize| word(at).parse::<f64>().map_err(|error| format!("{:?}: {error}", word(at)));
    match word(0) {
        "write" => {
            let mut writer = ndsharray::Options::new().create::<u8>(word(1))?;
            let bytes = number(2)? as usize;
            pace(number(3)?, number(4)?, |number| {
                let mut loan = writer.loan(&[bytes])?;
                fill(loan.as_mut_slice(), number);
                loan.publish()?;
                Ok(())
            })?;
            thread::sleep(GRACE);
            Ok(())
        }
        "read" => {
            let mut reader = ndsharray::Reader::open_timeout(word(1), Duration::from_secs(20))?;
            let end = Instant::now() + Duration::from_secs_f64(number(2)?);
            let mut tally = Tally::default();
            while let Some(left) = end.checked_duration_since(Instant::now()) {
                match reader.wait(left) {
                    Ok(Some(sample)) => {
                        tally.missed += sample.missed();
                        tally.take(sample.as_bytes());
                    }
                    Ok(None) => {}
                    Err(ndsharray::Error::Closed { .. }) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            tally.print();
            Ok(())
        }
        "tcp-put" => {
            let mut stream = TcpStream::connect(word(1))?;
            stream.set_nodelay(true)?;
            let mut value = vec![0; number(2)? as usize];
            pace(number(3)?, number(4)?, |number| {
                fill(&mut value, number);
                stream.write_all(&(value.len() as u64).to_le_bytes())?;
                Ok(stream.write_all(&value)?)
            })
        }
        "tcp-get" => {
            let (mut stream, _) = TcpListener::bind(word(1))?.accept()?;
            let end = Instant::now() + Duration::from_secs_f64(number(2)?);
            let (mut tally, mut len, mut value) = (Tally::default(), [0; 8], Vec::new());
            while Instant::now() < end && stream.read_exact(&mut len).is_ok() {
                value.resize(u64::from_le_bytes(len) as usize, 0);
                if stream.read_exact(&mut value).is_err() {
                    break;
                }
                tally.take(&value);
            }
            tally.print();
            Ok(())
        }
        #[cfg(feature = "zenoh")]
        "zenoh-put" | "zenoh-get" => raw_zenoh::run(&words),
        other => Err(format!("{other:?}: see the head of this file").into()),
    }
}

#[cfg(feature = "zenoh")]
mod raw_zenoh {
    use super::{Answer, GRACE, Tally, fill, pace};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::Duration;
    use zenoh::Wait;
    use zenoh::qos::{CongestionControl, Priority};

    pub(crate) fn run(words: &[String]) -> Answer<()> {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let puts = word(0) == "zenoh-put";
        let mut config = zenoh::Config::default();
        let ends = format!("[\"{}\"]", word(1));
        let mut set = |key: &str, value: &str| config.insert_json5(key, value);
        set("scouting/multicast/enabled", "false").map_err(|error| error.to_string())?;
        set("listen/endpoints", if puts { "[]" } else { &ends }).map_err(|error| error.to_string())?;
        set("connect/endpoints", if puts { &ends } else { "[]" }).map_err(|error| error.to_string())?;
        let session = zenoh::open(config).wait().map_err(|error| error.to_string())?;
        if !puts {
            let tally = Arc::new(Mutex::new(Tally::default()));
            let into = Arc::clone(&tally);
            let subscriber = session.declare_subscriber("measure/*").callback(move |sample| {
                if let Ok(mut tally) = into.lock() {
                    tally.take(&sample.payload().to_bytes());
                }
            });
            let _subscriber = subscriber.wait().map_err(|error| error.to_string())?;
            thread::sleep(Duration::from_secs_f64(word(2).parse()?));
            if let Ok(mut tally) = tally.lock() {
                std::mem::take(&mut *tally).print();
            }
            return Ok(());
        }
        let priority = if word(5) == "high" { Priority::InteractiveHigh } else { Priority::DataLow };
        let publisher = session
            .declare_publisher(format!("measure/{}", word(5)))
            .congestion_control(CongestionControl::Block)
            .priority(priority)
            .express(word(5) == "high")
            .wait()
            .map_err(|error| error.to_string())?;
        // Until the two have met.
        thread::sleep(Duration::from_secs(2));
        let mut value = vec![0; word(2).parse()?];
        pace(word(3).parse()?, word(4).parse()?, |number| {
            fill(&mut value, number);
            publisher.put(value.clone()).wait().map_err(|error| error.to_string().into())
        })?;
        thread::sleep(GRACE);
        Ok(())
    }
}
