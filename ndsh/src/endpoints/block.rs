//! A block of shared memory of another program, such as Python's `SharedMemory`, as an array.

use crate::array::{Array, no_memory};
use crate::failure::{Exit, Failure, Result};
use crate::files::RawLayout;
use ndsharray::{DType, Options};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;

/// An open block, with the layout that the user gave.
///
/// Nothing orders reads and writes of such memory: what is read may be torn.
pub(crate) struct Block {
    file: File,
    layout: RawLayout,
}

impl Block {
    pub(super) fn open(options: &Options, name: &str, layout: &RawLayout) -> Result<Self> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(Failure::new(Exit::Usage, format!("{name:?} is no name of a block")));
        }
        let dir = options.directory();
        // A link could lead anywhere, and opening a pipe could wait for ever.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = match File::options().read(true).custom_flags(flags).open(dir.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Failure::new(Exit::NotFound, format!("no block called {name:?} in {}", dir.display())));
            }
            other => other.map_err(|error| Failure::from(error).context(name))?,
        };
        if !file.metadata()?.is_file() {
            return Err(Failure::new(Exit::Corrupt, format!("{name:?} is no block of memory")));
        }
        Ok(Self { file, layout: layout.clone() })
    }

    /// Copies the block. Reading, unlike mapping, stands a block that is cut meanwhile.
    pub(super) fn read(&mut self) -> Result<Array> {
        let RawLayout { element, swap, shape, len } = &self.layout;
        let len = *len;
        let mut bytes = Vec::new();
        // The layout may claim more than there is.
        let there = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        if there < len {
            return Err(Failure::new(Exit::Corrupt, format!("the block has {there} bytes, and the array {len}"))
                .advise("--raw says its dtype and shape, such as --raw uint8:720x1280x3"));
        }
        bytes.try_reserve_exact(len).map_err(|_| no_memory(len))?;
        self.file.rewind()?;
        let found = self.file.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        if found < len {
            return Err(Failure::new(Exit::Corrupt, format!("the block was cut to {found} of {len} bytes")));
        }
        if *swap > 1 {
            bytes.chunks_exact_mut(*swap).for_each(<[u8]>::reverse);
        }
        if element.dtype() == DType::Bool
            && let Some(index) = bytes.iter().position(|byte| *byte > 1)
        {
            let byte = bytes.get(index).copied().unwrap_or_default();
            return Err(Failure::new(Exit::Corrupt, format!("element {index} is the byte {byte}, which is no bool")));
        }
        Ok(Array::new(*element, shape.clone(), bytes))
    }
}
