//! NumPy's `.npz` format: a zip archive with an `.npy` file for each array.

use super::{bad_file, npy};
use crate::array::{Array, ArrayRef};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use std::io::{self, Cursor, Read, Seek, Write};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// How a zip archive starts: with a file, or empty.
pub(crate) const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// The ending that NumPy leaves out of an array's key.
const ENDING: &str = ".npy";

/// An archive that is being written; without `finish` it cannot be read.
pub(crate) struct Writer<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> Writer<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { zip: ZipWriter::new(to) }
    }

    /// Adds an array, uncompressed, as `numpy.savez` does.
    pub(crate) fn add(&mut self, key: &str, array: ArrayRef<'_>) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(array.bytes.len() > u32::MAX as usize / 2);
        self.zip.start_file(format!("{key}{ENDING}"), options).map_err(failure)?;
        npy::write(&mut self.zip, array)
    }

    pub(crate) fn finish(self) -> Result<W> {
        self.zip.finish().map_err(failure)
    }
}

/// An archive with one array, under the key that `numpy.savez` gives to the first.
pub(crate) fn write_one(to: &mut impl Write, array: ArrayRef<'_>) -> Result<()> {
    // A zip archive is finished by going back, which a pipe does not allow.
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.add("arr_0", array)?;
    to.write_all(writer.finish()?.get_ref())?;
    Ok(())
}

/// An archive to read.
pub(crate) struct Archive<R: Read + Seek> {
    zip: ZipArchive<R>,
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn new(from: R) -> Result<Self> {
        Ok(Self { zip: ZipArchive::new(from).map_err(failure)? })
    }

    /// The keys of the arrays, in the order of the file.
    pub(crate) fn keys(&self) -> Vec<String> {
        let indices = 0..self.zip.len();
        let names = indices.filter_map(|index| self.zip.name_for_index(index)?.ok());
        names.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned)).collect()
    }

    /// The array called `key`.
    pub(crate) fn get(&mut self, key: &str) -> Result<Array> {
        let Some(index) = self.zip.index_for_name(&format!("{key}{ENDING}")) else {
            let keys = self.keys().join(", ");
            return Err(Failure::new(Exit::NotFound, format!("no array {key:?}")).advise(format!("there are: {keys}")));
        };
        let file = self.zip.by_index(index).map_err(failure)?;
        npy::read(file)
            .and_then(|array| array.ok_or_else(|| bad_file(".npy", "it is empty")))
            .map_err(|failure| failure.context(key))
    }
}

fn failure(error: ZipError) -> Failure {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error.into(),
        other => bad_file(".npz", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;

    #[test]
    fn arrays_come_back_by_key() {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        for (key, bytes) in [("b", &[1, 2][..]), ("a", &[3])] {
            writer.add(key, ArrayRef { dtype: DType::U8, shape: &[bytes.len()], bytes }).unwrap();
        }
        let mut archive = Archive::new(writer.finish().unwrap()).unwrap();
        assert_eq!(archive.keys(), ["b", "a"]);
        assert_eq!(archive.get("a").unwrap().bytes, [3]);
        assert_eq!(archive.get("b").unwrap().bytes, [1, 2]);
        assert_eq!(archive.get("c").unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn what_is_cut_is_refused() {
        let mut file = Vec::new();
        write_one(&mut file, ArrayRef { dtype: DType::U8, shape: &[2], bytes: &[1, 2] }).unwrap();
        for len in 0..file.len() {
            assert!(Archive::new(Cursor::new(&file[..len])).is_err(), "cut to {len}");
        }
    }
}
