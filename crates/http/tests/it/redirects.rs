use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_http::Sent;

use crate::{
    peer::{Peer, ok},
    support::{PLACE, READ, call},
};

#[tokio::test]
async fn sup_2_no_redirect_is_followed_and_no_body_is_sent_again() {
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        for endpoint in [&READ, &PLACE] {
            let foreign = Peer::answering(vec![ok()]).await;
            let own = Peer::answering(vec![
                format!(
                    "HTTP/1.1 {status} x\r\nlocation: {}/stolen?t=1\r\ncontent-length: 0\r\n\r\n",
                    foreign.url()
                )
                .into_bytes(),
            ])
            .await;
            let error = call(&own.url(), endpoint).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.sent()),
                (ErrorKind::OriginRefused, Sent::Answered)
            );
            let effect = if endpoint.operation() == "place" {
                Effect::MaybeApplied
            } else {
                Effect::None
            };
            assert_eq!(error.error().effect(), effect);
            assert_eq!(own.journal.count(), 1);
            assert_eq!(foreign.journal.connections(), 0);
            assert!(!format!("{error:?}").contains("stolen"));
        }
    }
}

#[tokio::test]
async fn f16_a_redirect_to_the_same_host_is_refused_too() {
    let answer = "HTTP/1.1 307 x\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    let peer = Peer::answering(vec![answer.as_bytes().to_vec(), ok()]).await;
    assert_eq!(
        call(&peer.url(), &READ).await.unwrap_err().error().code(),
        2005
    );
    assert_eq!(peer.journal.count(), 1);
}
