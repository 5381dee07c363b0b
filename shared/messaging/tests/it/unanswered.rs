//! A question that the broker is never asked, though its connection lives: the client library would
//! wait for the answer for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contracts::topology::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::ServiceHarness;
use crate::tally::Treat;

/// `channel.open`, as AMQP 0-9-1 numbers it.
const CHANNEL_OPEN: [u8; 4] = [0, 20, 0, 10];

/// Leads to the broker, and loses the first `channel.open` of all. Says whether it was lost.
async fn relay(upstream: String) -> (std::net::SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let lost = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&lost);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&upstream).await.expect("the broker is there");
            tokio::spawn(carry(client, server, Arc::clone(&said)));
        }
    });
    (address, lost)
}

/// Both ways, heartbeats too, until one side ends.
async fn carry(mut client: TcpStream, mut server: TcpStream, lost: Arc<AtomicBool>) {
    let (mut to_server, mut to_client) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut to_server) => {
                let Ok(length @ 1..) = read else { return };
                let piece = &to_server[..length];
                let asks = piece.windows(CHANNEL_OPEN.len()).any(|window| window == CHANNEL_OPEN);
                if asks && !lost.swap(true, Ordering::Relaxed) {
                    continue;
                }
                if server.write_all(piece).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut to_client) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&to_client[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_question_is_given_up_and_everything_is_built_anew() {
    let stage = ServiceHarness::set("unanswered").await;
    let service_url =
        stage.world.installation.service_url(Service::ShareDispatcher).expect("an address");
    let mut url = url::Url::parse(&service_url).expect("a URL");
    let upstream = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let (address, lost) = relay(upstream).await;
    url.set_port(Some(address.port())).expect("a port");
    let replica = stage.replica_through(url.into());
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    assert!(lost.load(Ordering::Relaxed), "a question was lost");
    replica.stop().await;
    stage.world.remove().await;
}
