//! The examples of wheelhouse.
