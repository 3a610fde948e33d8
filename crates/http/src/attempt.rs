use std::{future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use reqwest::{Body, Request, Response, header::HeaderMap};
use url::Url;
use wheelhouse_core::{Clock, ErrorKind};

use crate::{
    Deadlines, Method,
    body::{Handover, TrackedBody},
    client::Shared,
    content::Intake,
    deadlines::within,
    error::{Failure, Sent},
};

/// A request as it goes out.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A whole answer that is not a redirect, not yet looked into.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request once and reads what comes. `until` is when the whole call has to end, in the
/// clock's monotonic time.
pub(crate) async fn exchange(
    shared: &Shared,
    outgoing: Outgoing,
    cap: usize,
    until: Duration,
) -> Result<Reply, Failure> {
    let watch = Watch {
        clock: &*shared.clock,
        deadlines: shared.deadlines,
        until,
    };
    let handover = Arc::new(Handover::default());
    let mut request = Request::new(outgoing.method.to_reqwest(), outgoing.url);
    *request.headers_mut() = outgoing.headers;
    *request.body_mut() = Some(Body::wrap(TrackedBody::new(
        outgoing.body,
        handover.clone(),
    )));

    let response = watch
        .head(shared.transport.execute(request), &handover)
        .await?;
    let status = response.status().as_u16();
    match status {
        100..200 => Err(Failure::new(
            ErrorKind::NotTheProtocol,
            Sent::Answered,
            format!("the server wants to change the protocol (status {status})"),
        )),
        300..400 => Err(Failure::new(
            ErrorKind::OriginRefused,
            Sent::Answered,
            format!("the answer is a redirect (status {status}); redirects are not followed"),
        )),
        _ => watch.body(response, cap).await,
    }
}

struct Watch<'a> {
    clock: &'a dyn Clock,
    deadlines: Deadlines,
    until: Duration,
}

impl Watch<'_> {
    /// Waits for the head of the answer: first for a connection, then for the server.
    async fn head(
        &self,
        execute: impl Future<Output = reqwest::Result<Response>>,
        handover: &Handover,
    ) -> Result<Response, Failure> {
        let outcome = {
            let mut execute = pin!(execute);
            let connected = std::future::poll_fn(|cx| {
                if let Poll::Ready(result) = execute.as_mut().poll(cx) {
                    return Poll::Ready(Some(result));
                }
                handover.poll_handed(cx).map(|()| None)
            });
            let (limit, phase) =
                self.limit(self.deadlines.connect, "connecting (name, TCP or TLS)");
            match within(self.clock, limit, connected).await {
                None => Err((limit, phase)),
                Some(Some(result)) => Ok(result),
                Some(None) => {
                    let (limit, phase) =
                        self.limit(self.deadlines.headers, "waiting for the head of the answer");
                    within(self.clock, limit, execute)
                        .await
                        .ok_or((limit, phase))
                }
            }
        };
        // The exchange is over or dropped here, so that nothing can be written after this look.
        match outcome {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failure::of_exchange(error, sent(handover))),
            Err((limit, phase)) => Err(timeout(sent(handover), limit, phase)),
        }
    }

    async fn body(&self, mut response: Response, cap: usize) -> Result<Reply, Failure> {
        let mut intake = Intake::new(response.headers(), response.content_length(), cap)?;
        loop {
            let (limit, phase) = self.limit(self.deadlines.idle, "reading the body of the answer");
            match within(self.clock, limit, response.chunk()).await {
                None => return Err(timeout(Sent::Answered, limit, phase)),
                Some(Err(error)) => return Err(Failure::of_body(error)),
                Some(Ok(Some(chunk))) => intake.push(chunk)?,
                Some(Ok(None)) => break,
            }
        }
        Ok(Reply {
            status: response.status().as_u16(),
            body: intake.finish()?,
            headers: std::mem::take(response.headers_mut()),
        })
    }

    /// Returns how long a phase may take, and what to call it if it takes longer.
    fn limit(&self, phase: Duration, name: &'static str) -> (Duration, Phase) {
        let left = self.until.saturating_sub(self.clock.monotonic());
        (
            phase.min(left),
            Phase {
                name,
                total: left < phase,
            },
        )
    }
}

#[derive(Clone, Copy)]
struct Phase {
    name: &'static str,
    /// Whether it was the deadline of the whole call that ended it.
    total: bool,
}

fn sent(handover: &Handover) -> Sent {
    if handover.withdraw() {
        Sent::No
    } else {
        Sent::Maybe
    }
}

fn timeout(sent: Sent, limit: Duration, phase: Phase) -> Failure {
    let Phase { name, total } = phase;
    let message = if total {
        format!("the deadline of the whole call passed while {name}")
    } else {
        format!("timed out after {limit:?} while {name}")
    };
    Failure::new(ErrorKind::Timeout, sent, message)
}
