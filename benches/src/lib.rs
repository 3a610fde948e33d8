//! Measures wheelhouse against a floor in the same run, as ratios. Nothing here fails a build; the
//! figures are for reading.
//!
//! ```sh
//! cargo bench -p wheelhouse-benches
//! cargo bench -p wheelhouse-benches -- --quick   # shows only that they run
//! ```

pub mod loopback;
pub mod plain;
pub mod robinhood;

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

/// How many calls to make of ours alone, for a profiler: `--only 1000`.
pub fn only() -> Option<u32> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--only");
    arguments.nth(1)?.parse().ok()
}

/// What a round of work took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of the processor, by this process. Zero where the system does not tell.
    pub cpu: Duration,
}

impl Took {
    /// Returns what each of `calls` took on average.
    #[must_use]
    pub fn of_each(self, calls: u32) -> Self {
        Self {
            wall: self.wall / calls,
            cpu: self.cpu / calls,
        }
    }

    /// Times `work` on this thread.
    pub fn of(work: impl FnOnce()) -> Self {
        let watch = Watch::start();
        work();
        watch.stop()
    }

    /// Times `work` on this thread; give it a runtime that stays on it.
    pub async fn of_async<F: Future>(work: F) -> (Self, F::Output) {
        let watch = Watch::start();
        let output = work.await;
        (watch.stop(), output)
    }
}

struct Watch {
    wall: Instant,
    cpu: Duration,
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
impl Watch {
    fn start() -> Self {
        Self {
            cpu: process_cpu(),
            wall: Instant::now(),
        }
    }

    fn stop(self) -> Took {
        Took {
            wall: self.wall.elapsed(),
            cpu: process_cpu().saturating_sub(self.cpu),
        }
    }
}

/// Rounds of one thing beside rounds of its floor, taken in turn so that both have the same weather.
#[derive(Debug, Default)]
pub struct Compared {
    ours: Vec<Took>,
    floor: Vec<Took>,
}

impl Compared {
    /// Adds a round of each.
    pub fn add(&mut self, ours: Took, floor: Took) {
        self.ours.push(ours);
        self.floor.push(floor);
    }

    /// Returns the ratio of the median wall times.
    pub fn wall(&self) -> f64 {
        ratio(&self.ours, &self.floor, |took| took.wall)
    }

    /// Returns the ratio of the median processor times, `None` where the system does not tell.
    pub fn cpu(&self) -> Option<f64> {
        let told = self.floor.iter().all(|took| !took.cpu.is_zero());
        told.then(|| ratio(&self.ours, &self.floor, |took| took.cpu))
    }

    /// Returns the median round of ours and of the floor, by wall time.
    pub fn medians(&self) -> (Duration, Duration) {
        (
            median(&self.ours, |took| took.wall),
            median(&self.floor, |took| took.wall),
        )
    }

    /// Returns the medians of both by processor time.
    pub fn cpu_medians(&self) -> (Duration, Duration) {
        (
            median(&self.ours, |took| took.cpu),
            median(&self.floor, |took| took.cpu),
        )
    }

    /// Tells whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.floor.is_empty()
    }
}

/// How many rounds to take: `full`, or two if the program was called with `--quick`, which shows
/// that a bench runs and gives no figure worth reading.
pub fn rounds(full: usize) -> usize {
    if is_quick() { full.min(2) } else { full }
}

/// How many calls make a round: `full`, or five if the program was called with `--quick`.
pub fn calls(full: u32) -> u32 {
    if is_quick() { full.min(5) } else { full }
}

/// Tells whether the program was called with `--quick`.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// Prints one line of the report: a figure beside its target.
#[expect(clippy::print_stdout, reason = "it reports")]
pub fn report(subject: impl fmt::Display, figure: f64, target: f64, unit: &str) {
    let verdict = match figure <= target {
        _ if is_quick() => "not judged",
        true => "met",
        false => "MISSED",
    };
    println!("{subject:<58} {figure:>8.2} {unit:<6} target {target:>6.2}  {verdict}");
}

/// The highest resident memory that a process has had so far, in bytes, where the system tells.
pub fn peak_resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A TradeLocker positions answer of `rows` rows, as the wire has it.
pub fn positions_body(rows: usize) -> String {
    let mut body = String::with_capacity(rows * 140 + 64);
    body.push_str(r#"{"s":"ok","d":{"positions":["#);
    for row in 0..rows {
        if row > 0 {
            body.push(',');
        }
        let id = 7_100_000_000_846_000_000_u64 + row as u64;
        let side = if row % 3 == 0 { "sell" } else { "buy" };
        body.push_str(&format!(
            r#"["{id}","278","2004","{side}","0.{:02}","1.0{:04}",null,"{}","17000{:08}","-{}.{:02}","WHL-A{row}"]"#,
            row % 90 + 10,
            row % 10_000,
            id + 17,
            row,
            row % 500,
            row % 100,
        ));
    }
    body.push_str("]}}");
    body
}

fn ratio(ours: &[Took], floor: &[Took], of: fn(&Took) -> Duration) -> f64 {
    median(ours, of).as_secs_f64() / median(floor, of).as_secs_f64()
}

fn median(rounds: &[Took], of: fn(&Took) -> Duration) -> Duration {
    let mut all: Vec<Duration> = rounds.iter().map(of).collect();
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Of all its threads together; those that have ended are not counted, and nothing here starts any.
fn process_cpu() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let nanos = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_ascii_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
