//! Publishing values in a channel, or in one of Python's ndsharray.

use crate::args::Globals;
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::Incoming;
use clap::Args;
use ndsharray::{AnyWriter, Error, RecordView, compat};

/// The kind of channel to create.
#[derive(Args)]
pub(crate) struct TargetArgs {
    /// Write a channel of Python's ndsharray (its NdShArray), instead of one of this library
    #[arg(long)]
    python: bool,
}

impl TargetArgs {
    pub(super) fn is_python(&self) -> bool {
        self.python
    }
}

impl From<AnyWriter> for Target {
    fn from(writer: AnyWriter) -> Self {
        Self::Channel(Box::new(writer))
    }
}

/// The writing end of either kind.
pub(crate) enum Target {
    Channel(Box<AnyWriter>),
    Python(Box<compat::AnyWriter>),
}

impl Target {
    /// Creates the channel `name`, or takes it over from a dead writer.
    ///
    /// With `persist` the channel and its last value outlive this process.
    pub(crate) fn create(globals: &Globals, args: &TargetArgs, name: &str, persist: bool) -> Result<Self> {
        Ok(if args.python {
            Self::Python(Box::new(globals.compat_options().persist(persist).create_any(name)?))
        } else {
            Self::Channel(Box::new(globals.options().persist(persist).create_any(name)?))
        })
    }

    /// Publishes an array; Python's channels have no room for attributes.
    pub(crate) fn write(&mut self, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        match self {
            Self::Channel(writer) => {
                match array.record {
                    Some(record) => {
                        let view = RecordView::new(record, array.shape, array.bytes).map_err(Error::from)?;
                        writer.write_any_with(&view.into(), attributes)?
                    }
                    None => writer.write_bytes_with(array.element, array.shape, array.bytes, attributes)?,
                };
            }
            Self::Python(writer) => writer.write_bytes(array.element, array.shape, array.bytes).map(drop)?,
        }
        Ok(())
    }

    /// Reads an array from its file straight into the memory that readers map.
    pub(crate) fn take(&mut self, incoming: Incoming<'_>, attributes: &[u8]) -> Result<()> {
        match self {
            Self::Channel(writer) => {
                let mut loan = match incoming.record() {
                    Some(record) => writer.loan_records(record, incoming.shape())?,
                    None => writer.loan(incoming.element(), incoming.shape())?,
                };
                // If reading fails, the loan is dropped, and nothing is published.
                incoming.fill(loan.as_mut_bytes())?;
                loan.set_attributes(attributes)?;
                loan.publish()?;
                Ok(())
            }
            // The library lends no memory of a Python channel.
            Self::Python(_) => incoming.with_array(|array| self.write(array, attributes)),
        }
    }
}
