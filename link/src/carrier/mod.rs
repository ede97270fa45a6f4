//! What moves bytes between hosts.
//!
//! A carrier tells what hosts announce and want, sends values to one receiver at a time, and hands
//! over those that arrive. It knows nothing of arrays. [`memory`] is for tests and examples,
//! [`tcp`] for tests and as a floor of measurements, and `zenoh` for networks.
//!
//! A carrier calls [`Listener`] and [`Arrivals`] from threads of its own. Neither blocks there, nor
//! calls the carrier back.

pub mod copies;
pub mod memory;
mod stream;
pub mod tcp;
#[cfg(feature = "zenoh")]
pub mod zenoh;

use copies::Copied;
use ndsharray::OwnedSample;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What went wrong in a carrier, as a sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CarrierError(pub String);

/// The result of a carrier.
pub type Result<T> = std::result::Result<T, CarrierError>;

/// One run of a bridge: its name, and a number that no other run has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    /// What people call it.
    pub id: String,
    /// Random; a bridge that is started again has another one.
    pub session: u64,
}

impl Host {
    /// A new run of the bridge called `id`.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), session: Uuid::new_v4().as_u64_pair().1 }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{:016x}", self.id, self.session)
    }
}

/// A channel that a host offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offer {
    /// The host.
    pub host: Host,
    /// The channel's name there.
    pub channel: String,
    /// The lineage of its numbers.
    pub incarnation: Uuid,
    /// The number of its current value when it was announced.
    pub number: u64,
}

/// Which values a receiver wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The latest, as often as it can take one.
    Latest,
    /// All that the source keeps, in order.
    InOrder,
}

/// That a host wants a channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// The channel's name at its source.
    pub channel: String,
    /// The host that wants it.
    pub receiver: Host,
    /// Which values.
    pub order: Order,
}

/// How far a receiver has come with what a relay sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The relay.
    pub relay: u64,
    /// All up to this count have been taken.
    pub count: u64,
}

/// What a carrier tells a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A host offers a channel.
    Offered(Offer),
    /// It offers it no more, or has gone.
    Withdrawn(Offer),
    /// A host wants a channel of this one.
    Wanted(Wish),
    /// It wants it no more, or has gone.
    Unwanted(Wish),
    /// A receiver answers.
    Answered {
        /// The channel.
        channel: String,
        /// The receiver.
        receiver: Host,
        /// Its answer.
        answer: Answer,
    },
}

/// Takes notices.
pub trait Listener: Send + Sync {
    /// Takes one; must not block.
    fn notice(&self, notice: Notice);
}

/// The elements of a value that has arrived, in one or more pieces.
pub trait Payload: Send {
    /// Their bytes.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies them to `out`, which has as many bytes.
    fn copy_to(&self, out: &mut [u8]);
}

impl Payload for Vec<u8> {
    fn len(&self) -> usize {
        self.len()
    }

    fn copy_to(&self, out: &mut [u8]) {
        out.copy_from_slice(self);
    }
}

/// Takes the values of one channel.
pub trait Arrivals: Send + Sync {
    /// Takes one; must not block.
    fn arrive(&self, attachment: &[u8], payload: Box<dyn Payload>);
}

/// What is sent beside an attachment.
pub enum Parcel {
    /// The elements of a value, in place.
    Sample(OwnedSample),
    /// A copy of them, for a receiver that is slow.
    Copied(Copied),
    /// None.
    Nothing,
}

impl AsRef<[u8]> for Parcel {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Sample(sample) => sample.as_bytes(),
            Self::Copied(copied) => copied.as_ref(),
            Self::Nothing => &[],
        }
    }
}

/// How values share a line: the smaller a value, the sooner it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Up to 64 KiB.
    Small,
    /// Up to 1 MiB.
    Medium,
    /// Beyond.
    Large,
}

impl Urgency {
    /// That of a value with so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        match bytes {
            0..=0x1_0000 => Self::Small,
            0x1_0001..=0x10_0000 => Self::Medium,
            _ => Self::Large,
        }
    }
}

/// Sends one channel to one receiver.
pub trait Sender: Send {
    /// Sends a value; blocks while the line is full.
    ///
    /// # Errors
    ///
    /// The value has not been sent.
    fn send(&mut self, attachment: &[u8], parcel: Parcel, urgency: Urgency) -> Result<()>;
}

/// Something that lasts until it is dropped.
pub type Token = Box<dyn Send>;

/// Moves announcements, wishes, values and answers between hosts.
pub trait Carrier: Send + Sync {
    /// Begins as `me`; `listener` gets the notices from here on.
    ///
    /// # Errors
    ///
    /// It cannot listen, or its settings are wrong.
    fn start(&self, me: &Host, listener: Arc<dyn Listener>) -> Result<()>;

    /// Tells all hosts of a channel of this one, until the token is dropped.
    ///
    /// # Errors
    ///
    /// They cannot be told.
    fn announce(&self, offer: &Offer) -> Result<Token>;

    /// Tells `source`, and no other run of its name, that this host wants its channel.
    ///
    /// That holds until the token is dropped.
    ///
    /// # Errors
    ///
    /// It cannot be told.
    fn want(&self, source: &Offer, order: Order, arrivals: Arc<dyn Arrivals>) -> Result<Token>;

    /// What sends a channel of this host to one receiver.
    ///
    /// # Errors
    ///
    /// There is no way to it.
    fn sender(&self, channel: &str, receiver: &Host) -> Result<Box<dyn Sender>>;

    /// Answers the source of a channel that this host wants.
    ///
    /// # Errors
    ///
    /// It cannot be told.
    fn answer(&self, source: &Offer, answer: Answer) -> Result<()>;

    /// The largest value that the carrier takes, in bytes.
    fn max_bytes(&self) -> u64 {
        u64::MAX
    }

    /// What is wrong with it, as sentences.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends it: nothing is sent or received any more.
    fn stop(&self);
}
