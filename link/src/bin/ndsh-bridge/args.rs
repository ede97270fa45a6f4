//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use ndsharray::{Options, Owners};
use ndsharray_link::bridge::Settings;
use ndsharray_link::carrier::Carrier;
use ndsharray_link::carrier::tcp::Tcp;
use ndsharray_link::names::{ChannelPattern, Renames};
use std::path::PathBuf;
use std::sync::Arc;

/// Carries channels between machines.
///
/// Announces the channels of this machine to other bridges, and makes local ones of theirs, called
/// HOST.CHANNEL. Values travel while a local reader wants them.
///
/// Two terminals stand for two machines:
///
///   ndsh --dir /dev/shm/a bridge --id a -l tcp/127.0.0.1:7447
///   ndsh --dir /dev/shm/b bridge --id b -e tcp/127.0.0.1:7447
#[derive(Debug, Parser)]
#[command(name = "ndsh-bridge", bin_name = "ndsh bridge", version, verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Connects there, and again whenever the connection ends.
    #[arg(short = 'e', long, value_name = "ENDPOINT", global = true)]
    connect: Vec<String>,

    /// Listens there, such as tcp/0.0.0.0:7447.
    #[arg(short = 'l', long, value_name = "ENDPOINT", global = true)]
    listen: Vec<String>,

    /// zenoh's own configuration, for TLS, users and access control.
    #[arg(short = 'c', long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// The part in zenoh's network: peer, router or client.
    #[arg(long, global = true)]
    mode: Option<String>,

    /// What all keys begin with; bridges of different namespaces do not meet.
    #[arg(long, default_value = "ndsharray", global = true)]
    namespace: String,

    /// Finds hosts by multicast and gossip.
    #[arg(long, global = true)]
    discover: bool,

    /// What moves the bytes.
    #[arg(long, value_enum, default_value_t = Kind::DEFAULT, global = true)]
    carrier: Kind,

    /// What this host is called; by default its host name.
    #[arg(long)]
    id: Option<String>,

    /// Channels that go out and come in; by default all. With a `/` it is for host and channel.
    #[arg(long, value_name = "PATTERN", value_parser = ChannelPattern::new)]
    allow: Vec<ChannelPattern>,

    /// Channels that do not, even if they are allowed.
    #[arg(long, value_name = "PATTERN", value_parser = ChannelPattern::new)]
    deny: Vec<ChannelPattern>,

    /// Channels that are imported for readers that only copy, which stand in no table.
    #[arg(long, value_name = "PATTERN", value_parser = ChannelPattern::new)]
    import: Vec<ChannelPattern>,

    /// Channels whose values all travel, in order.
    #[arg(long, value_name = "PATTERN", value_parser = ChannelPattern::new)]
    in_order: Vec<ChannelPattern>,

    /// The most values a second of channels that go out.
    #[arg(long, value_name = "PATTERN=HZ", value_parser = max_rate)]
    max_rate: Vec<(ChannelPattern, f64)>,

    /// What imported channels are called, by {host} and {channel}.
    #[arg(long = "as", value_name = "PATTERN=TEMPLATE")]
    renames: Vec<String>,

    /// The largest value that is taken, in bytes.
    #[arg(long, value_name = "N", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    max_bytes: u64,

    /// How many values a channel that is imported in order keeps.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=62))]
    history: u8,

    /// The directory of the channels; by default NDSHARRAY_DIR, else /dev/shm.
    #[arg(long, global = true)]
    dir: Option<PathBuf>,

    /// Trusts files of other users as well.
    #[arg(long, global = true)]
    any_owner: bool,

    /// Prints a line of JSON each time.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Prints nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Seconds between two reports: 1 on a terminal, else 10.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) interval: Option<f64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists what other hosts offer.
    Ls {
        /// Only what this host offers.
        host: Option<String>,
        /// How long to listen, in seconds.
        #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
        wait: f64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// zenoh.
    #[cfg(feature = "zenoh")]
    Zenoh,
    /// Bare TCP, without any protection: for tests.
    Tcp,
}

impl Kind {
    #[cfg(feature = "zenoh")]
    const DEFAULT: Self = Self::Zenoh;
    #[cfg(not(feature = "zenoh"))]
    const DEFAULT: Self = Self::Tcp;
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (0.01..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err("from 0.01 to 86400".into()) }
}

fn max_rate(text: &str) -> Result<(ChannelPattern, f64), String> {
    let (pattern, rate) = text.rsplit_once('=').ok_or("PATTERN=HZ is wanted")?;
    let rate: f64 = rate.parse().map_err(|_| format!("{rate:?} is no number"))?;
    if !(0.000_1..=1e9).contains(&rate) {
        return Err("from 0.0001 to 1e9 values a second".into());
    }
    Ok((ChannelPattern::new(pattern)?, rate))
}

impl Args {
    pub(crate) fn settings(&self) -> Result<Settings, String> {
        let mut options = Options::new();
        if let Some(dir) = &self.dir {
            options = options.dir(dir);
        }
        if self.any_owner {
            options = options.owners(Owners::Anyone);
        }
        let mut renames = Renames::default();
        self.renames.iter().try_for_each(|text| renames.add(text))?;
        Ok(Settings {
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            import: self.import.clone(),
            in_order: self.in_order.clone(),
            max_rate: self.max_rate.clone(),
            renames,
            max_bytes: self.max_bytes,
            history: self.history.into(),
            ..Settings::new(self.id()?, options)
        })
    }

    fn id(&self) -> Result<String, String> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => std::fs::read_to_string("/proc/sys/kernel/hostname")
                .ok()
                .or_else(|| std::env::var("HOSTNAME").ok())
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .ok_or("what is this host called? `--id ID` says it")?,
        };
        let is_name =
            !id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\\']) && !id.contains(char::is_control);
        if is_name && id.len() <= 100 {
            Ok(id)
        } else {
            Err(format!("--id {id:?}: not the beginning of a channel's name"))
        }
    }

    /// The carrier that is asked for. One that only `looks` needs no way in.
    pub(crate) fn carrier(&self, needs_way: bool) -> Result<Arc<dyn Carrier>, String> {
        let has_way = !self.connect.is_empty() || !self.listen.is_empty() || self.config.is_some() || self.discover;
        if needs_way && !has_way {
            return Err("no way to another host: `-l tcp/0.0.0.0:7447` listens, `-e tcp/HOST:7447` connects".into());
        }
        match self.carrier {
            #[cfg(feature = "zenoh")]
            Kind::Zenoh => {
                use ndsharray_link::carrier::zenoh::{Zenoh, ZenohSettings};
                let zenoh = Zenoh::new(&ZenohSettings {
                    config: self.config.clone(),
                    mode: self.mode.clone(),
                    listen: self.listen.clone(),
                    connect: self.connect.clone(),
                    namespace: self.namespace.clone(),
                    discover: self.discover,
                    max_bytes: self.max_bytes,
                });
                zenoh.map(|zenoh| Arc::new(zenoh) as _).map_err(|error| error.to_string())
            }
            Kind::Tcp => {
                if self.config.is_some() || self.mode.is_some() || self.discover {
                    return Err("--config, --mode and --discover are for zenoh".into());
                }
                let tcp = Tcp::new(&self.listen, &self.connect, self.max_bytes);
                tcp.map(|tcp| Arc::new(tcp) as _).map_err(|error| error.to_string())
            }
        }
    }
}
