//! Worker processes fill disjoint rows of one large matrix in parallel.
//!
//! ```text
//! cargo run --release --example matrix         # 4096 x 4096 doubles, a worker for each core
//! cargo run --release --example matrix -- --size 8192 --workers 3
//! ```
//!
//! Two shared arrays: the matrix, into which each worker writes the rows that are its own, without
//! a lock; and a counter, from which the workers take the next rows to do, one atomic addition
//! each.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::process::{Child, Command};
use std::time::Instant;

use ndsharray::{SharedArray, remove_array};

/// Rows that a worker takes at a time.
const BATCH: u32 = 16;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Args {
    /// Rows and columns of the matrix.
    size: usize,
    /// Processes.
    workers: usize,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [role, matrix, next] = words.as_slice()
        && role == "work"
    {
        return work(matrix, next);
    }
    let mut args = Args { size: 4096, workers: std::thread::available_parallelism()?.get() };
    for pair in words.chunks(2) {
        match pair {
            [option, size] if option == "--size" => args.size = size.parse()?,
            [option, workers] if option == "--workers" => args.workers = workers.parse()?,
            _ => return Err("options: --size N, --workers N".into()),
        }
    }
    lead(&args)
}

/// Whatever is expensive to compute.
fn element(row: usize, column: usize) -> f64 {
    let (x, y) = (row as f64, column as f64);
    (x * 0.01).sin() * (y * 0.01).cos() + (x * y * 1e-6).sqrt()
}

fn work(matrix: &str, next: &str) -> Result<()> {
    let matrix = SharedArray::<f64>::open(matrix)?;
    let next = SharedArray::<u64>::open(next)?;
    let &[rows, columns] = matrix.shape() else { return Err("not a matrix".into()) };
    loop {
        let first = usize::try_from(next.fetch_add(0, u64::from(BATCH)))?;
        if first >= rows {
            return Ok(());
        }
        let last = rows.min(first.saturating_add(usize::try_from(BATCH)?));
        // SAFETY: the counter has given these rows to no other worker, and no process looks at them
        // before all workers are done.
        let mine = unsafe { matrix.part_mut_unlocked(first * columns..last * columns) };
        for (row, elements) in (first..).zip(mine.chunks_exact_mut(columns.max(1))) {
            for (column, value) in elements.iter_mut().enumerate() {
                *value = element(row, column);
            }
        }
    }
}

fn lead(args: &Args) -> Result<()> {
    let workers = args.workers.max(1);
    let names = Names::new();
    let matrix = SharedArray::<f64>::create(&names.matrix, &[args.size, args.size])?;
    let _next = SharedArray::<u64>::create(&names.next, &[1])?;

    let start = Instant::now();
    let mut crew = Crew(Vec::new());
    for _ in 0..workers {
        let mut worker = Command::new(std::env::current_exe()?);
        crew.0.push(worker.args(["work", &names.matrix, &names.next]).spawn()?);
    }
    for worker in &mut crew.0 {
        let status = worker.wait()?;
        if !status.success() {
            return Err(format!("a worker ended with {status}").into());
        }
    }
    let elapsed = start.elapsed();

    let elements = matrix.read()?;
    let whole = elements.view();
    for at in (0..args.size).step_by(97) {
        let mirrored = args.size - 1 - at;
        if whole.get(&[at, mirrored]) != Some(&element(at, mirrored)) {
            return Err(format!("element ({at}, {mirrored}) is wrong").into());
        }
    }
    let megabytes = size_of_val(elements.as_slice()) as f64 / 1e6;
    println!("{workers} workers filled {megabytes:.0} MB in {elapsed:.2?}; sum {:.3e}", elements.iter().sum::<f64>());
    Ok(())
}

/// The worker processes; none stays behind when something fails halfway.
struct Crew(Vec<Child>);

impl Drop for Crew {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            // Those that have been waited for are not touched again.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// Names of the arrays, which go with this: an array outlives its handles.
struct Names {
    matrix: String,
    next: String,
}

impl Names {
    fn new() -> Self {
        let id = std::process::id();
        Self { matrix: format!("matrix-{id}"), next: format!("matrix-{id}-next") }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for name in [&self.matrix, &self.next] {
            // It may not have been made.
            let _ = remove_array(name);
        }
    }
}
