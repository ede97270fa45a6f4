//! Writing a file so that it is complete, or as it was before.

use super::{Format, is_standard_stream, npy, npz, of_file, png, raw};
use crate::array::ArrayRef;
use crate::failure::{Exit, Failure, Result};
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Symbolic links to follow before they count as a circle.
const LINKS: usize = 40;

/// A file that gets its name when complete; pipes and devices are written directly.
///
/// A symbolic link stays, and the file it names is replaced. The new file takes over the mode and,
/// where this process may do so, the owner.
pub(crate) struct OutputFile {
    /// The path that the user gave.
    asked: PathBuf,
    to: To,
}

enum To {
    Part { file: BufWriter<NamedTempFile>, path: PathBuf },
    Special(BufWriter<File>),
}

impl OutputFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(Self { asked: path.to_owned(), to: of_file(path, To::create(path))? })
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<()> {
        of_file(&self.asked, self.to.finish())
    }

    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        match &mut self.to {
            To::Part { file, .. } => file,
            To::Special(file) => file,
        }
    }

    /// Writes one array to `path`.
    pub(crate) fn save(path: &Path, format: Format, array: ArrayRef<'_>) -> Result<()> {
        if is_standard_stream(path) {
            let mut out = crate::output::bytes();
            write(&mut out, format, array)?;
            return Ok(out.flush()?);
        }
        let mut output = Self::create(path)?;
        of_file(path, write(&mut output.writer(), format, array))?;
        output.finish()
    }
}

impl To {
    fn create(path: &Path) -> Result<Self> {
        let path = target(path)?;
        let there = match fs::symlink_metadata(&path) {
            Ok(there) if !there.is_file() => {
                // The system refuses a directory, with the best message.
                return Ok(Self::Special(BufWriter::new(File::options().write(true).open(&path)?)));
            }
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        // A file without write permission is not replaced either.
        if there.is_some() {
            File::options().write(true).open(&path)?;
        }
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(path.file_name().ok_or_else(|| Failure::new(Exit::Usage, "not the name of a file"))?);
        prefix.push(".");
        // As for any new file, the umask applies.
        let part = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        if let Some(there) = there {
            // First the owner, as changing it clears special bits.
            let _ = std::os::unix::fs::fchown(part.as_file(), Some(there.uid()), Some(there.gid()));
            part.as_file().set_permissions(Permissions::from_mode(there.mode() & 0o7777))?;
        }
        Ok(Self::Part { file: BufWriter::new(part), path })
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Part { file, path } => {
                let part = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                part.persist(path).map_err(|failed| failed.error)?;
            }
            Self::Special(mut file) => file.flush()?,
        }
        Ok(())
    }
}

/// Follows symbolic links to the file that a path names, which may not exist.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            // No link, or nothing at all.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Writes one array in a format.
pub(crate) fn write(to: &mut impl Write, format: Format, array: ArrayRef<'_>) -> Result<()> {
    match format {
        Format::Npy => npy::write(to, array),
        Format::Npz => npz::write_one(to, array),
        Format::Png => png::write(to, array),
        Format::Raw => raw::write(to, array),
    }
}

/// Fails if standard output is a terminal.
pub(crate) fn not_to_a_terminal() -> Result<()> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "standard output is a terminal, and arrays are bytes")
            .advise("name a file, pipe it into a program, or look at it with `ndsh view NAME`"));
    }
    Ok(())
}
