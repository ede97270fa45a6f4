//! Peers that speak no frames to the TCP carrier, or do not listen.

use crate::hosts::{TIMEOUT, TestHost, next, wait_until};
use ndsharray::Error;
use ndsharray_link::carrier::tcp::Tcp;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn bytes_that_are_no_frames_end_their_connection_alone() {
    let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &[], 1 << 20).unwrap();
    let address = tcp.addresses()[0];
    let from = TestHost::new("robot").start(Arc::new(tcp));
    let mut seed = 1_u32;
    for round in 0..40 {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut bytes = if round % 2 == 0 { b"NDSHLNK1".to_vec() } else { Vec::new() };
        if round % 4 == 0 {
            // A host's name, and then a frame of a kind that there may be.
            bytes.extend([1, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, b'x', 1, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend([(round % 9) as u8, 40, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        }
        for _ in 0..200 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((seed >> 24) as u8);
        }
        // It may have been hung up on already.
        let _ = stream.write_all(&bytes);
    }
    let tcp = Tcp::new(&[], &[address.to_string()], 1 << 20).unwrap();
    let to = TestHost::new("desk").start(Arc::new(tcp));
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[5]).unwrap();
    assert_eq!(next(&mut to.open("robot.camera")).as_bytes(), [5]);
}

/// A frame without a payload.
fn frame(kind: u8, head: &[u8]) -> Vec<u8> {
    [&[kind][..], &(head.len() as u32).to_le_bytes(), &[0; 8], head].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

/// Greets as the bridge of `desk`, and wants `camera`.
fn receiver(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let host = [text("desk"), vec![7; 8]].concat();
    let want = [text("camera"), host.clone(), vec![0; 8]].concat();
    stream.write_all(&[b"NDSHLNK1".to_vec(), frame(1, &host), frame(4, &want)].concat()).unwrap();
    stream
}

/// It takes some bytes now and then: the value on its way is copied, and its slot is free.
#[test]
fn a_slow_peer_holds_no_slot() {
    const LEN: usize = 32 << 20;
    let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &[], 1 << 26).unwrap();
    let address = tcp.addresses()[0];
    let from = TestHost::new("robot").start(Arc::new(tcp));
    let mut writer = from.options().max_slots(2).create::<u8>("camera").unwrap();
    writer.write(&[LEN], &vec![5; LEN]).unwrap();
    let mut stream = receiver(address);
    let mut taken = vec![0; 1 << 16];
    // It is on its way.
    let mut got = 0;
    while got < 1 << 17 {
        got += stream.read(&mut taken).unwrap();
    }
    let mut written = 0;
    wait_until("the writer finds slots", || {
        // Far less than is on its way: the peer never comes to its end.
        got += stream.read(&mut taken[..1 << 14]).unwrap();
        assert!(got < LEN && stream.write_all(&frame(8, &[])).is_ok(), "the peer is still served");
        match writer.write(&[1], &[6]) {
            Ok(_) => written += 1,
            Err(Error::AllSlotsPinned { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        written == 10
    });
}

#[test]
fn connections_have_a_bound() {
    let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &[], 1 << 20).unwrap();
    let address = tcp.addresses()[0];
    let from = TestHost::new("robot").start(Arc::new(tcp));
    let problems = || from.bridge.as_ref().unwrap().report().problems;
    let mut callers = Vec::new();
    wait_until("some are refused", || {
        callers.push(TcpStream::connect(address).unwrap());
        problems().iter().any(|problem| problem.contains("connections were refused"))
    });
    assert!(callers.len() > 128);
    drop(callers);
    let tcp = Tcp::new(&[], &[address.to_string()], 1 << 20).unwrap();
    let to = TestHost::new("desk").start(Arc::new(tcp));
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[1], &[5]).unwrap();
    assert_eq!(next(&mut to.open("robot.camera")).as_bytes(), [5]);
}

/// Otherwise it would have its connection, and a copy, for as long as it likes.
#[test]
fn a_peer_that_takes_nothing_is_hung_up_on() {
    let tcp = Tcp::new(&["127.0.0.1:0".to_owned()], &[], 1 << 26).unwrap();
    let address = tcp.addresses()[0];
    let from = TestHost::new("robot").start(Arc::new(tcp));
    // More than sockets buffer.
    let mut writer = from.options().create::<u8>("camera").unwrap();
    writer.write(&[32 << 20], &vec![5; 32 << 20]).unwrap();
    let mut stream = receiver(address);
    // Signs of life, but no byte is read.
    let end = Instant::now() + TIMEOUT;
    while stream.write_all(&frame(8, &[])).is_ok() {
        assert!(Instant::now() < end, "it is still connected");
        std::thread::sleep(Duration::from_millis(100));
    }
}
