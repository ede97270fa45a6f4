//! Other Unix: a directory of one's own under the temporary directory.

pub(crate) use super::no_sever::{sever, unmap};
pub(crate) use super::posix::*;
pub(crate) use super::unsupported::{Lease, Lock, Sleepers, default_dir, reserve};
