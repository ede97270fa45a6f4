//! What the library's reports say of channels and arrays, and conclusions from it.

pub(crate) mod foreign;
mod leftovers;
mod processes;
mod rate;
mod summary;
mod survey;

pub(crate) use leftovers::reason_to_stay;
pub(crate) use processes::{Mapper, mappers, tag_mappers};
pub(crate) use rate::values_per_second;
pub(crate) use summary::{ProcessInfo, Summary, lock, state};
pub(crate) use survey::{NamePattern, Survey, names};
