//! NumPy's `.npz` format: a zip archive with an `.npy` file for each array.

use super::{Incoming, bad_file, npy};
use crate::array::{Array, ArrayRef};
use crate::failure::{Exit, Failure, Result};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zip::read::read_zipfile_from_stream;
use zip::result::ZipError;
use zip::write::{ExtendedFileOptions, FileOptions};
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// How a zip archive starts, with or without files in it.
pub(crate) const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Number of this tool's extra field in an entry's header.
const NOTE: u16 = 0x444e;

/// Ending of an entry's name, which is no part of the array's key.
const ENDING: &str = ".npy";

/// Where an archive is written, until it is given up.
///
/// Then writing does nothing and succeeds.
///
/// The zip crate finishes an archive that is dropped, and prints to standard error when it cannot.
pub(crate) struct Quiet<W> {
    to: W,
    over: Arc<AtomicBool>,
    /// Position in the archive, as if everything had been written.
    at: u64,
}

impl<W> Quiet<W> {
    fn new(to: W, over: &Arc<AtomicBool>) -> Self {
        Self { to, over: Arc::clone(over), at: 0 }
    }

    fn is_over(&self) -> bool {
        // Relaxed: only one thread at a time uses the archive.
        self.over.load(Ordering::Relaxed)
    }
}

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = if self.is_over() { bytes.len() } else { self.to.write(bytes)? };
        self.at = self.at.saturating_add(len as u64);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_over() { Ok(()) } else { self.to.flush() }
    }
}

