//! Where values go to: a channel, or one in the format of Python's ndsharray.

use crate::args::Globals;
use crate::array::ArrayRef;
use crate::failure::Result;
use clap::Args;
use ndsharray::{AnyWriter, compat};

/// What kind of channel to make.
#[derive(Args)]
pub(crate) struct TargetArgs {
    /// Write a channel of Python's ndsharray (its NdShArray), instead of one of this library
    #[arg(long)]
    python: bool,
}

/// The writing end of either.
pub(crate) enum Target {
    Channel(AnyWriter),
    Python(compat::AnyWriter),
}

impl Target {
    /// Makes the channel `name`, or takes it over from a dead writer. With `persist` it stays, with its last value, when this is dropped.
    pub(crate) fn create(globals: &Globals, args: &TargetArgs, name: &str, persist: bool) -> Result<Self> {
        Ok(if args.python {
            Self::Python(globals.compat_options().persist(persist).create_any(name)?)
        } else {
            Self::Channel(globals.options().persist(persist).create_any(name)?)
        })
    }

    pub(crate) fn write(&mut self, array: ArrayRef<'_>) -> Result<()> {
        match self {
            Self::Channel(writer) => writer.write_bytes(array.dtype, array.shape, array.bytes).map(drop)?,
            Self::Python(writer) => writer.write_bytes(array.dtype, array.shape, array.bytes).map(drop)?,
        }
        Ok(())
    }
}
