//! Raw zenoh, as a program without a bridge uses it.

use crate::source::Sends;
use crate::tally::Both;
use crate::value::stamp;
use crate::{Answer, PATIENCE};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait};

/// The sessions of this process, by end point: ways of one end point share one.
static SESSIONS: Mutex<Option<HashMap<String, Session>>> = Mutex::new(None);

fn session(endpoint: &str, listens: bool) -> Answer<Session> {
    let mut sessions = SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let sessions = sessions.get_or_insert_default();
    if let Some(session) = sessions.get(endpoint) {
        return Ok(session.clone());
    }
    let mut config = zenoh::Config::default();
    let ends = format!("[\"{endpoint}\"]");
    config.insert_json5("scouting/multicast/enabled", "false")?;
    config.insert_json5("scouting/gossip/enabled", "false")?;
    config.insert_json5("listen/endpoints", if listens { &ends } else { "[]" })?;
    config.insert_json5("connect/endpoints", if listens { "[]" } else { &ends })?;
    config.insert_json5("connect/retry", "{period_init_ms: 200, period_max_ms: 2000, period_increase_factor: 2}")?;
    let session = zenoh::open(config).wait()?;
    sessions.insert(endpoint.to_owned(), session.clone());
    Ok(session)
}

struct Puts(Publisher<'static>);

impl Sends for Puts {
    fn send(&mut self, bytes: usize, round: u64, number: u64) -> Answer<()> {
        // zenoh takes the value over: each needs memory of its own.
        let mut value = vec![number as u8; bytes];
        stamp(&mut value, round, number);
        self.0.put(value).wait()
    }

    fn meet(&mut self, _bytes: usize) -> Answer<()> {
        let end = Instant::now() + PATIENCE;
        while !self.0.matching_status().wait()?.matching() {
            if Instant::now() >= end {
                return Err("no subscriber".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// A publisher whose priority and batching are those of the bridge for such a value.
pub(crate) fn publisher(endpoint: &str, key: &str, name: &str) -> Answer<Box<dyn Sends>> {
    let is_small = name == "small";
    let publisher = session(endpoint, true)?
        .declare_publisher(key.to_owned())
        .congestion_control(CongestionControl::Block)
        .priority(if is_small { Priority::InteractiveHigh } else { Priority::DataLow })
        .express(is_small)
        .wait()?;
    Ok(Box::new(Puts(publisher)))
}

/// Takes the values of a key on zenoh's own threads, until the process ends.
pub(crate) fn subscribe(endpoint: &str, key: &str, tally: Arc<Mutex<Both>>) -> Answer<()> {
    let session = session(endpoint, false)?;
    let subscriber = session.declare_subscriber(format!("{key}/*")).callback(move |sample| {
        // In one piece, as an array is.
        let value = sample.payload().to_bytes();
        tally.lock().unwrap_or_else(PoisonError::into_inner).take(&value);
    });
    subscriber.background().wait()?;
    Ok(())
}
