//! The only place that connects: finds the addresses of a host, keeps those that may be reached
//! and connects to one of them. There is no second lookup, so a name cannot change in between, and
//! an address in a URL goes the same way.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::address::{AddressClass, reachable};
use crate::error::{Error, Phase, SetupError, TlsFault};
use crate::lookup::Lookup;
use crate::settings::{EgressSettings, milliseconds};
use crate::tls;

/// So many of a name's addresses are tried.
const TRIED: usize = 6;
/// The next address is tried after this time, beside the one before (RFC 8305).
const NEXT_AFTER: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    settings: Arc<EgressSettings>,
    lookup: Arc<dyn Lookup>,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(
        settings: Arc<EgressSettings>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, SetupError> {
        let tls = TlsConnector::from(Arc::new(tls::config(&settings.ca_file)?));
        Ok(Self(Arc::new(Inner { settings, lookup, tls })))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Wire;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.connect(&uri).await })
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri) -> Result<Wire, Error> {
        let is_plain = uri.scheme_str() != Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let host = host.strip_suffix('.').unwrap_or(host);
        let told = uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });

        let addresses = self.addresses(host, is_plain, &told).await?;
        let until = Instant::now() + milliseconds(self.settings.connect_timeout_ms);
        let late = |phase| Error::TimedOut { host: told.clone(), phase };
        let stream = timeout_at(until, first_connected(&addresses, port))
            .await
            .map_err(|_| late(Phase::Connect))?
            .map_err(|error| Error::NotConnected { host: told.clone(), kind: error.kind() })?;
        // small requests, each of which waits for its answer
        let _ = stream.set_nodelay(true);
        if is_plain {
            return Ok(Wire(Box::new(TokioIo::new(stream))));
        }
        let failed = |fault| Error::Tls { host: told.clone(), fault };
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| failed(TlsFault::WrongName))?;
        let stream = timeout_at(until, self.tls.connect(name, stream))
            .await
            .map_err(|_| late(Phase::Tls))?
            .map_err(|error| failed(tls::fault(&error)))?;
        Ok(Wire(Box::new(TokioIo::new(stream))))
    }

    /// The addresses of a host that may be reached, at least one.
    async fn addresses(
        &self,
        host: &str,
        is_plain: bool,
        told: &str,
    ) -> Result<Vec<IpAddr>, Error> {
        let found = if let Ok(address) = host.parse() {
            vec![address]
        } else {
            let within = milliseconds(self.settings.lookup_timeout_ms);
            timeout(within, self.lookup.lookup(host))
                .await
                .map_err(|_| Error::TimedOut { host: told.to_owned(), phase: Phase::Lookup })?
                .unwrap_or_default()
        };
        chosen(found, is_plain, &self.settings).map_err(|class| match class {
            Some(class) => Error::RefusedAddress { host: told.to_owned(), class },
            None => Error::NameNotFound { host: told.to_owned() },
        })
    }
}

/// Of the addresses that were found, those that may be reached, and of these the first; the class
/// of one that may not be, if that leaves none.
fn chosen(
    found: Vec<IpAddr>,
    is_plain: bool,
    settings: &EgressSettings,
) -> Result<Vec<IpAddr>, Option<AddressClass>> {
    let mut refused = None;
    let mut kept = Vec::new();
    for address in found {
        match reachable(address, is_plain, settings.networks()) {
            Ok(address) if kept.contains(&address) => {}
            Ok(address) => kept.push(address),
            Err(class) => refused = refused.or(Some(class)),
        }
    }
    kept.truncate(TRIED);
    if kept.is_empty() { Err(refused) } else { Ok(kept) }
}

/// The first connection that comes about; each address gets a start before the next is tried.
async fn first_connected(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut left = addresses.iter();
    let mut open = FuturesUnordered::new();
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(address) = left.next() {
            open.push(TcpStream::connect(SocketAddr::new(*address, port)));
        } else if open.is_empty() {
            return Err(failed);
        }
        tokio::select! {
            Some(done) = open.next() => match done {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            },
            () = sleep(NEXT_AFTER) => {}
        }
    }
}

trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// A connection to a checked address, with TLS or without.
pub(crate) struct Wire(Box<dyn Io>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(context)
    }
}
