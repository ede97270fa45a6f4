//! What a network of bridges carries, by counting: `cargo run -p ndsharray-link --example scale
//! --no-default-features`.
//!
//! Each host offers 20 channels: a camera of 0.9 MB ten times a second, and 19 of 1 kB fifty times.
//! It reads 5 of others, spread evenly: one camera, four small ones. The sums are of the design in
//! `docs/LINK.md`: a token for each channel, one for each wish, and one value for each receiver.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "prints a table")]

const CHANNELS: u64 = 20;
const WISHES: u64 = 5;
const CAMERA: u64 = 900_000 * 10;
const SMALL: u64 = 1_000 * 50;
/// A token's declaration: its key and zenoh's own bytes.
const TOKEN: u64 = 150;
/// An empty local channel: board and table in memory, descriptors of its writer.
const LOCAL_BYTES: u64 = 48 << 10;
const LOCAL_DESCRIPTORS: u64 = 2;
/// Neighbours of a router in the tree.
const FAN: u64 = 32;

struct Row {
    hosts: u64,
    shape: &'static str,
    /// Neighbours of the node that has the most.
    sessions: u64,
    /// Bytes a second through the busiest node, in and out.
    busiest: u64,
}

fn rows(hosts: u64) -> [Row; 3] {
    let read = CAMERA + (WISHES - 1) * SMALL;
    // What a host reads, and what others read of it.
    let host = 2 * read;
    let routers = hosts.div_ceil(FAN - 1);
    // Values between hosts of different leaves go through the root as well.
    let far = if routers > 1 { (hosts - hosts / routers) * read * 2 } else { 0 };
    [
        Row { hosts, shape: "peers, each with each", sessions: hosts - 1, busiest: host },
        Row { hosts, shape: "one router", sessions: hosts, busiest: hosts * host },
        Row {
            hosts,
            shape: "a tree of routers",
            sessions: if routers > 1 { routers.max(FAN) } else { hosts },
            busiest: far.max(hosts.min(FAN - 1) * host),
        },
    ]
}

fn main() {
    println!(
        "| hosts | network | offers heard by each | bytes of them | local channels: memory, descriptors | most neighbours | busiest node |"
    );
    println!("|---|---|---|---|---|---|---|");
    for Row { hosts, shape, sessions, busiest } in [10, 100, 1000].into_iter().flat_map(rows) {
        let offers = (hosts - 1) * CHANNELS;
        println!(
            "| {hosts} | {shape} | {offers} | {:.1} kB | {:.0} MiB, {} | {sessions} | {:.2} Gb/s |",
            (offers * TOKEN) as f64 / 1e3,
            (offers * LOCAL_BYTES) as f64 / f64::from(1 << 20),
            offers * LOCAL_DESCRIPTORS,
            (busiest * 8) as f64 / 1e9,
        );
    }
}
