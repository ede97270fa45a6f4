//! What a viewer looks at.

use crate::args::KindArg;
use ndsharray::inspect::Kind;

/// A name and a kind, of which several can share a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) name: String,
    kind: Kind,
}

impl Subject {
    /// `kind` is one of those in the list.
    pub(super) fn new(name: String, kind: &str) -> Option<Self> {
        let kind = [Kind::Channel, Kind::Array, Kind::Python].into_iter().find(|known| known.to_string() == kind)?;
        Some(Self { name, kind })
    }

    /// The kind, as the arguments of commands have it.
    pub(super) fn kind(&self) -> KindArg {
        match self.kind {
            Kind::Array => KindArg::Array,
            Kind::Python => KindArg::Python,
            _ => KindArg::Channel,
        }
    }
}
