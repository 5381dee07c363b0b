//! Connections that end in the worst moment: just when the broker has let them in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contracts::topology::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::Stage;
use crate::tally::Treat;

/// `connection.open-ok`, as AMQP 0-9-1 numbers it: the broker has let somebody in.
const OPEN_OK: [u8; 4] = [0, 10, 0, 41];

/// When the first connections end, in microseconds after they were let in.
const MOMENTS: [u64; 6] = [0, 1_000, 5_000, 20_000, 30_000, 40_000];

/// Leads to the broker, and cuts the first connections.
async fn relay(upstream: String) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (upstream, count) = (upstream.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let server = TcpStream::connect(&upstream).await.expect("the broker is there");
                let number = count.fetch_add(1, Ordering::Relaxed);
                let moment = MOMENTS.get(number).copied().map(Duration::from_micros);
                carry(client, server, moment).await;
            });
        }
    });
    address
}

/// Both ways, until one side ends, or so long after the broker has let the client in.
async fn carry(mut client: TcpStream, mut server: TcpStream, moment: Option<Duration>) {
    let (mut to_server, mut to_client) = (vec![0; 65_536], vec![0; 65_536]);
    let mut end = None;
    loop {
        tokio::select! {
            () = async { tokio::time::sleep_until(end.expect("a time")).await }, if end.is_some() => return,
            read = client.read(&mut to_server) => match read {
                Ok(length @ 1..) if server.write_all(&to_server[..length]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut to_client) => match read {
                Ok(length @ 1..) if client.write_all(&to_client[..length]).await.is_ok() => {
                    if to_client[..length].windows(OPEN_OK.len()).any(|window| window == OPEN_OK) {
                        end = moment.map(|moment| tokio::time::Instant::now() + moment);
                    }
                }
                _ => return,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_when_it_has_just_begun_is_built_anew() {
    let stage = Stage::set("cut").await;
    let mut url =
        url::Url::parse(&stage.world.installation.service_url(Service::ShareDispatcher).expect("an address")).expect("a URL");
    let upstream = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let address = relay(upstream).await;
    url.set_port(Some(address.port())).expect("a port");
    let replica = stage.replica_through(url.into());
    stage.send(&["a"], Treat::Well).await;
    stage.all_done_once(&["a"]).await;
    replica.stop().await;
    stage.world.remove().await;
}
