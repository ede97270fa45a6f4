//! Where values come from and go to.

mod block;
mod feed;
mod follow;
mod followers;
mod replay;
mod shared_array;
mod source;
mod source_args;
mod stream;
mod target;

pub(crate) use feed::{Clock, Feed, Order, read_each, wait as wait_for_feeds};
pub(crate) use follow::{Follower, State};
pub(crate) use followers::Followers;
pub(crate) use replay::Replay;
pub(crate) use source::{Source, Value, Which};
pub(crate) use source_args::SourceArgs;
pub(crate) use stream::Until;
pub(crate) use target::{Target, TargetArgs};
