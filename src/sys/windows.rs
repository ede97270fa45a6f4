//! Windows.

pub(crate) use super::unsupported::*;
