//! `ndsh web`

use crate::args::Globals;
use crate::failure::{Exit, Failure, Result};
use crate::output::{stdout, tell};
use crate::reports::NamePattern;
use crate::terminal::Interrupt;
use crate::web;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use uuid::Uuid;

/// The port without --listen: NDSH on the keys of a telephone.
const PORT: u16 = 6374;

/// Show all channels and arrays in a browser
///
/// Serves a page until Ctrl-C, and prints its address: a list of what there is, live pictures and
/// curves, figures, attributes, and the number under the mouse. The page can pause, and save what
/// it shows as .npy or .png. It changes nothing. Values up to 256 MiB are shown, the latest ones: a
/// slow browser skips some, and slows no writer.
///
/// Every program of this machine can open a page on 127.0.0.1, also those of other users, unless
/// --token is given. Any other address needs the token that the printed address has. Nothing is
/// encrypted: over a network, `ssh -L 6374:127.0.0.1:6374 HOST` is safer than another address.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names to show: `cam*`, `*.left`, `imu[0-3]` [default: all]
    #[arg(value_name = "PATTERN", add = clap_complete::ArgValueCompleter::new(crate::complete::names))]
    patterns: Vec<NamePattern>,
    /// Address and port to listen on; port 0 is any that is free
    #[arg(long, short, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6374")]
    listen: Address,
    /// Ask for a token on 127.0.0.1 too
    #[arg(long)]
    token: bool,
    /// A name of this machine that browsers may use, beside addresses and localhost
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
}

/// An address with a port, either of which may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(SocketAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let text = text.replacen("localhost", "127.0.0.1", 1);
        let found = text.parse().ok();
        let found = found.or_else(|| text.parse().ok().map(|address| SocketAddr::new(address, PORT)));
        let port = text.strip_prefix(':').unwrap_or(&text).parse().ok();
        found
            .or_else(|| port.map(|port| SocketAddr::new(local, port)))
            .map(Self)
            .ok_or("no address such as 127.0.0.1:6374 or [::1]:6374, and no port")
    }
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let wanted = args.listen.0;
    // A directory that cannot be read is a failure at the start; later the page says so.
    crate::reports::names(&globals.options(), &args.patterns)?;
    let (listener, address) = web::listen(wanted).map_err(|error| failure(error, wanted))?;
    let needs_token = args.token || !address.ip().is_loopback();
    let token = needs_token.then(|| Uuid::new_v4().simple().to_string());
    let query = token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
    let mut shown = address;
    if address.ip().is_unspecified() {
        shown.set_ip(if address.is_ipv4() {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            "::1".parse().unwrap_or(address.ip())
        });
        tell(format_args!("ndsh: on other machines, put an address of this one in the place of {}", shown.ip()));
    }
    if !address.ip().is_loopback() {
        tell(format_args!("ndsh: whoever sees the token, or the traffic, sees the channels: nothing is encrypted"));
    }
    {
        let mut out = stdout();
        writeln!(out, "http://{shown}/{query}")?;
        out.flush()?;
    }
    let settings = web::Settings { patterns: &args.patterns, hosts: &args.host, token };
    web::run(listener, address, settings, globals, &interrupt)
}

fn failure(error: std::io::Error, address: SocketAddr) -> Failure {
    let in_use = error.kind() == ErrorKind::AddrInUse;
    let failure = Failure::from(error).context(format!("cannot listen on {address}"));
    if in_use {
        return Failure::new(Exit::InUse, failure.to_string()).advise("--listen 127.0.0.1:0 takes any free port");
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, address) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("localhost:80", "127.0.0.1:80"),
            ("localhost", "127.0.0.1:6374"),
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("0.0.0.0", "0.0.0.0:6374"),
            ("[::1]:0", "[::1]:0"),
            ("::1", "[::1]:6374"),
        ] {
            assert_eq!(text.parse(), Ok(Address(address.parse().unwrap())), "{text}");
        }
        for bad in ["", "example.com:80", "70000", "127.0.0.1:x", "[::1"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
