//! The library by itself: poll, read, write, loan, and a copy between warm buffers as the
//! yardstick.
//!
//! `cargo bench -p ndsharray-peers --bench channel`. Compare figures within one run only. The
//! comparison with other libraries is this package's program.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ndsharray::{Options, Reader, Writer};
use std::path::Path;
use tempfile::TempDir;

/// Bytes of one value: a cache line, a large page of text, a camera frame, a 4K frame.
const SIZES: [usize; 4] = [64, 64 * 1024, 1280 * 720 * 3, 3840 * 2160 * 3];

fn main() {
    divan::main();
}

/// A channel of its own, with one reader that has seen the one value in it.
fn channel(len: usize) -> (Writer<u8>, Reader, TempDir) {
    let shared_memory = Path::new("/dev/shm");
    let dir = if shared_memory.is_dir() { TempDir::new_in(shared_memory) } else { TempDir::new() };
    let dir = dir.expect("a temporary directory");
    let options = Options::new().dir(dir.path());
    let mut writer = options.create::<u8>("bench").expect("a new channel");
    let mut reader = options.open("bench").expect("the channel just made");
    writer.write(&[len], &vec![1; len]).expect("room for one value");
    assert_eq!(reader.read().expect("a channel").expect("a value").as_bytes().len(), len);
    (writer, reader, dir)
}

#[divan::bench]
fn poll_with_nothing_new(bencher: Bencher) {
    let (_writer, mut reader, _dir) = channel(64);
    bencher.bench_local(|| reader.read().is_ok_and(|sample| sample.is_none()));
}

#[divan::bench]
fn latest_view_drop(bencher: Bencher) {
    let (_writer, mut reader, _dir) = channel(64);
    bencher.bench_local(|| {
        let sample = reader.latest().ok().flatten()?;
        sample.view::<u8>().ok().map(|view| black_box(view.as_slice()).len())
    });
}

#[divan::bench(args = SIZES)]
fn write(bencher: Bencher, len: usize) {
    let (mut writer, _reader, _dir) = channel(len);
    let data = vec![2; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| writer.write(&[len], black_box(&data)).is_ok());
}

#[divan::bench(args = SIZES)]
fn write_then_read(bencher: Bencher, len: usize) {
    let (mut writer, mut reader, _dir) = channel(len);
    let data = vec![2; len];
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        writer.write(&[len], black_box(&data)).ok()?;
        reader.read().ok().flatten().map(|sample| black_box(sample.as_bytes()).len())
    });
}

#[divan::bench(args = SIZES)]
fn loan_and_publish(bencher: Bencher, len: usize) {
    let (mut writer, _reader, _dir) = channel(len);
    bencher.bench_local(|| writer.loan(&[len]).and_then(ndsharray::Loan::publish).is_ok());
}

/// Makes and closes a writer in a directory where so many other channels are.
#[divan::bench(args = [0, 100, 1000, 3000])]
fn make_writer_among(bencher: Bencher, others: usize) {
    let (_writer, _reader, dir) = channel(64);
    let options = Options::new().dir(dir.path());
    for number in 0..others {
        // It leaves its value, and takes none of this process' descriptors.
        let other = options.clone().persist(true).create::<u8>(&format!("other-{number}"));
        other.and_then(|mut other| other.write(&[64], &[1; 64])).expect("room for one value");
    }
    bencher.bench_local(|| options.create::<u8>("one-more").is_ok());
}

/// What a write cannot beat: a copy that alternates between two warm buffers, as the current value
/// must not be overwritten.
#[divan::bench(args = SIZES)]
fn copy_between_warm_buffers(bencher: Bencher, len: usize) {
    let data = vec![2_u8; len];
    let mut buffers = [vec![0_u8; len], vec![0_u8; len]];
    let mut turn = false;
    bencher.counter(BytesCount::new(len)).bench_local(|| {
        turn = !turn;
        let [a, b] = &mut buffers;
        let buffer = if turn { a } else { b };
        buffer.copy_from_slice(black_box(&data));
        black_box(buffer.as_slice()).len()
    });
}