impl<W: Seek> Seek for Quiet<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            _ if !self.is_over() => self.to.seek(to)?,
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) | SeekFrom::End(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// An archive under way; without `finish` it has no directory.
pub(crate) struct ArchiveWriter<W: Write + Seek> {
    /// `None` once it is finished.
    zip: Option<ZipWriter<W>>,
    over: Arc<AtomicBool>,
}

impl<W: Write + Seek> Drop for ArchiveWriter<W> {
    fn drop(&mut self) {
        // Relaxed: as above.
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Starts an archive in a file.
pub(crate) fn to_file<W: Write + Seek>(to: W) -> ArchiveWriter<Quiet<W>> {
    let over = Arc::new(AtomicBool::new(false));
    ArchiveWriter { zip: Some(ZipWriter::new(Quiet::new(to, &over))), over }
}

/// Starts an archive in a pipe, which cannot seek: sizes follow the elements.
fn to_stream<W: Write>(to: W) -> ArchiveWriter<impl Write + Seek> {
    let over = Arc::new(AtomicBool::new(false));
    ArchiveWriter { zip: Some(ZipWriter::new_stream(Quiet::new(to, &over))), over }
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Adds an array, uncompressed, as `numpy.savez` does.
    ///
    /// The `note` goes into the entry's header, where NumPy ignores it.
    pub(crate) fn add(&mut self, key: &str, array: ArrayRef<'_>, note: Option<&[u8]>) -> Result<()> {
        let Some(zip) = &mut self.zip else { return Ok(()) };
        let mut options = FileOptions::<ExtendedFileOptions>::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(array.bytes.len() > u32::MAX as usize / 2);
        if let Some(note) = note {
            options.add_extra_field(NOTE, note, false).map_err(failure)?;
        }
        zip.start_file(format!("{key}{ENDING}"), options).map_err(failure)?;
        npy::write(zip, array)
    }

    /// Completes the last entry in the file, so that [`salvage`] finds it.
    pub(crate) fn complete(&mut self, key: &str) -> Result<()> {
        let Some(zip) = &mut self.zip else { return Ok(()) };
        // Before anything else, the zip crate completes the entry. Seeking back to its header
        // flushes every buffer. The copy itself fails, as the name is taken.
        let name = format!("{key}{ENDING}");
        match zip.shallow_copy_file(&name, &name) {
            Err(ZipError::Io(error)) => Err(failure(ZipError::Io(error))),
            _ => Ok(()),
        }
    }

    /// Writes the directory, once.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.zip.take().map_or(Ok(()), |zip| zip.finish().map(drop).map_err(failure))
    }
}

/// Writes an archive with one array, under the key that `numpy.savez` uses for the first.
pub(crate) fn write_one(to: &mut impl Write, array: ArrayRef<'_>) -> Result<()> {
    let mut writer = to_stream(to);
    writer.add("arr_0", array, None)?;
    writer.finish()
}

/// An entry of an archive without a directory.
pub(crate) struct SalvagedEntry {
    /// Where it begins in the file, in bytes.
    pub(crate) at: u64,
    pub(crate) note: Vec<u8>,
}

/// Finds the complete entries of an archive whose writer was killed.
pub(crate) fn salvage(from: &mut (impl BufRead + Seek)) -> Result<Vec<SalvagedEntry>> {
    let mut found = Vec::new();
    loop {
        let at = from.stream_position()?;
        // Here the file is cut off, or the directory begins.
        let Ok(Some(mut entry)) = read_zipfile_from_stream(from) else { return Ok(found) };
        let note = entry.extra_data().and_then(|fields| note(&fields)).unwrap_or_default();
        // Reading to the end compares the checksum.
        let len = match io::copy(&mut entry, &mut io::sink()) {
            Ok(len) => len,
            Err(error) if error.raw_os_error().is_some() => return Err(error.into()),
            Err(_) => return Ok(found),
        };
        // The size is 0 until the entry is complete.
        if len == 0 {
            return Ok(found);
        }
        found.push(SalvagedEntry { at, note });
    }
}

/// Finds the note among an entry's extra fields.
fn note(mut fields: &[u8]) -> Option<Vec<u8>> {
    while let Some((head, rest)) = fields.split_first_chunk::<4>() {
        let [id, len] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_le_bytes);
        let (field, rest) = rest.split_at_checked(len.into())?;
        if id == NOTE {
            return Some(field.to_vec());
        }
        fields = rest;
    }
    None
}

/// Reads the array of an entry that [`salvage`] found.
pub(crate) fn get_salvaged(from: &mut (impl BufRead + Seek), at: u64) -> Result<Array> {
    from.seek(SeekFrom::Start(at))?;
    match read_zipfile_from_stream(from) {
        Ok(Some(entry)) => read_entry(entry),
        Ok(None) => Err(bad_file(".npz", "an entry is gone")),
        Err(error) => Err(failure(error)),
    }
}

/// An archive to read.
pub(crate) struct Archive<R: Read + Seek> {
    zip: ZipArchive<R>,
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn new(from: R) -> Result<Self> {
        Ok(Self { zip: ZipArchive::new(from).map_err(failure)? })
    }

    /// Returns the keys of the arrays, in the order of the file.
    pub(crate) fn keys(&self) -> Vec<String> {
        let indices = 0..self.zip.len();
        let names = indices.filter_map(|index| self.zip.name_for_index(index)?.ok());
        names.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned)).collect()
    }

    /// Calls `take` with the array called `key`.
    pub(crate) fn take<T>(&mut self, key: &str, take: impl FnOnce(Incoming<'_>) -> Result<T>) -> Result<T> {
        let Some(index) = self.zip.index_for_name(&format!("{key}{ENDING}")) else {
            let keys = self.keys().join(", ");
            return Err(Failure::new(Exit::NotFound, format!("no array {key:?}")).advise(format!("there are: {keys}")));
        };
        let mut entry = EntryReader(self.zip.by_index(index).map_err(failure)?);
        take(Incoming::of_entry(&mut entry).map_err(|failure| failure.context(key))?)
    }

    /// Reads the array called `key`.
    pub(crate) fn get(&mut self, key: &str) -> Result<Array> {
        self.take(key, |incoming| incoming.into_array().map_err(|failure| failure.context(key)))
    }
}

/// Reads the only array of an entry.
fn read_entry(entry: impl Read) -> Result<Array> {
    Incoming::of_entry(&mut EntryReader(entry))?.into_array()
}

/// Reads an entry. Data that cannot be unpacked is the file's fault, not the system's.
struct EntryReader<R>(R);

impl<R: Read> Read for EntryReader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room).map_err(|error| {
            let interrupted = error.kind() == io::ErrorKind::Interrupted;
            if interrupted || error.raw_os_error().is_some() { error } else { bad_bytes(error) }
        })
    }
}

