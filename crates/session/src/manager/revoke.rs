use std::{sync::Arc, time::Duration};

use wheelhouse_core::Result;

use super::Shared;
use crate::{Authenticator, Grant};

/// Ends a session at the broker. If that fails for now it is tried again in the background, for some
/// minutes or as late as the broker asks, and as long as the process lives: nobody else knows the
/// tokens any more.
pub(crate) async fn revoke(
    shared: &Arc<Shared>,
    authenticator: &Arc<dyn Authenticator>,
    grant: Arc<Grant>,
) -> Result<()> {
    let revoked = authenticator.revoke(&grant).await;
    if let Err(error) = &revoked
        && let Some(asked) = error.retry_after()
    {
        let (shared, authenticator) = (Arc::clone(shared), Arc::clone(authenticator));
        tokio::spawn(async move { again(&shared, &*authenticator, &grant, asked).await });
    }
    revoked
}

async fn again(
    shared: &Shared,
    authenticator: &dyn Authenticator,
    grant: &Grant,
    mut asked: Duration,
) {
    for pause in PAUSES {
        shared
            .clock
            .sleep(pause.max(asked.min(LONGEST_ASKED)))
            .await;
        match authenticator.revoke(grant).await {
            Ok(()) => return,
            Err(error) => match error.retry_after() {
                Some(wait) => asked = wait,
                None => break,
            },
        }
    }
    tracing::warn!(broker = %authenticator.broker(), "an ended session was not revoked");
}

const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
    Duration::from_secs(64),
    Duration::from_secs(256),
];
/// The longest wait that a broker is believed.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);
