//! What a bridge costs beside raw zenoh and bare TCP: the ends of a measurement.
//!
//! `examples/measure.sh` runs them, over loopback and between network namespaces. One source sends
//! over all ways, one after another, in many short rounds, so that what else the machine does
//! meets all of them. One sink takes what comes, and prints a table with ratios.
//!
//! ```text
//! measure source [KEY=VALUE]... WAY...
//! measure sink [KEY=VALUE]... WAY...
//! measure channels COUNT LIVE HZ SECONDS        many channels of one directory
//! measure readers PREFIX COUNT SECONDS          readers of the first of them
//!
//! tcp:ADDR             bare TCP; the sink listens
//! zenoh:KEY:ENDPOINT   raw zenoh, put with Block; the source listens
//! bridge:PREFIX        channels, called `bulk` and `small` at the source
//! ```
//!
//! | key | what | default |
//! |---|---|---|
//! | `rounds`, `seconds`, `pause` | how often and how long each way sends, and rests | 3, 1, 0.2 |
//! | `bulk`, `bulk-hz` | bytes of a large value, and how many a second; 0 as fast as they go | none |
//! | `small-hz` | values of 64 bytes a second | none |
//! | `order` | `all`: a lossless writer and reader; else the latest value | `latest` |
//! | `together` | `yes`: all ways at the same time | `no` |
//! | `each` | `yes`: a row for each round | `no` |
//! | `until` | a file that the source has filled when it has ended | |

#![allow(clippy::print_stdout, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a measurement")]
#![allow(clippy::cast_precision_loss, reason = "a measurement")]

mod many;
mod sink;
mod source;
mod tally;
mod value;
mod zenoh_ends;

use std::error::Error;
use std::time::Duration;

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long one end waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent, and how often.
#[derive(Clone, Debug)]
struct Plan {
    rounds: usize,
    seconds: f64,
    pause: f64,
    bulk: usize,
    bulk_hz: f64,
    small_hz: f64,
    all: bool,
    together: bool,
    each: bool,
    until: Option<String>,
    ways: Vec<Way>,
}

#[derive(Clone, Debug)]
enum Way {
    Tcp(String),
    Zenoh { key: String, endpoint: String },
    Bridge(String),
}

impl Way {
    fn parse(word: &str) -> Option<Self> {
        let (kind, rest) = word.split_once(':')?;
        match kind {
            "tcp" => Some(Self::Tcp(rest.to_owned())),
            "zenoh" => {
                let (key, endpoint) = rest.split_once(':')?;
                Some(Self::Zenoh { key: key.to_owned(), endpoint: endpoint.to_owned() })
            }
            "bridge" => Some(Self::Bridge(rest.to_owned())),
            _ => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Tcp(_) => "bare TCP".into(),
            Self::Zenoh { key, .. } if key == "values" => "raw zenoh".into(),
            Self::Zenoh { key, .. } => format!("raw zenoh, {key}"),
            Self::Bridge(prefix) => match prefix.strip_prefix("a.") {
                Some("") | None => "bridge".into(),
                Some(name) => format!("bridge, {name}"),
            },
        }
    }
}

impl Plan {
    fn parse(words: &[String]) -> Answer<Self> {
        let mut plan = Self {
            rounds: 3,
            seconds: 1.0,
            pause: 0.2,
            bulk: 0,
            bulk_hz: 0.0,
            small_hz: 0.0,
            all: false,
            together: false,
            each: false,
            until: None,
            ways: Vec::new(),
        };
        for word in words {
            if let Some(way) = Way::parse(word) {
                plan.ways.push(way);
                continue;
            }
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?}: see the head of the program"))?;
            match key {
                "rounds" => plan.rounds = value.parse()?,
                "seconds" => plan.seconds = value.parse()?,
                "pause" => plan.pause = value.parse()?,
                "bulk" => plan.bulk = value.parse()?,
                "bulk-hz" => plan.bulk_hz = value.parse()?,
                "small-hz" => plan.small_hz = value.parse()?,
                "order" => plan.all = value == "all",
                "together" => plan.together = value == "yes",
                "each" => plan.each = value == "yes",
                "until" => plan.until = Some(value.to_owned()),
                _ => return Err(format!("{word:?}: see the head of the program").into()),
            }
        }
        Ok(plan)
    }
}

fn main() -> Answer<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rest = words.get(1..).unwrap_or_default();
    match words.first().map_or("", String::as_str) {
        "source" => source::run(&Plan::parse(rest)?),
        "sink" => sink::run(&Plan::parse(rest)?),
        "channels" => many::write(rest),
        "readers" => many::read(rest),
        other => Err(format!("{other:?}: see the head of the program").into()),
    }
}
