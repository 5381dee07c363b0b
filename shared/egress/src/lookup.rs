//! Names to addresses.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// What a lookup comes to: all addresses of a name, the preferred first.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name. Whether they may be reached is not its business.
pub trait Lookup: Send + Sync + 'static {
    fn lookup<'a>(&'a self, name: &'a str) -> Addresses<'a>;
}

/// So many names are looked up at once: each takes a thread of those that the runtime keeps for
/// what blocks, and name servers that hang must not take them all.
const AT_ONCE: usize = 64;

/// The system's own resolver, with its hosts file and search domains.
#[derive(Clone, Debug)]
pub struct SystemLookup(Arc<Semaphore>);

impl Default for SystemLookup {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> Addresses<'a> {
        let places = Arc::clone(&self.0);
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let name = name.to_owned();
            let asked = tokio::task::spawn_blocking(move || {
                // until the thread is free again, however long the caller waits
                let _place = place;
                (name, 0).to_socket_addrs().map(|found| found.map(|it| it.ip()).collect())
            });
            asked.await.map_err(io::Error::other)?
        })
    }
}
