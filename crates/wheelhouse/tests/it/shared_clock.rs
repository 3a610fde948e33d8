use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::time::Instant;
use wheelhouse::{Clock, Sleep};
use wheelhouse_sim::Sim;

/// The machine's clock, set forward by what stands in a file: the processes of a test, stopped ones
/// too, have one time, and hours of it pass at once.
#[derive(Clone, Debug)]
pub(crate) struct SharedClock {
    file: PathBuf,
    began: Instant,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where time enters the tests"
)]
impl SharedClock {
    pub(crate) fn in_directory(dir: &Path) -> Self {
        Self {
            file: dir.join("clock"),
            began: Instant::now(),
        }
    }

    /// Lets time pass at the broker, then here.
    pub(crate) fn advance(&self, sim: &Sim, by: Duration) {
        sim.advance(by);
        let draft = self.file.with_extension("draft");
        let millis = self.ahead().as_millis() + by.as_millis();
        std::fs::write(&draft, millis.to_string()).unwrap();
        std::fs::rename(&draft, &self.file).unwrap();
    }

    fn ahead(&self) -> Duration {
        let text = std::fs::read_to_string(&self.file).unwrap_or_else(|_| "0".into());
        Duration::from_millis(text.parse().unwrap())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where time enters the tests"
)]
impl Clock for SharedClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.ahead()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed() + self.ahead()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        let until = self.monotonic() + duration;
        Box::pin(async move {
            loop {
                let left = until.saturating_sub(clock.monotonic());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK)).await;
            }
        })
    }
}

/// How often a sleeper looks whether time has been moved.
const LOOK: Duration = Duration::from_millis(5);
