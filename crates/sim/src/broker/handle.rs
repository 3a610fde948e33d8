//! The strings that every broker's handle has.

/// Gives a handle with a field `running` what all of them can do.
macro_rules! handle {
    ($handle:ident, $origin:literal) => {
        impl $handle {
            /// Where it listens.
            #[must_use]
            pub fn addr(&self) -> std::net::SocketAddr {
                self.running.addr()
            }

            #[doc = concat!("Scheme, host and port: `", $origin, "`.")]
            #[must_use]
            pub fn origin(&self) -> String {
                format!("http://{}", self.addr())
            }

            /// What really happened.
            #[must_use]
            pub fn ledger(&self) -> &Ledger {
                self.running.ledger()
            }

            /// What goes wrong from now on.
            #[must_use]
            pub fn faults(&self) -> &$crate::Faults {
                self.running.faults()
            }

            pub(crate) fn settle(&self) {
                drop(self.running.settled());
            }

            pub(crate) async fn shutdown(&self) {
                self.running.shutdown().await;
            }
        }

        impl std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($handle))
                    .field("addr", &self.addr())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use handle;
