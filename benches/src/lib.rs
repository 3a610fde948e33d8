//! The benches of wheelhouse.
