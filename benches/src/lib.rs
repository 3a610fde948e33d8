//! Measures wheelhouse against a floor in the same run, as ratios. Nothing here fails a build; the
//! figures are for reading.
//!
//! ```sh
//! cargo bench -p wheelhouse-benches
//! ```

pub mod plain;

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

/// What a round of work took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of the processor, by this thread. Zero where the system does not tell.
    pub cpu: Duration,
}

impl Took {
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
            cpu: thread_cpu(),
            wall: Instant::now(),
        }
    }

    fn stop(self) -> Took {
        Took {
            wall: self.wall.elapsed(),
            cpu: thread_cpu().saturating_sub(self.cpu),
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
}

/// Prints one line of the report: a figure beside its target.
#[expect(clippy::print_stdout, reason = "it reports")]
pub fn report(subject: impl fmt::Display, figure: f64, target: f64, unit: &str) {
    let verdict = if figure <= target { "met" } else { "MISSED" };
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

fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text
        .split_ascii_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
