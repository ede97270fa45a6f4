//! Files in a directory where other users may write too.
//!
//! Opening what is trusted, claiming a name, owning a seat in a file, mapping. A mapping is made
//! once and its length is checked against what will be accessed.

pub(crate) mod claim_name;
pub(crate) mod listing;
pub(crate) mod location;
pub(crate) mod mapping;
pub(crate) mod owners;
pub(crate) mod reserve;
pub(crate) mod seats;
pub(crate) mod snapshot;
pub(crate) mod trusted;
