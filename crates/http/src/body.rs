use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};

/// Knows whether a request was handed to a connection.
///
/// The transport cannot write a request without looking at its body: whether it has ended decides
/// the head. Until that look nothing was written. A request that is given up before it is
/// [withdrawn](Self::withdraw), and a transport that looks later finds a body that fails.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    state: AtomicU8,
    waker: AtomicWaker,
}

const WAITING: u8 = 0;
const HANDED: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Handover {
    /// Notes that the transport takes the request; `false` if it is too late for that.
    fn hand(&self) -> bool {
        match self
            .state
            .compare_exchange(WAITING, HANDED, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => {
                self.waker.wake();
                true
            }
            Err(state) => state == HANDED,
        }
    }

    /// Takes the request back; `false` if a connection has it.
    pub(crate) fn withdraw(&self) -> bool {
        let taken =
            self.state
                .compare_exchange(WAITING, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire);
        taken != Err(HANDED)
    }

    pub(crate) fn poll_handed(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        match self.state.load(Ordering::Acquire) {
            HANDED => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// The body of a request, which tells when it is taken.
#[derive(Debug)]
pub(crate) struct TrackedBody {
    data: Bytes,
    handover: Arc<Handover>,
}

impl TrackedBody {
    pub(crate) fn new(data: Bytes, handover: Arc<Handover>) -> Self {
        Self { data, handover }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.handover.hand() {
            return Poll::Ready(Some(Err(io::Error::other("the request was withdrawn"))));
        }
        if self.data.is_empty() {
            return Poll::Ready(None);
        }
        let data = std::mem::take(&mut self.data);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.handover.hand() && self.data.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_either_handed_over_or_withdrawn() {
        let handover = Arc::new(Handover::default());
        let body = TrackedBody::new(Bytes::new(), handover.clone());
        assert!(body.is_end_stream());
        assert!(!handover.withdraw());

        let handover = Arc::new(Handover::default());
        let mut body = TrackedBody::new(Bytes::from_static(b"x"), handover.clone());
        assert!(handover.withdraw());
        assert!(!body.is_end_stream());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(matches!(
            Pin::new(&mut body).poll_frame(&mut cx),
            Poll::Ready(Some(Err(_)))
        ));
    }
}
