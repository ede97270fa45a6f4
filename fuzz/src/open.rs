//! Channels whose files hold anything: made by the library, damaged by the input, then opened.

use crate::damage::{Reach, damage};
use crate::input::Input;
use crate::scratch::Scratch;
use crate::values::{Value, byte_len};
use ndsharray::{DType, Error, Options, OwnedSample, Reader, ShElement, Writer};
use std::time::{Duration, Instant};

/// The damaged channel.
const NAME: &str = "a";
/// A channel beside it, whose files may be mistaken for its own.
const OTHER: &str = "b";

/// The longest that all calls together may take.
///
/// Far more than they need, on a busy machine and with a sanitizer.
pub(crate) const BOUND: Duration = Duration::from_secs(120);

/// Whatever the files of a channel hold, each call answers in bounded time: a value or an error.
///
/// A writer that could take the channel over and write has repaired it for later readers.
///
/// Input: slots and readers; the number of values, and these; then damage to the end. The same for
/// the other channel comes before the damage.
///
/// # Panics
///
/// The property does not hold.
pub fn open(data: &[u8]) {
    let start = Instant::now();
    let mut input = Input::new(data);
    let scratch = Scratch::new();
    let options =
        Options::new().dir(scratch.dir()).max_slots(2 + input.below(6)).max_readers(1 + input.below(70)).persist(true);
    make(&options, NAME, &mut input);
    make(&options, OTHER, &mut input);
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        damage(&mut input, &scratch, Reach::Unmapped);
    }
    everything(&options);
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
}

/// Leaves a channel with up to three values.
pub(crate) fn make(options: &Options, name: &str, input: &mut Input<'_>) {
    let count = input.below(4);
    if count == 0 {
        return;
    }
    // With a history where there are slots for one.
    let kept = options.clone().history(2).create_any(name);
    let mut writer = kept.or_else(|_| options.create_any(name)).unwrap();
    for _ in 0..count {
        Value::from_input(input).with_view(|view| writer.write_any(view)).unwrap();
    }
}

/// Makes calls that must have an answer, whichever.
fn everything(options: &Options) {
    let mut pinning = options.open(NAME);
    let mut copying = options.open_read_only(NAME);
    let mut kept = Vec::new();
    for reader in [&mut pinning, &mut copying].into_iter().flatten() {
        kept.extend(all_reads(reader));
    }
    for reader in [options.clone().from_oldest(true).open(NAME), options.clone().from_oldest(true).open_read_only(NAME)]
    {
        match reader {
            Ok(mut reader) => kept.extend(reads_in_order(&mut reader)),
            Err(error) => answered(&error),
        }
    }
    match options.create::<bool>(NAME) {
        Ok(writer) => {
            all_writes(options, writer);
            for reader in [&mut pinning, &mut copying].into_iter().flatten() {
                kept.extend(all_reads(reader));
            }
        }
        Err(error) => answered(&error),
    }
    for sample in &kept {
        let _ = (sample.as_bytes().len(), sample.any_view().map(|view| view.len()));
    }
    for reader in [&mut pinning, &mut copying].into_iter().flatten() {
        kept.extend(all_reads(reader));
    }
    drop(kept);
    drop((pinning, copying));
    match options.remove(NAME) {
        Ok(()) => {
            let left: Vec<_> = std::fs::read_dir(options.directory())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| is_payload(name))
                .collect();
            assert!(left.is_empty(), "left over: {left:?}");
            assert!(matches!(options.open(NAME), Err(Error::NotFound { .. })), "removed, and yet there");
        }
        Err(error) => answered(&error),
    }
}

/// Whether a file has the name of one of the channel's payloads.
fn is_payload(file_name: &str) -> bool {
    let hex = file_name.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(".ndsh-"));
    hex.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Writes in all ways; new readers read the value that was written last.
