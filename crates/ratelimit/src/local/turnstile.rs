use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Semaphore;

use crate::Priority;

/// The line in front of one bucket: first come, first served, reserved calls before normal ones.
#[derive(Debug)]
pub(super) struct Turnstile {
    normal: Line,
    reserved: Line,
}

#[derive(Debug)]
struct Line {
    waiting: AtomicU32,
    head: Semaphore,
}

impl Turnstile {
    pub(super) fn new() -> Self {
        let line = || Line {
            waiting: AtomicU32::new(0),
            head: Semaphore::new(1),
        };
        Self {
            normal: line(),
            reserved: line(),
        }
    }

    /// Returns whether a call that has just come may be tried, or must go to the end of the line.
    pub(super) fn open_to_newcomer(&self, priority: Priority) -> bool {
        match priority {
            Priority::Normal => self.normal.is_empty() && self.reserved.is_empty(),
            Priority::Reserved => self.reserved.is_empty(),
        }
    }

    /// Returns whether the head of the line may be tried.
    pub(super) fn open_to_head(&self, priority: Priority) -> bool {
        priority == Priority::Reserved || self.reserved.is_empty()
    }

    /// Returns how many wait before a call that comes now.
    pub(super) fn ahead(&self, priority: Priority) -> u32 {
        let reserved = self.reserved.waiting.load(Ordering::Acquire);
        match priority {
            Priority::Normal => reserved + self.normal.waiting.load(Ordering::Acquire),
            Priority::Reserved => reserved,
        }
    }

    /// Joins the line; dropping the place leaves it.
    pub(super) fn join(&self, priority: Priority) -> Place<'_> {
        let line = match priority {
            Priority::Normal => &self.normal,
            Priority::Reserved => &self.reserved,
        };
        line.waiting.fetch_add(1, Ordering::AcqRel);
        Place { line }
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }
}

#[derive(Debug)]
pub(super) struct Place<'a> {
    line: &'a Line,
}

impl Place<'_> {
    /// Waits to be at the head. The permit is given back when the head has taken its call.
    pub(super) async fn head(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.line.head.acquire().await.ok()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
