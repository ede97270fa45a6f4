//! Damage to all files of a channel while a writer writes and readers read.
//!
//! A thread flips bits, and exchanges and extends files.

use crate::channel::support::{NAME, TIMEOUT, TestDir};
use crate::common::os::{read_exact_at, write_all_at};
use crate::common::{Dice, stress};
use ndsharray::{Error, HeaderError, Options};
use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Rounds after which writer and readers begin anew.
///
/// Damage that stays, such as a board marked as closed, would end the test early.
const ROUNDS: u32 = 500;

/// Flips one bit of a random file.
///
/// Now and then extends the file, or moves another channel's file over it.
fn damage(dir: &Path, stranger: &Path, dice: &mut Dice) -> std::io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.is_file());
    let Some(path) = files.get(dice.roll((files.len() as u64).max(1)) as usize) else { return Ok(()) };
    let file = File::options().read(true).write(true).open(path)?;
    let len = file.metadata()?.len();
    match dice.roll(500) {
        // By writing, not by setting the length: the file may have grown meanwhile, and must not be
        // cut under its mappings.
        0 => write_all_at(&file, &[0], len + 4095),
        1 => {
            let others: Vec<_> = fs::read_dir(stranger)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
            let Some(other) = others.get(dice.roll((others.len() as u64).max(1)) as usize) else { return Ok(()) };
            let moved = dir.join("moved");
            fs::copy(other, &moved)?;
            fs::rename(&moved, path)
        }
        _ => {
            // Half of the flips hit the first bytes, where the words stand that matter most.
            let near = if dice.roll(2) == 0 { len.min(700) } else { len };
            let at = dice.roll(near.max(1));
            let mut byte = [0];
            read_exact_at(&file, &mut byte, at)?;
            byte[0] ^= 1 << dice.roll(8);
            write_all_at(&file, &byte, at)
        }
    }
}

fn write(options: &Options) -> Result<(), Error> {
    let mut writer = match options.create::<u8>(NAME) {
        // What cannot be opened can be removed; both are an answer.
        Err(Error::Corrupt(_)) => return options.remove(NAME),
        other => other?,
    };
    for round in 0..ROUNDS {
        let len = 1 + (round as usize * 37) % 6000;
        black_box(writer.write(&[len], &vec![round as u8; len]).is_ok());
        if let Ok(mut loan) = writer.loan(&[3, len]) {
            loan.as_mut_slice().fill(1);
            black_box(loan.publish().is_ok());
        }
    }
    Ok(())
}

fn read(options: &Options, copies: bool) -> Result<u64, Error> {
    let mut reader = if copies { options.open_read_only(NAME)? } else { options.open(NAME)? };
    let (mut values, mut buffer) = (0, Vec::new());
    for round in 0..ROUNDS {
        if let Ok(Some(sample)) = reader.read() {
            assert_eq!(sample.as_bytes().len(), sample.shape().iter().product::<usize>() * sample.dtype().size());
            black_box(sample.any_view().is_ok());
            values += 1;
        }
        let kept = reader.latest_owned();
        if let Ok(Some(sample)) = &kept {
            black_box(sample.as_bytes().iter().map(|byte| u64::from(*byte)).sum::<u64>());
            values += 1;
        }
        black_box(reader.read_into::<u8>(&mut buffer).is_ok());
        if round % 16 == 0 {
            black_box(reader.wait_for_news(Duration::from_millis(1)).is_ok());
        }
    }
    Ok(values)
}

/// A file without its magic might be a user's: only the user may remove it.
fn remove_by_hand(dir: &TestDir) {
    for name in dir.files() {
        // The library may have been quicker.
        let _ = fs::remove_file(dir.path().join(name));
    }
}

/// Blows, at least. Under Wine every call goes through one server.
const LEAST: u64 = if cfg!(windows) { 10 } else { 100 };

#[test]
fn damage_while_everybody_is_at_work_has_an_answer() {
    let (dir, other) = (TestDir::new(), TestDir::new());
    let mut stranger = other.writer::<u8>();
    stranger.write(&[100], &[7; 100]).unwrap();
    let (done, damaged, values) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let options = dir.options();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = stress::dice(1);
            while !done.load(Ordering::Relaxed) {
                // Files come and go; a miss is no matter.
                if damage(dir.path(), other.path(), &mut dice).is_ok() {
                    damaged.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if let Err(Error::Corrupt(HeaderError::Magic { .. })) = black_box(write(&options)) {
                    remove_by_hand(&dir);
                }
            }
        });
        for copies in [false, false, true] {
            let (options, done, values) = (&options, &done, &values);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if let Ok(seen) = read(options, copies) {
                        values.fetch_add(seen, Ordering::Relaxed);
                    }
                }
            });
        }
        let start = Instant::now();
        // On a busy machine it may be long before there was enough of it.
        let is_enough = || damaged.load(Ordering::Relaxed) > LEAST && values.load(Ordering::Relaxed) > 100;
        while start.elapsed() < stress::DAMAGE.time() || (!is_enough() && start.elapsed() < TIMEOUT) {
            thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
    });
    let (damaged, values) = (damaged.into_inner(), values.into_inner());
    assert!(damaged > LEAST, "the files were damaged {damaged} times");
    assert!(values > 100, "{values} values were seen in spite of it");
    // Whatever is left, it can be cleared away, and the name works again.
    match options.remove(NAME) {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(Error::Corrupt(HeaderError::Magic { .. })) => remove_by_hand(&dir),
        Err(error) => panic!("{error}"),
    }
    dir.writer::<u8>().write(&[1], &[1]).unwrap();
}