fn all_writes(options: &Options, writer: Writer<bool>) {
    let mut writer = writer;
    for publish in [true, false] {
        match writer.loan(&[3, 5]) {
            Ok(mut loan) => {
                assert_eq!(loan.as_mut_slice().len(), 15, "a loan has the length that was asked for");
                assert_eq!(loan.view_mut().shape(), [3, 5]);
                if publish {
                    drop(loan.publish());
                }
            }
            Err(error) => answered(&error),
        }
    }
    let mut writer = writer.into_dtype::<u16>();
    let _ = writer.payload_name();
    let value = Value::filled(DType::U16, &[40, 70], 1);
    let number = match writer.write(&value.shape, &value.elements::<u16>()) {
        Ok(number) => number,
        Err(error) => return answered(&error),
    };
    for reader in [options.open(NAME), options.open_read_only(NAME)] {
        let mut reader = match reader {
            Err(Error::TooManyReaders { .. }) => continue,
            other => other.expect("a channel with a living writer can be opened"),
        };
        let sample =
            reader.read_owned().expect("what was just written can be read").expect("something was just written");
        assert_eq!((sample.seq(), sample.dtype(), sample.shape()), (number, DType::U16, value.shape.as_slice()));
        assert!(sample.as_bytes() == value.bytes, "read as written");
    }
    assert!(matches!(options.create_any(NAME), Err(Error::WriterExists { .. })));
    assert!(matches!(options.remove(NAME), Err(Error::WriterExists { .. })));
}

/// Reads the values that stand, in order, and returns those that were read.
fn reads_in_order(reader: &mut Reader) -> Vec<OwnedSample> {
    let mut kept = Vec::new();
    for _ in 0..4 {
        for sample in [reader.read_next_owned(), reader.wait_next_owned(Duration::ZERO)] {
            match sample {
                Ok(sample) => kept.extend(sample),
                Err(error) => answered(&error),
            }
        }
        if let Err(error) = reader.read_next_into(&mut Vec::<u8>::new()) {
            answered(&error);
        }
    }
    kept
}

/// Reads in all ways, and returns the samples that were kept.
fn all_reads(reader: &mut Reader) -> Vec<OwnedSample> {
    let mut kept = Vec::new();
    // Copies first: the value is news up to the first copy that has the right type.
    into::<u8>(reader);
    into::<bool>(reader);
    into::<f64>(reader);
    match reader.latest() {
        Ok(Some(sample)) => {
            let len = sample.as_bytes().len();
            assert_eq!(byte_len(sample.shape(), sample.dtype().size()), len);
            match sample.any_view() {
                Ok(any) => {
                    assert_eq!((any.dtype(), any.shape(), any.as_bytes().len()), (sample.dtype(), sample.shape(), len));
                    assert!(!format!("{any:?}").is_empty());
                }
                Err(error) => answered(&error),
            }
            // Touches all of it: a page that is missing would end the process.
            let _ = sample.as_bytes().iter().fold(0_u8, |all, byte| all ^ byte);
            let _ = (sample.view::<bool>().is_ok(), sample.view::<f32>().is_ok());
            let _ = (sample.seq(), sample.missed(), sample.age());
            kept.push(sample.into_owned());
        }
        Ok(None) => {}
        Err(error) => answered(&error),
    }
    for sample in [reader.latest_owned(), reader.read_owned(), reader.wait_owned(Duration::ZERO)] {
        match sample {
            Ok(sample) => kept.extend(sample),
            Err(error) => answered(&error),
        }
    }
    for news in [reader.read().map(|sample| sample.is_some()), reader.wait_for_news(Duration::ZERO)] {
        if let Err(error) = news {
            answered(&error);
        }
    }
    let _ = (reader.is_writer_alive(), reader.writer_epoch(), format!("{reader:?}"));
    kept
}

fn into<T: ShElement>(reader: &mut Reader) {
    let mut out = Vec::<T>::new();
    for info in [reader.read_into(&mut out), reader.wait_into(&mut out, Duration::ZERO)] {
        if let Err(error) = info {
            answered(&error);
        }
    }
}

/// Checks that an error and its causes have a text.
pub(crate) fn answered(error: &Error) {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        assert!(!error.to_string().is_empty());
        cause = error.source();
    }
}
