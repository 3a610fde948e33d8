//! Several processes on one data directory: this binary runs itself as the worker.

mod crew;
mod logins;
mod refreshes;
mod relay;
mod worker;
