use std::{
    fmt::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, NoSubscriber},
};

/// Keeps everything that this thread logs through `tracing`, at every level, with all fields of
/// events and spans.
///
/// It ends when it is dropped. A runtime of one thread logs on the thread that runs it.
///
/// ```
/// use wheelhouse_testkit::LogCapture;
///
/// let logs = LogCapture::start();
/// tracing::debug!(order = 7, "placed");
/// assert!(logs.text().contains("placed"));
/// assert!(logs.text().contains("order=7"));
/// ```
pub struct LogCapture {
    text: Arc<Mutex<String>>,
    _default: DefaultGuard,
    _other: Dispatch,
}

impl LogCapture {
    /// Starts to keep what this thread logs.
    pub fn start() -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let keeper = Keeper {
            text: text.clone(),
            last_span: AtomicU64::new(0),
        };
        Self {
            text,
            // While there is but one subscriber in the process, `tracing` lets whichever thread comes
            // to an event first decide for all threads whether it is kept.
            _other: Dispatch::new(NoSubscriber::new()),
            _default: tracing::subscriber::set_default(keeper),
        }
    }

    /// Returns what was logged so far, a line for each event and span.
    pub fn text(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }
}

impl fmt::Debug for LogCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogCapture({} bytes)", self.text().len())
    }
}

struct Keeper {
    text: Arc<Mutex<String>>,
    last_span: AtomicU64,
}

impl Keeper {
    fn keep(&self, what: &str, metadata: Option<&Metadata<'_>>, record: impl Fn(&mut Line)) {
        let mut line = Line(what.to_owned());
        if let Some(metadata) = metadata {
            line.0.push_str(metadata.target());
            line.0.push(' ');
            line.0.push_str(metadata.name());
        }
        record(&mut line);
        line.0.push('\n');
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&line.0);
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep("span ", Some(span.metadata()), |line| span.record(line));
        Id::from_u64(self.last_span.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.keep("span gets", None, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep("event ", Some(event.metadata()), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.0, " {field}={value}");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}
