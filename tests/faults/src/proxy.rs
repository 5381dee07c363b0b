//! A TCP proxy that is the network between two programs: clear, slow, cut, half-open or closed.
//!
//! It is our own: `HAProxy` neither delays nor leaves a connection hanging, and the crates that do
//! are young and large for what is two copy loops.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// After so long keepalives of either end would have given a connection up that hangs.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// The network to one server. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    path: Arc<Path>,
    _open: DropGuard,
}

/// What all connections of a proxy have in common.
#[derive(Debug)]
struct Path {
    upstream: Mutex<SocketAddr>,
    weather: watch::Sender<Weather>,
    /// Cancelled to cut the connections of now; then another takes its place.
    connections: Mutex<Connections>,
}

/// The connections that were opened since the last cut.
#[derive(Debug, Default)]
struct Connections {
    cut: CancellationToken,
    /// Cancelled when they hang: they stay open, and nothing comes through any more.
    hang: CancellationToken,
}

/// How the network is, for connections old and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Clear,
    /// Each piece takes this long, each way.
    Slow(Duration),
    /// Nobody gets through, everybody is told so.
    Closed,
}

impl Proxy {
    /// Opens a way to `upstream` on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("opening a proxy")?;
        let address = listener.local_addr().context("opening a proxy")?;
        let (weather, open) = (watch::Sender::new(Weather::Clear), CancellationToken::new());
        let path =
            Arc::new(Path { upstream: upstream.into(), weather, connections: Mutex::default() });
        tokio::spawn(accept(listener, Arc::clone(&path), open.clone()));
        Ok(Self { address, path, _open: open.drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to another server from now on: one that came back elsewhere.
    pub fn lead_to(&self, upstream: SocketAddr) {
        *lock(&self.path.upstream) = upstream;
    }

    /// Every piece takes this long, each way, on all connections.
    pub fn slow(&self, delay: Duration) {
        self.path.weather.send_replace(Weather::Slow(delay));
    }

    /// Cuts what is open and lets nobody in.
    pub fn close(&self) {
        self.path.weather.send_replace(Weather::Closed);
        self.cut();
    }

    /// All is well again, for new connections and those that were slow.
    pub fn clear(&self) {
        self.path.weather.send_replace(Weather::Clear);
    }

    /// Cuts what is open; who connects anew gets through.
    pub fn cut(&self) {
        std::mem::take(&mut *lock(&self.path.connections)).cut.cancel();
    }

    /// What is open stays open and hangs, as when a firewall forgot it, until keepalives would find
    /// out; who connects anew gets through.
    pub fn half_open(&self) {
        std::mem::take(&mut *lock(&self.path.connections)).hang.cancel();
    }
}

async fn accept(listener: TcpListener, path: Arc<Path>, open: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = open.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else { continue };
        if *path.weather.borrow() == Weather::Closed {
            continue;
        }
        let (cut, hang) = {
            let connections = lock(&path.connections);
            (connections.cut.clone(), connections.hang.clone())
        };
        let (path, open) = (Arc::clone(&path), open.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = open.cancelled() => {}
                () = cut.cancelled() => {}
                () = carry(client, &path, &hang) => {}
            }
        });
    }
}

/// Carries both ways until one side closes.
async fn carry(client: TcpStream, path: &Path, hang: &CancellationToken) {
    let upstream = *lock(&path.upstream);
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    for stream in [&client, &server] {
        // Small pieces must not wait for larger ones: latency is measured through this.
        stream.set_nodelay(true).ok();
    }
    let ((client_reads, client_writes), (server_reads, server_writes)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(client_reads, server_writes, path.weather.subscribe(), hang) => {}
        () = pump(server_reads, client_writes, path.weather.subscribe(), hang) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    hang: &CancellationToken,
) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            // Not even the end comes through.
            () = hang.cancelled() => return tokio::time::sleep(FORGOTTEN).await,
            read = from.read(&mut piece) => read,
        };
        let Ok(length @ 1..) = read else { return };
        let now = *weather.borrow_and_update();
        if let Weather::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if hang.is_cancelled() {
            return tokio::time::sleep(FORGOTTEN).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.into_split();
                    tokio::io::copy(&mut reads, &mut writes).await.ok();
                });
            }
        });
        address
    }

    async fn answers(stream: &mut TcpStream) -> bool {
        if stream.write_all(b"x").await.is_err() {
            return false;
        }
        let mut byte = [0; 1];
        let read =
            tokio::time::timeout(Duration::from_millis(500), stream.read_exact(&mut byte)).await;
        matches!(read, Ok(Ok(_)))
    }

    #[tokio::test]
    async fn each_weather_is_what_it_says() {
        let proxy = Proxy::open(echo().await).await.unwrap();
        let connect = || TcpStream::connect(proxy.address());
        let mut old = connect().await.unwrap();
        assert!(answers(&mut old).await, "clear");
        proxy.slow(Duration::from_millis(40));
        let since = Instant::now();
        assert!(
            answers(&mut old).await && since.elapsed() >= Duration::from_millis(80),
            "slow: each way"
        );
        proxy.clear();
        proxy.half_open();
        let mut new = connect().await.unwrap();
        assert!(!answers(&mut old).await, "the old one hangs");
        assert!(answers(&mut new).await, "a new one gets through");
        proxy.cut();
        assert!(!answers(&mut new).await, "it was cut");
        proxy.close();
        assert!(!answers(&mut connect().await.unwrap()).await, "nobody gets in");
        proxy.clear();
        assert!(answers(&mut connect().await.unwrap()).await, "all is well again");
    }
}
