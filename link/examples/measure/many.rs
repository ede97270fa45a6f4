//! Many channels, of which few are read.

use crate::{Answer, PATIENCE};
use ndsharray::Options;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of each value.
const BYTES: usize = 1000;

fn number<T: std::str::FromStr>(words: &[String], at: usize) -> Answer<T> {
    words.get(at).and_then(|word| word.parse().ok()).ok_or_else(|| format!("word {at} is no number").into())
}

/// Writes one value to each, and then to the first of them at a rate.
pub(crate) fn write(words: &[String]) -> Answer<()> {
    let (count, live): (usize, usize) = (number(words, 0)?, number(words, 1)?);
    let (hz, seconds): (f64, f64) = (number(words, 2)?, number(words, 3)?);
    let mut writers =
        (0..count).map(|at| Options::new().create::<u8>(&format!("c{at}"))).collect::<Result<Vec<_>, _>>()?;
    for writer in &mut writers {
        writer.write(&[BYTES], &[0; BYTES])?;
    }
    let (start, mut round) = (Instant::now(), 0_u32);
    while start.elapsed().as_secs_f64() < seconds {
        for writer in writers.iter_mut().take(live) {
            writer.write(&[BYTES], &[round as u8; BYTES])?;
        }
        round += 1;
        let next = start + Duration::from_secs_f64(f64::from(round) / hz);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Reads the first of them, each in a thread, and prints what all have got.
pub(crate) fn read(words: &[String]) -> Answer<()> {
    let prefix = words.first().ok_or("which host?")?;
    let (count, seconds): (usize, f64) = (number(words, 1)?, number(words, 2)?);
    let threads = (0..count).map(|at| {
        let name = format!("{prefix}c{at}");
        thread::spawn(move || -> Answer<usize> {
            let mut reader = Options::new().open_timeout(&name, PATIENCE)?;
            let end = Instant::now() + Duration::from_secs_f64(seconds);
            let mut values = 0;
            while let Some(left) = end.checked_duration_since(Instant::now()) {
                values += usize::from(reader.wait(left)?.is_some());
            }
            Ok(values)
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut values = Vec::new();
    for thread in threads {
        values.push(thread.join().map_err(|_| "panicked")??);
    }
    println!(
        "{} channels read, {} to {} values each",
        count,
        values.iter().min().unwrap_or(&0),
        values.iter().max().unwrap_or(&0)
    );
    Ok(())
}
