use std::{io, sync::Arc};

use tokio::{
    io::{AsyncWriteExt, split},
    net::TcpStream,
};

use super::{
    ProxyFault, SharedState,
    message::{Message, Reader},
};

const HTML: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n\
    content-length: 69\r\n\r\n\
    <html><head><title>502 Bad Gateway</title></head><body></body></html>";

/// What becomes of the client's connection.
enum Next {
    Close,
    KeepAlive,
    Reset,
}

/// Serves one client until it leaves or a fault ends the connection.
pub(super) async fn serve(client: TcpStream, shared: Arc<SharedState>) {
    // A connection that fails is over; the client sees that by itself.
    let _ = client.set_nodelay(true);
    let (from_client, mut to_client) = split(client);
    let mut requests = Reader::new(from_client);
    let mut server = None;
    loop {
        let request = match requests.request().await {
            Ok(Some(request)) => request,
            _ => return,
        };
        let next = exchange(&request, &mut to_client, &mut server, &shared).await;
        match next {
            Ok(Next::KeepAlive) if !request.last => {}
            Ok(Next::Reset) => {
                let Reader { from, .. } = requests;
                // Closing with nothing to linger for sends a reset.
                let _ = from.unsplit(to_client).set_zero_linger();
                return;
            }
            _ => {
                let _ = to_client.shutdown().await;
                return;
            }
        }
    }
}

type ToClient = tokio::io::WriteHalf<TcpStream>;

async fn exchange(
    request: &Message,
    to_client: &mut ToClient,
    server: &mut Option<Server>,
    shared: &SharedState,
) -> io::Result<Next> {
    let head = request.request();
    let fault = shared.decide(&head);
    if !fault.forwards() {
        if fault == ProxyFault::ResetBeforeForwarding {
            return Ok(Next::Reset);
        }
        to_client.write_all(HTML).await?;
        return Ok(Next::KeepAlive);
    }
    let answer = forward(request, &head.method, server, shared).await?;
    match fault {
        ProxyFault::ResetAfterForwarding => return Ok(Next::Reset),
        ProxyFault::DropAnswer => return Ok(Next::Close),
        ProxyFault::HtmlAfterForwarding => to_client.write_all(HTML).await?,
        ProxyFault::TruncateAnswer => to_client.write_all(&answer.half()).await?,
        ProxyFault::DuplicateAnswer => {
            let twice = [answer.bytes(), answer.bytes()].concat();
            to_client.write_all(&twice).await?;
        }
        ProxyFault::DelayAnswer => {
            late(shared).await;
            to_client.write_all(&answer.bytes()).await?;
        }
        _ => to_client.write_all(&answer.bytes()).await?,
    }
    Ok(if answer.last {
        Next::Close
    } else {
        Next::KeepAlive
    })
}

#[expect(clippy::disallowed_methods, reason = "the client waits in real time")]
async fn late(shared: &SharedState) {
    tokio::time::sleep(shared.plan.late()).await;
}

/// A connection to the server that is kept for the next request.
struct Server {
    reader: Reader<tokio::io::ReadHalf<TcpStream>>,
    writer: tokio::io::WriteHalf<TcpStream>,
}

async fn forward(
    request: &Message,
    method: &str,
    server: &mut Option<Server>,
    shared: &SharedState,
) -> io::Result<Message> {
    let mut connection = match server.take() {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(shared.server).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = split(stream);
            let reader = Reader::new(reader);
            Server { reader, writer }
        }
    };
    connection.writer.write_all(&request.bytes()).await?;
    let answer = connection.reader.answer(method).await?;
    if !answer.last {
        *server = Some(connection);
    }
    Ok(answer)
}
