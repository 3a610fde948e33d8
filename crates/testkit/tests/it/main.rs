//! The behaviour of the mock broker and of the suites.
mod conformance;
mod mock;
