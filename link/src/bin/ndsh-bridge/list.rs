//! `ndsh bridge ls`: what other hosts offer.

use crate::args::Args;
use crate::table::shown;
use ndsharray_link::carrier::{Host, Listener, Notice, Offer};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Offers(Mutex<Vec<Offer>>);

impl Listener for Offers {
    fn notice(&self, notice: Notice) {
        let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            Notice::Offered(offer) if offers.len() < 1 << 20 => offers.push(offer),
            Notice::Withdrawn(offer) => offers.retain(|old| *old != offer),
            _ => {}
        }
    }
}

pub(crate) fn list(args: &Args, host: Option<&str>, wait: f64) -> Result<(), String> {
    let carrier = args.carrier(true)?;
    let offers = Arc::new(Offers::default());
    // It offers and wants nothing, so that no other host needs to know its name.
    let listener: Arc<dyn Listener> = Arc::clone(&offers) as _;
    carrier.start(&Host::new("ls"), listener).map_err(|error| error.to_string())?;
    std::thread::sleep(Duration::from_secs_f64(wait));
    // Before the end, with which all offers are withdrawn.
    let mut found = offers.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    carrier.stop();
    found.retain(|offer| host.is_none_or(|host| offer.host.id == host));
    found.sort_by(|a, b| (&a.host.id, &a.channel).cmp(&(&b.host.id, &b.channel)));
    found.dedup_by(|a, b| (&a.host.id, &a.channel) == (&b.host.id, &b.channel));
    let mut out = std::io::stdout().lock();
    for offer in &found {
        let line = if args.json {
            json!({"host": offer.host.id, "channel": offer.channel, "incarnation": offer.incarnation.to_string()})
                .to_string()
        } else {
            format!("{}\t{}", shown(&offer.host.id), shown(&offer.channel))
        };
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    match host {
        Some(host) if found.is_empty() => Err(format!("no host {host:?} that offers a channel")),
        _ => Ok(()),
    }
}
