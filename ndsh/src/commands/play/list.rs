//! What a recording has, without playing it.

use crate::failure::Result;
use crate::output::{Columns, duration, json, printable, short_shape, size, stdout, window};
use crate::recording::Recording;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of a channel in a recording. Scripts rely on the fields' names and meaning.
#[derive(Serialize)]
struct Channel {
    /// `null` where the recording does not say it.
    name: Option<String>,
    values: u64,
    /// Values that the recorder missed; `null` where they have no numbers.
    missed: Option<u64>,
    /// Of the last value.
    dtype: String,
    shape: Vec<usize>,
    /// Bytes of all elements.
    bytes: u64,
    /// When the first and the last value were written, in seconds since the recording began.
    first_seconds: f64,
    last_seconds: f64,
}

#[derive(Serialize)]
struct Listing {
    /// Whether the recorder ended as it should.
    finished: bool,
    channels: Vec<Channel>,
}

/// Prints the channels that are wanted.
pub(super) fn list(recording: &mut Recording, as_json: bool, is_wanted: impl Fn(&str) -> bool) -> Result<()> {
    let mut found: BTreeMap<Option<String>, Channel> = BTreeMap::new();
    while let Some(value) = recording.next(0.0)? {
        if value.name.is_some_and(|name| !is_wanted(name)) {
            continue;
        }
        let name = value.name.map(str::to_owned);
        let channel = found.entry(name.clone()).or_insert_with(|| Channel {
            name,
            values: 0,
            missed: None,
            dtype: String::new(),
            shape: Vec::new(),
            bytes: 0,
            first_seconds: value.note.time,
            last_seconds: value.note.time,
        });
        channel.values += 1;
        channel.missed = value.note.missed.map(|missed| missed.saturating_add(channel.missed.unwrap_or(0)));
        channel.dtype = value.elements.name();
        channel.shape = value.shape.into_owned();
        channel.bytes += value.bytes.len() as u64;
        channel.last_seconds = channel.last_seconds.max(value.note.time);
    }
    if found.is_empty() {
        return Err(recording.no_values());
    }
    let listing = Listing { finished: !recording.is_unfinished(), channels: found.into_values().collect() };
    if as_json {
        return Ok(json(&mut stdout(), &listing)?);
    }
    let mut columns =
        Columns::new(&["NAME", "DTYPE", "SHAPE", ">VALUES", ">MISSED", ">SIZE", ">BEGINS", ">ENDS", ">RATE"]);
    let time = |seconds| Duration::try_from_secs_f64(seconds).map_or_else(|_| "-".to_owned(), duration);
    for one in &listing.channels {
        let span = one.last_seconds - one.first_seconds;
        let rate = (span > 0.0).then(|| crate::output::per_second((one.values - 1) as f64 / span));
        columns.row([
            one.name.as_deref().map_or("-".into(), printable).into_owned(),
            one.dtype.clone(),
            short_shape(&one.shape),
            one.values.to_string(),
            one.missed.map_or_else(|| "-".to_owned(), |missed| missed.to_string()),
            size(one.bytes),
            time(one.first_seconds),
            time(one.last_seconds),
            rate.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    if let Some(window) = window() {
        columns.fit(window, &["SIZE", "BEGINS", "RATE", "ENDS"]);
    }
    Ok(columns.print(&mut stdout())?)
}
