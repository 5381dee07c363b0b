//! The consuming connection's socket: read only as far as the [`FetchBudget`] goes. All else is the
//! client library's own, TLS included.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio, TokioRuntime};
use broker_address::BrokerAddress;
use futures_util::Stream;
use futures_util::io::{AsyncRead, AsyncWrite};
use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};

use crate::run::fetch_budget::FetchBudget;

/// Connects as [`broker_address::connect`] does, and reads within `budget`.
///
/// # Errors
/// An address that is none, or whatever the client library says.
pub(crate) async fn connect(
    url: &str,
    properties: ConnectionProperties,
    budget: FetchBudget,
) -> lapin::Result<Connection> {
    let address = BrokerAddress::read(url)?;
    let uri: AMQPUri = address.uri().parse().map_err(io::Error::other)?;
    let (tokio, tls) = (Tokio::current(), address.tls().clone());
    let reactor = BudgetedReactor { tokio: tokio.clone(), budget: budget.clone() };
    let runtime = Runtime::new(RuntimeParts::new(tokio.clone(), reactor));
    let inner = TokioRuntime::new(tokio);
    let open = async move |uri: AMQPUri, _: Runtime<RuntimeParts<Tokio, BudgetedReactor>>| {
        let stream = uri.connect_with_config_async(tls.as_ref(), &inner).await?;
        Ok(AsyncTcpStream::Plain(Budgeted { stream, budget: budget.clone() }))
    };
    Connection::connector(uri, runtime, open, properties).await
}

/// Tokio's reactor, whose sockets are read within a budget.
#[derive(Clone, Debug)]
struct BudgetedReactor {
    tokio: Tokio,
    budget: FetchBudget,
}

type Socket = AsyncTcpStream<<Tokio as Reactor>::TcpStream>;

impl Reactor for BudgetedReactor {
    type TcpStream = Budgeted;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.tokio.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.tokio.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.tokio.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Budgeted>> + Send + 'static {
        let (connecting, budget) = (self.tokio.tcp_connect_addr(address), self.budget.clone());
        async move { Ok(Budgeted { stream: AsyncTcpStream::Plain(connecting.await?), budget }) }
    }
}

/// A socket that is read within a budget. What is written is not counted.
struct Budgeted {
    stream: Socket,
    budget: FetchBudget,
}

impl AsyncRead for Budgeted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.budget.poll_allowance(context, buffer.len()));
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer[..allowed]))?;
        self.budget.take(read);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for Budgeted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
