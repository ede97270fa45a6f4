//! Tests of the courtesy: whose turn it is after a holder, step by step, with a kernel that does as the test says.

use super::{Entry, Kernel, Lock, Patience, Purpose, Share, Slept, Words};
use crate::sync::{AtomicU32, Ordering};

/// Nobody dies, and who sleeps has to be woken by the test.
struct Peace;

impl Kernel for Peace {
    fn wake_all(&self, _: &AtomicU32, _: u32) {}
    fn if_dead(&self, _: usize, _: impl FnOnce()) {}
}

/// Sleeps end as listed, and do something on the way; after the last one it gives up.
struct Script<'a>(Vec<(Slept, Box<dyn Fn() + 'a>)>);

impl Patience for Script<'_> {
    fn spin(&mut self) -> bool {
        false
    }

    fn sleep(&mut self, _: &AtomicU32, _: u32) -> Slept {
        if self.0.is_empty() {
            return Slept::Over;
        }
        let (slept, act) = self.0.remove(0);
        act();
        slept
    }
}

fn never<'a>() -> Script<'a> {
    Script(Vec::new())
}

struct Hall(Words, [Entry; 3]);

impl Hall {
    fn new() -> Self {
        let hall = Self(Words::new(), [Entry::new(), Entry::new(), Entry::new()]);
        (0..3).for_each(|own| hall.party(own).join());
        hall
    }

    fn party(&self, own: usize) -> Lock<'_, Peace> {
        Lock { words: &self.0, entries: &self.1, own, kernel: &Peace }
    }
}

/// After a holder those who waited to share come first, and then who wants the array alone.
#[test]
fn sharers_have_their_turn_after_a_holder() {
    let hall = Hall::new();
    let [holder, reader, writer] = [0, 1, 2].map(|own| hall.party(own));
    let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
    let tries = |lock: &Lock<'_, Peace>| lock.claim(Purpose::Write, &mut never()).map(|_| lock.release()).is_some();
    // While the reader sleeps the holder goes, and a writer that comes at that very moment holds back.
    let mut patience = Script(vec![(
        Slept::Woken,
        Box::new(|| {
            holder.release();
            assert!(hall.0.word.load(Ordering::Relaxed) != 0, "it is somebody's turn");
            assert!(!tries(&writer) && !tries(&holder));
        }),
    )]);
    assert!(reader.share(Share::View, &mut patience).is_some());
    assert!(!tries(&writer), "the reader is inside");
    reader.leave();
    assert!(tries(&writer));
    assert_eq!(hall.0.word.load(Ordering::Relaxed), 0, "no turn is left over");
}

/// One that wants for ever, because it is stopped, holds nobody up for more than a slice.
#[test]
fn courtesy_ends_after_a_slice() {
    let hall = Hall::new();
    let [holder, stopped, writer] = [0, 1, 2].map(|own| hall.party(own));
    let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
    hall.1[1].wants.fetch_add(1, Ordering::SeqCst);
    let word = stopped.look();
    assert!(stopped.exchange(word, word.waited_for()));
    holder.release();
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    let mut patience = Script(vec![(Slept::Woken, Box::new(|| ())), (Slept::Slice, Box::new(|| ()))]);
    assert!(writer.claim(Purpose::Write, &mut patience).is_some());
    writer.release();
}

/// Who gives up leaves no mark that matters.
#[test]
fn a_wait_in_vain_leaves_nothing() {
    let hall = Hall::new();
    let [holder, reader, writer] = [0, 1, 2].map(|own| hall.party(own));
    let _ = holder.claim(Purpose::Write, &mut never()).unwrap();
    assert!(reader.share(Share::View, &mut never()).is_none());
    assert!(reader.share(Share::Atomic, &mut never()).is_none());
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    holder.release();
    assert!(writer.try_claim(&mut never()).is_some());
    writer.release();
    assert!(reader.share(Share::View, &mut never()).is_some());
    assert!(writer.try_claim(&mut never()).is_none());
    assert!(writer.claim(Purpose::Write, &mut never()).is_none());
    assert!(holder.try_share(Share::View).is_some(), "an attempt to write leaves the array to its readers");
    holder.leave();
    reader.leave();
    let words = hall.1.iter().map(|entry| entry.sharing.load(Ordering::Relaxed) + entry.wants.load(Ordering::Relaxed));
    assert_eq!(words.sum::<u64>(), 0);
}
