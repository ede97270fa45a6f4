//! What a small channel takes: memory, and the time to make it, and to open, read and close it.
//!
//! `cargo bench --bench memory_and_opening`; the library by itself, so that it builds in a moment.
//! `benches/peers` has the rivals.

#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a program that measures, and shows what it found")]

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use ndsharray::{Options, Writer};
    use std::fs;
    use std::hint::black_box;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    const ROUNDS: usize = 15;
    const OPENINGS: u32 = 1_000;
    const WRITERS: u32 = 1_000;

    pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::Builder::new().prefix("ndsharray-bench-").tempdir_in("/dev/shm")?;
        let (one, many, full) = (root.path().join("one"), root.path().join("many"), root.path().join("full"));
        for dir in [&one, &many, &full] {
            fs::create_dir(dir)?;
        }
        let mut writer = Options::new().dir(&one).create::<u8>("channel")?;
        writer.write(&[64], &[1; 64])?;
        println!("{:>9.1} KiB  a channel of one value of 64 B", allocated(&one)? as f64 / 1024.0);
        let _others = writers(&full, "other", 2 * WRITERS, false)?;
        let names = [
            "open a reader, read 64 B, close it",
            "make a writer, of 1,000 in one directory",
            "the same, and write a first value of 64 B",
            "make a writer, of 1,000 beside 2,000 others",
        ];
        let mut times = vec![Vec::new(); names.len()];
        for _ in 0..ROUNDS {
            // One after the other in each round, so that what slows the machine slows all.
            let begin = processor_time()?;
            for _ in 0..OPENINGS {
                let mut reader = Options::new().dir(&one).open("channel")?;
                let sample = reader.read()?.ok_or("no value")?;
                black_box(sample.view::<u8>()?[[0]]);
            }
            let mut round = vec![(processor_time()? - begin) / f64::from(OPENINGS)];
            for (dir, writes) in [(&many, false), (&many, true), (&full, false)] {
                let begin = processor_time()?;
                let made = writers(dir, "writer", WRITERS, writes)?;
                round.push((processor_time()? - begin) / f64::from(WRITERS));
                drop(made);
            }
            times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
        }
        for (name, mut times) in names.iter().zip(times) {
            times.sort_by(f64::total_cmp);
            println!("{:>9.1} us   {name} (least {:.1})", times[ROUNDS / 2], times[0]);
        }
        Ok(())
    }

    /// So many writers of one directory.
    fn writers(dir: &Path, name: &str, count: u32, writes: bool) -> ndsharray::Result<Vec<Writer<u8>>> {
        let options = Options::new().dir(dir);
        (0..count)
            .map(|index| {
                let mut writer = options.create::<u8>(&format!("{name}{index}"))?;
                if writes {
                    writer.write(&[64], &[1; 64])?;
                }
                Ok(writer)
            })
            .collect()
    }

    /// Microseconds that this thread has run: a busy neighbour counts less than by the clock.
    fn processor_time() -> Result<f64, Box<dyn std::error::Error>> {
        let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
        let nanoseconds: f64 = stat.split(' ').next().unwrap_or_default().parse()?;
        Ok(nanoseconds / 1000.0)
    }

    /// Bytes that the files of a directory take.
    fn allocated(dir: &Path) -> std::io::Result<u64> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.blocks() * 512)).sum()
    }
}