/// Makes an error that [`Failure`] takes for damage.
fn bad_bytes(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Whether the error is one of the tool's own output, such as standard output.
fn is_output(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WriteZero | io::ErrorKind::Other | io::ErrorKind::BrokenPipe)
}

fn failure(error: ZipError) -> Failure {
    match error {
        ZipError::Io(error) if error.raw_os_error().is_some() || is_output(&error) => error.into(),
        other => bad_file(".npz", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use std::io::Cursor;

    fn array(bytes: &[u8]) -> Array {
        Array::new(DType::U8, vec![bytes.len()], bytes.to_vec())
    }

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = to_file(&mut file);
        for (key, bytes) in entries {
            writer.add(key, array(bytes).view(), Some(key.as_bytes())).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        file.into_inner()
    }

    #[test]
    fn arrays_come_back_by_key() {
        let mut archive = Archive::new(Cursor::new(archive(&[("b", &[1, 2]), ("a", &[3])]))).unwrap();
        assert_eq!(archive.keys(), ["b", "a"]);
        assert_eq!(archive.get("a").unwrap().bytes, [3]);
        assert_eq!(archive.get("b").unwrap().bytes, [1, 2]);
        assert_eq!(archive.get("c").unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn what_is_cut_is_refused() {
        let mut file = Vec::new();
        write_one(&mut file, array(&[1, 2]).view()).unwrap();
        assert_eq!(Archive::new(Cursor::new(&file)).unwrap().get("arr_0").unwrap(), array(&[1, 2]));
        for len in 0..file.len() {
            assert!(Archive::new(Cursor::new(&file[..len])).is_err(), "cut to {len}");
        }
    }

    /// One bit anywhere in the elements.
    #[test]
    fn a_wrong_checksum_is_refused() {
        let file = archive(&[("a", &[7; 100])]);
        let at = file.windows(100).position(|bytes| bytes == [7; 100]).unwrap();
        for place in [0, 50, 99] {
            let mut file = file.clone();
            file[at + place] ^= 1;
            let error = Archive::new(Cursor::new(file)).unwrap().get("a").unwrap_err();
            assert_eq!(error.exit(), Exit::Corrupt, "{error:?}");
        }
    }

    #[test]
    fn what_follows_an_array_is_refused() {
        let mut file = Cursor::new(Vec::new());
        let mut writer = to_file(&mut file);
        writer.add("a", array(&[1]).view(), None).unwrap();
        writer.zip.as_mut().unwrap().write_all(b"more").unwrap();
        writer.finish().unwrap();
        drop(writer);
        let error = Archive::new(file).unwrap().get("a").unwrap_err();
        assert_eq!(error.exit(), Exit::Corrupt);
        assert!(error.to_string().contains("more follows"), "{error}");
    }

    #[test]
    fn whole_entries_are_salvaged() {
        let entries: [(&str, &[u8]); 3] = [("00000000", &[1; 500]), ("00000001", &[2; 500]), ("time", &[3; 8])];
        let whole = archive(&entries);
        for len in 0..=whole.len() {
            let mut file = Cursor::new(&whole[..len]);
            let found = salvage(&mut file).unwrap();
            let least = if len == whole.len() { 3 } else { 0 };
            assert!((least..=3).contains(&found.len()), "cut to {len}");
            for (found, (key, bytes)) in found.iter().zip(entries) {
                assert_eq!(found.note, key.as_bytes());
                assert_eq!(get_salvaged(&mut file, found.at).unwrap(), array(bytes));
            }
        }
    }

    #[test]
    fn a_completed_entry_is_salvaged_at_once() {
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = to_file(io::BufWriter::new(file.try_clone().unwrap()));
        for count in 1..=3 {
            let key = format!("{count:08}");
            writer.add(&key, array(&[7; 500]).view(), Some(b"note")).unwrap();
            writer.complete(&key).unwrap();
            let position = file.stream_position().unwrap();
            file.rewind().unwrap();
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).unwrap();
            assert_eq!(salvage(&mut Cursor::new(whole)).unwrap().len(), count);
            file.seek(SeekFrom::Start(position)).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(Archive::new(io::BufReader::new(file)).unwrap().keys().len(), 3);
    }
}
