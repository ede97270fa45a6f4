//! Lossless readers are killed at random while a writer waits for those that live.
//!
//! The writer's limit is so long that a wait for a dead reader would be seen: as an error. How long
//! it waited at most is printed.

use crate::common::{Dice, Event, NAME, Peer, TIMEOUT, TestDir, shape_of, stress, value, wait_until};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const READERS: usize = 3;

/// Two that each reader holds, the latest, and a few to be ahead.
const SLOTS: usize = 2 * READERS + 4;

/// Ends the writer, also when the rest fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn random_kills() {
    let kills = stress::LOSSLESS_KILLS.count();
    let mut dice = Dice::new(stress::seed());
    let start = Instant::now();
    let dir = TestDir::new();
    let options = dir.options().max_slots(SLOTS).history(4).wait_for_readers(TIMEOUT);
    let mut writer = options.create::<u64>(NAME).unwrap();
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let longest = std::thread::scope(|scope| {
        let _done = Done(&done);
        let writing = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let name = writer.seq() + 1;
                let begin = Instant::now();
                assert_eq!(writer.write(&shape_of(name), &value(name)).expect("the dead are not waited for"), name);
                longest = longest.max(begin.elapsed());
                written.store(name, Ordering::Relaxed);
            }
            (longest, writer)
        });
        let start_reader = |seed| Peer::start(&format!("lossless-reader {seed}"), dir.path(), |_| {});
        let mut readers: Vec<Peer> = (0..READERS).map(|_| start_reader(dice.roll(u64::MAX >> 34))).collect();
        for _ in 0..kills {
            std::thread::sleep(Duration::from_micros(dice.roll(4000)));
            for child in &mut readers {
                let event = child.poll(Duration::ZERO);
                assert!(matches!(event, Event::Quiet), "a child that was to live: {event:?}");
            }
            assert!(!writing.is_finished(), "the writer has failed");
            let victim = &mut readers[dice.roll(READERS as u64) as usize];
            // Now and then one that the writer is waiting for.
            #[cfg(unix)]
            if dice.roll(8) == 0 {
                victim.signal(libc::SIGSTOP);
                std::thread::sleep(Duration::from_micros(dice.roll(20_000)));
            }
            let before = written.load(Ordering::Relaxed);
            victim.kill();
            *victim = start_reader(dice.roll(u64::MAX >> 34));
            // All slots have been written since.
            wait_until("the writer goes on", || written.load(Ordering::Relaxed) >= before + 2 * SLOTS as u64);
        }
        done.store(true, Ordering::Relaxed);
        let (longest, mut writer) = writing.join().unwrap();
        readers.iter_mut().for_each(Peer::kill);
        for name in writer.seq() + 1..=writer.seq() + 3 * SLOTS as u64 {
            writer.write(&shape_of(name), &value(name)).expect("no reader lives");
        }
        assert_eq!(writer.reader_count(), 0);
        longest
    });
    assert_eq!(dir.files(), [""; 0], "left after the kills");
    let values = written.into_inner();
    println!(
        "  {kills} lossless readers killed, {values} values written, each after {longest:.1?} at most, {:.1?}",
        start.elapsed()
    );
}
