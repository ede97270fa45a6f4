//! Where values come from and go to.

mod follow;
mod shared_array;
mod source;
mod stream;
mod target;

pub(crate) use follow::{Follower, State};
pub(crate) use source::{News, Source, Value};
pub(crate) use stream::Until;
pub(crate) use target::{Target, TargetArgs};
