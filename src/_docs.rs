//! The project's long documents, as its repository has them.
//!
//! Links between files lead somewhere in the repository alone.

#[doc = include_str!("../docs/ARCHITECTURE.md")]
pub mod architecture {}

#[doc = include_str!("../docs/FORMAT.md")]
pub mod format {}

#[doc = include_str!("../docs/SAFETY.md")]
pub mod safety {}

#[doc = include_str!("../docs/PLATFORMS.md")]
pub mod platforms {}

#[doc = include_str!("../docs/COMPAT.md")]
pub mod compat {}
