//! A reader in a sandbox that refuses the system call for sleeping on several words.

use crate::common::say;
use ndsharray::{Options, Reader, wait_any};
use std::io::Error;
use std::time::Duration;

/// Has the kernel answer `errno` to `futex_waitv`, in this thread and those that it starts.
fn refuse(errno: i32) {
    let errno = u32::try_from(errno).unwrap();
    let call = u32::try_from(libc::SYS_futex_waitv).unwrap();
    let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let give = (libc::BPF_RET | libc::BPF_K) as u16;
    let mut filter = [
        // The call's number is the first field of `seccomp_data`.
        libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: 0 },
        libc::sock_filter { code: jump, jt: 0, jf: 1, k: call },
        libc::sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | errno },
        libc::sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: takes numbers.
    let is_bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
    // SAFETY: the kernel reads the program, which outlives the call.
    let is_filtered =
        is_bound && unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) } == 0;
    // SAFETY: no words to wait for, so nothing is read.
    let answer = unsafe { libc::syscall(libc::SYS_futex_waitv, std::ptr::null::<u8>(), 0, 0, 0, 0) };
    let found = Error::last_os_error().raw_os_error().unwrap();
    // An emulator takes no filter, and has no such call.
    let expected = if is_filtered { errno.cast_signed() } else { libc::ENOSYS };
    assert_eq!((answer, found), (-1, expected), "the call is not refused");
}

/// Says which channels have news, until one of them is closed. Then a waker ends its waits.
pub(super) fn wait(options: &Options, errno: i32, channels: usize) {
    refuse(errno);
    let mut readers: Vec<Reader> = (0..channels).map(|i| options.open(&format!("channel-{i}")).unwrap()).collect();
    say("ready");
    let mut is_closed = false;
    while !is_closed {
        let ready = wait_any(&mut readers.iter_mut().collect::<Vec<_>>(), Duration::MAX).unwrap();
        for i in ready.iter() {
            is_closed = ready.is_closed(i);
            say(if is_closed { format!("closed {i}") } else { format!("{i}") });
            assert_eq!(readers[i].read().unwrap().is_some(), !is_closed);
        }
    }
    let waker = readers[1].waker();
    let wake = || {
        let waker = waker.clone();
        std::thread::spawn(move || waker.wake())
    };
    wake();
    assert!(readers[1].wait(Duration::MAX).unwrap().is_none() && waker.is_woken());
    wake();
    let ready = wait_any(&mut readers.iter_mut().collect::<Vec<_>>(), Duration::MAX).unwrap();
    assert!(ready.is_empty() && waker.is_woken());
    say("woken");
}

/// Says the values of a channel, which a task awaits, until its close.
#[cfg(feature = "async")]
pub(super) fn tasks(options: &Options, errno: i32) {
    refuse(errno);
    let mut reader = options.open("channel-0").unwrap();
    say("ready");
    while crate::common::block_on(reader.changed()).is_ok() {
        say(reader.read().unwrap().unwrap().view::<u32>().unwrap()[[]]);
    }
    say("closed");
}

/// Has no descriptor left for a reader's news; tasks need none.
#[cfg(feature = "async")]
pub(super) fn short_of_descriptors(options: &Options) {
    use ndsharray::{Error, Memory};

    let mut writer = options.create::<u32>("channel-0").unwrap();
    let mut reader = options.open("channel-0").unwrap();
    super::limits::limit("descriptors").unwrap();
    let refused = reader.news_fd();
    assert!(matches!(refused, Err(Error::OutOfMemory { memory: Memory::Descriptors, .. })), "{refused:?}");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(reader.poll_changed(&mut context).is_pending());
    super::limits::limit("descriptors-no-more").unwrap();
    drop(reader.news_fd().unwrap());
    writer.write(&[], &[1]).unwrap();
    crate::common::block_on(reader.changed()).unwrap();
    assert!(reader.read().unwrap().is_some());
}
