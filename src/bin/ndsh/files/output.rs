//! Writing a file so that it is there whole, or as it was before.

use super::{Format, is_standard_stream, npy, npz, of_file, png};
use crate::array::ArrayRef;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use std::fs::{self, File};
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// A file that gets its name when it is complete; a pipe or device is written as it is.
pub(crate) struct Output {
    file: BufWriter<File>,
    path: PathBuf,
    /// What it is called until then.
    part: Option<PathBuf>,
}

impl Output {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
        let part = if special { None } else { Some(part_name(path)?) };
        let file = of_file(path, File::create(part.as_deref().unwrap_or(path)))?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned(), part })
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        of_file(&self.path, self.file.flush())?;
        if let Some(part) = &self.part {
            of_file(&self.path, fs::rename(part, &self.path))?;
            self.part = None;
        }
        Ok(())
    }

    pub(crate) fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one array to `path`.
    pub(crate) fn save(path: &Path, format: Format, array: ArrayRef<'_>) -> Result<()> {
        if is_standard_stream(path) {
            let mut out = std::io::stdout().lock();
            write(&mut out, format, array)?;
            return Ok(out.flush()?);
        }
        let mut output = Self::create(path)?;
        of_file(path, write(output.writer(), format, array))?;
        output.finish()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

fn part_name(path: &Path) -> Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Failure::new(Exit::Usage, format!("{}: not the name of a file", path.display())))?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(part))
}

fn write(to: &mut impl Write, format: Format, array: ArrayRef<'_>) -> Result<()> {
    match format {
        Format::Npy => npy::write(to, array),
        Format::Npz => npz::write_one(to, array),
        Format::Png => png::write(to, array),
    }
}

/// Refuses to send bytes to somebody's eyes.
pub(crate) fn not_to_a_terminal() -> Result<()> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "standard output is a terminal, and arrays are bytes")
            .advise("name a file, pipe it into a program, or look at it with `ndsh view NAME`"));
    }
    Ok(())
}
