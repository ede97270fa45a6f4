//! The page of `ndsh web`: HTTP and WebSocket over threads, a reader for each channel on display.
//!
//! [`server`] takes connections, [`guard`] decides which, [`http`] and [`websocket`] speak with
//! them. [`hub`] knows one [`feed`] for each channel on display and the [`list`] of all. A feed
//! copies values, [`value`], and [`viewer`]s send of them what they need, [`drawing`]. What several
//! viewers need is made once, in a [`frame`].

mod assets;
mod bell;
mod drawing;
mod feed;
mod figures;
mod frame;
mod guard;
mod http;
mod hub;
mod list;
mod server;
mod subject;
mod value;
mod viewer;
mod websocket;

use crate::args::Globals;
use crate::failure::{Failure, Result};
use crate::reports::NamePattern;
use crate::terminal::Interrupt;
use guard::Guard;
use hub::Hub;
use server::Server;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// Longest time for the readers to be closed at the end.
const END: Duration = Duration::from_secs(2);

/// What the page shows, and to which browsers.
pub(crate) struct Settings<'a> {
    pub(crate) patterns: &'a [NamePattern],
    /// Names of this machine that browsers may use.
    pub(crate) hosts: &'a [String],
    pub(crate) token: Option<String>,
}

/// Takes an address, and returns it with the port that it has got.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves the page until the user stops it.
pub(crate) fn run(
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings<'_>,
    globals: &Globals,
    interrupt: &Interrupt,
) -> Result<()> {
    let hub = Arc::new(Hub::new(globals, settings.patterns));
    let server = Server::new(Arc::clone(&hub), Guard::new(address, settings.hosts, settings.token));
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || server.run(&listener))
        .map_err(Failure::from)?;
    while !interrupt.sleep(Duration::from_secs(3600)) {}
    hub.end(END);
    Ok(())
}
