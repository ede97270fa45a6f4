//! What a network of bridges carries, on paper and by simulation: `cargo run -p ndsharray-link
//! --example scale --no-default-features`.
//!
//! Each host offers 20 channels: a camera of 0.9 MB ten times a second, and 19 of 1 kB fifty times.
//! It reads 5 of others: one camera, four small ones. Both count the design in `docs/LINK.md`: a
//! token for each channel, and one value for each receiver.
//!
//! On paper wishes are spread evenly. The simulation has each host choose at random, and follows
//! each value and each token from node to node. So it shows hosts that many read. It stops with a
//! failure where its sum over all nodes is not that on paper.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "prints a table")]
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "nodes have small numbers")]

const CHANNELS: usize = 20;
const SMALL_WISHES: usize = 4;
/// Bytes a second of a camera, and of a small channel.
const CAMERA: u64 = 900_000 * 10;
const SMALL: u64 = 1_000 * 50;
/// Bytes of a token's declaration: its key and zenoh's own.
const TOKEN: usize = 150;
/// A local channel without a value yet: a page each of board and table, descriptors of its writer.
const LOCAL_BYTES: usize = 8 << 10;
const LOCAL_DESCRIPTORS: usize = 2;
/// Neighbours of a leaf's router in the tree: its hosts and the root.
const FAN: usize = 32;
/// Networks with other wishes, of which the table has the middle one.
const RUNS: u64 = 15;

/// How hosts are connected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Peers,
    Router,
    Tree,
}

/// Hosts come first, then the routers of leaves, then the root.
struct Net {
    shape: Shape,
    hosts: usize,
    leaves: usize,
}

impl Net {
    fn new(shape: Shape, hosts: usize) -> Self {
        let leaves = match shape {
            Shape::Peers => 0,
            Shape::Router => 1,
            Shape::Tree => hosts.div_ceil(FAN - 1),
        };
        Self { shape, hosts, leaves }
    }

    fn has_root(&self) -> bool {
        self.leaves > 1
    }

    fn nodes(&self) -> usize {
        self.hosts + self.leaves + usize::from(self.has_root())
    }

    /// The router of a host. Hosts are dealt out evenly.
    fn leaf(&self, host: usize) -> usize {
        self.hosts + host % self.leaves
    }

    /// All nodes from one host to another.
    fn path(&self, from: usize, to: usize) -> Vec<usize> {
        if self.shape == Shape::Peers {
            return vec![from, to];
        }
        let (leaf, other) = (self.leaf(from), self.leaf(to));
        if leaf == other { vec![from, leaf, to] } else { vec![from, leaf, self.nodes() - 1, other, to] }
    }

    fn neighbours(&self) -> Vec<usize> {
        let mut neighbours = vec![0; self.nodes()];
        if self.shape == Shape::Peers {
            neighbours.fill(self.hosts - 1);
            return neighbours;
        }
        for host in 0..self.hosts {
            neighbours[host] += 1;
            neighbours[self.leaf(host)] += 1;
        }
        if self.has_root() {
            for leaf in 0..self.leaves {
                neighbours[self.hosts + leaf] += 1;
                neighbours[self.nodes() - 1] += 1;
            }
        }
        neighbours
    }

    /// Tokens that each node takes and passes on until all hosts have heard of all channels.
    fn tokens(&self) -> Vec<usize> {
        // Between peers each token takes one step. In a tree it takes each edge once.
        let tokens = self.hosts * CHANNELS;
        self.neighbours()
            .into_iter()
            .map(|neighbours| match self.shape {
                Shape::Peers => 2 * CHANNELS * neighbours,
                Shape::Router | Shape::Tree => tokens * neighbours,
            })
            .collect()
    }

    /// Bytes a second of each node, in and out, where each host has wishes of its own.
    fn simulate(&self, seed: u64) -> Vec<u64> {
        let mut state = seed;
        let mut other = |host: usize| loop {
            // splitmix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let found = ((word ^ (word >> 31)) % self.hosts as u64) as usize;
            if found != host {
                break found;
            }
        };
        let mut loads = vec![0; self.nodes()];
        for host in 0..self.hosts {
            let small = [SMALL; SMALL_WISHES];
            for bytes in [CAMERA].into_iter().chain(small) {
                let source = other(host);
                for step in self.path(source, host).windows(2) {
                    loads[step[0]] += bytes;
                    loads[step[1]] += bytes;
                }
            }
        }
        loads
    }

    /// Bytes a second of the busiest node if all is spread evenly.
    fn on_paper(&self) -> f64 {
        let hosts = self.hosts as f64;
        let read = (CAMERA + SMALL_WISHES as u64 * SMALL) as f64;
        match self.shape {
            Shape::Peers => 2.0 * read,
            _ if !self.has_root() => 2.0 * read * hosts,
            // What goes to hosts of other leaves passes the root.
            _ => (2.0 * read * hosts * self.far()).max(self.of_leaf(read)),
        }
    }

    /// The part of other hosts that have another router.
    fn far(&self) -> f64 {
        let here = self.hosts as f64 / self.leaves as f64;
        (self.hosts as f64 - here) / (self.hosts as f64 - 1.0)
    }

    /// Bytes a second of a leaf's router: what its hosts read, and what is read of them. What they
    /// read of each other is one of both.
    fn of_leaf(&self, read: f64) -> f64 {
        let here = self.hosts as f64 / self.leaves as f64;
        2.0 * read * here * (1.0 + self.far())
    }
}

fn middle(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

fn main() {
    println!(
        "| hosts | network | offers heard by each | local channels: memory, descriptors | most neighbours | tokens through the busiest node | busiest node on paper | simulated | busiest host simulated |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for hosts in [10, 100, 1000] {
        for (shape, name) in
            [(Shape::Peers, "peers, each with each"), (Shape::Router, "one router"), (Shape::Tree, "a tree of routers")]
        {
            let net = Net::new(shape, hosts);
            let runs: Vec<_> = (0..RUNS).map(|seed| net.simulate(seed)).collect();
            let busiest =
                |nodes: usize| middle(runs.iter().map(|run| run[..nodes].iter().copied().max().unwrap_or(0)).collect());
            // What enters and leaves hosts does not hang on who reads whom.
            let read = CAMERA + SMALL_WISHES as u64 * SMALL;
            for run in &runs {
                assert_eq!(run[..hosts].iter().sum::<u64>(), 2 * read * hosts as u64, "{name}");
            }
            let (simulated, paper) = (busiest(net.nodes()), net.on_paper());
            if shape != Shape::Peers {
                assert!(
                    (0.9..1.25).contains(&(simulated as f64 / paper)),
                    "{name} of {hosts}: {simulated} for {paper}"
                );
            }
            let offers = (hosts - 1) * CHANNELS;
            let tokens = net.tokens().into_iter().max().unwrap_or(0);
            println!(
                "| {hosts} | {name} | {offers}, {:.0} kB | {:.0} MiB, {} | {} | {tokens}, {:.1} MB | {:.2} Gb/s | {:.2} Gb/s | {:.2} Gb/s |",
                (offers * TOKEN) as f64 / 1e3,
                (offers * LOCAL_BYTES) as f64 / f64::from(1 << 20),
                offers * LOCAL_DESCRIPTORS,
                net.neighbours().into_iter().max().unwrap_or(0),
                (tokens * TOKEN) as f64 / 1e6,
                paper * 8.0 / 1e9,
                (simulated * 8) as f64 / 1e9,
                (busiest(hosts) * 8) as f64 / 1e9,
            );
        }
    }
}
