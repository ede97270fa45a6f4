//! What depends on the processor.

pub(crate) mod clock;
pub(crate) mod memcpy;
#[cfg(target_arch = "x86_64")]
mod stream;
#[cfg(target_arch = "x86_64")]
mod string;
