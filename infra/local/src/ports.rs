//! Free TCP ports on loopback.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use crate::error::{During, Result};
use crate::secret;

const CANDIDATES: RangeInclusive<u16> = 12_000..=31_999;

/// What this process handed out already: between choosing a port and a server's listening on it
/// lie seconds, in which the next caller must not get the same one.
static HANDED_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Finds `N` different ports nobody listens on.
///
/// They lie outside the range from which the kernel takes the near end of outgoing connections:
/// `RabbitMQ` listens some ten seconds after its ports were chosen, and a busy test takes
/// hundreds of those meanwhile.
///
/// # Errors
/// When loopback has no port left.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let outgoing = outgoing_range();
    let mut handed_out = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = [0; N];
    for slot in &mut found {
        let mut port = None;
        for candidate in candidates() {
            if !outgoing.contains(&candidate)
                && !handed_out.contains(&candidate)
                && is_free(candidate)
            {
                port = Some(candidate);
                break;
            }
        }
        *slot = match port {
            Some(port) => port,
            None => any_port()?,
        };
        handed_out.insert(*slot);
    }
    Ok(found)
}

fn candidates() -> HashSet<u16> {
    let span = u32::from(CANDIDATES.end() - CANDIDATES.start()) + 1;
    let random = secret::random_bytes();
    random
        .chunks_exact(4)
        .filter_map(|four| <[u8; 4]>::try_from(four).ok())
        .filter_map(|four| u16::try_from(u32::from_le_bytes(four) % span).ok())
        .map(|offset| CANDIDATES.start() + offset)
        .collect()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).during("finding a free port on 127.0.0.1")?;
    Ok(listener.local_addr().during("reading the address of a free port")?.port())
}

fn outgoing_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = text.split_whitespace().filter_map(|bound| bound.parse().ok());
    match (bounds.next(), bounds.next()) {
        (Some(low), Some(high)) => low..=high,
        _ => 32_768..=60_999,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn ports_are_different_and_free() {
        let ports: [u16; 20] = free().unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 20, "{ports:?}");
        let answered =
            ports.iter().find(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, **port)).is_ok());
        assert_eq!(answered, None, "somebody listens there");
    }
}
