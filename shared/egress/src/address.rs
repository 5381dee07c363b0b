//! May this address be reached?
//!
//! By the registries of special-purpose addresses (RFC 6890 and what IANA added since). Of IPv6
//! only what is given out as global unicast is reached at all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why an address is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// `0.0.0.0`, `::`; never reached, whatever is allowed.
    Unspecified,
    Loopback,
    /// RFC 1918.
    Private,
    /// Of a carrier's NAT, `100.64.0.0/10`.
    Shared,
    LinkLocal,
    /// IPv6's private addresses, `fc00::/7`.
    UniqueLocal,
    /// What came before them, `fec0::/10`.
    SiteLocal,
    Benchmarking,
    Documentation,
    /// Never reached, whatever is allowed.
    Multicast,
    /// Never reached, whatever is allowed.
    Broadcast,
    /// IPv6 that stands for an IPv4 address which may not be reached, or which nobody can check:
    /// NAT64, 6to4, Teredo, IPv4-compatible.
    Translated,
    /// Not given out, or for protocols alone.
    Reserved,
    /// Public, and among the operator's `refuse`.
    Refused,
    /// May be reached with `https`, and not with `http`.
    HttpsOnly,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "no address at all",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a shared address behind a carrier's NAT",
            Self::LinkLocal => "a link-local address",
            Self::UniqueLocal => "a unique local address",
            Self::SiteLocal => "a site-local address",
            Self::Benchmarking => "an address for benchmarks",
            Self::Documentation => "an address for documentation",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Translated => "an IPv6 address that stands for an IPv4 address",
            Self::Reserved => "a reserved address",
            Self::Refused => "an address that the operator refuses",
            Self::HttpsOnly => "an address that is reached with https alone",
        })
    }
}

/// What the operator said of networks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Networks<'a> {
    /// May be reached though not public.
    pub allow: &'a [IpNet],
    /// May not be reached though public or allowed.
    pub refuse: &'a [IpNet],
    /// Where `http` is enough.
    pub plain_http: &'a [IpNet],
}

/// The address to connect to, which is the given one in its plain spelling.
///
/// # Errors
///
/// Why it may not be reached.
pub(crate) fn reachable(
    address: IpAddr,
    is_plain: bool,
    networks: Networks<'_>,
) -> Result<IpAddr, AddressClass> {
    let within = |nets: &[IpNet], address: IpAddr| nets.iter().any(|net| net.contains(&address));
    let address = address.to_canonical();
    let behind = translated(address).map(IpAddr::V4);
    if within(networks.refuse, address) || behind.is_some_and(|it| within(networks.refuse, it)) {
        return Err(AddressClass::Refused);
    }
    if let Some(class) = class(address) {
        let never = [AddressClass::Unspecified, AddressClass::Multicast, AddressClass::Broadcast];
        if never.contains(&class) || !within(networks.allow, address) {
            return Err(class);
        }
    }
    if is_plain && !within(networks.plain_http, address) {
        return Err(AddressClass::HttpsOnly);
    }
    Ok(address)
}

/// What kind of address it is; nothing for a public one.
fn class(address: IpAddr) -> Option<AddressClass> {
    let address = address.to_canonical();
    if let Some(behind) = translated(address) {
        return class(IpAddr::V4(behind)).map(|_| AddressClass::Translated);
    }
    let listed = SPECIAL.iter().find(|(net, _)| net.contains(&address)).map(|(_, class)| *class);
    let given_out = address.is_ipv4() || GLOBAL_UNICAST.contains(&address);
    listed.or_else(|| (!given_out).then_some(AddressClass::Reserved))
}

/// The IPv4 address behind the well-known prefix of NAT64 (RFC 6052): networks without IPv4 reach
/// public hosts that way.
fn translated(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
const GLOBAL_UNICAST: IpNet = v6([0x2000, 0, 0], 3);

/// The first that fits counts.
const SPECIAL: [(IpNet, AddressClass); 38] = [
    (v4([0, 0, 0, 0], 32), AddressClass::Unspecified),
    (v4([0, 0, 0, 0], 8), AddressClass::Reserved),
    (v4([10, 0, 0, 0], 8), AddressClass::Private),
    (v4([100, 64, 0, 0], 10), AddressClass::Shared),
    (v4([127, 0, 0, 0], 8), AddressClass::Loopback),
    (v4([169, 254, 0, 0], 16), AddressClass::LinkLocal),
    (v4([172, 16, 0, 0], 12), AddressClass::Private),
    (v4([192, 0, 0, 0], 24), AddressClass::Reserved),
    (v4([192, 0, 2, 0], 24), AddressClass::Documentation),
    (v4([192, 88, 99, 0], 24), AddressClass::Translated),
    (v4([192, 168, 0, 0], 16), AddressClass::Private),
    (v4([198, 18, 0, 0], 15), AddressClass::Benchmarking),
    (v4([198, 51, 100, 0], 24), AddressClass::Documentation),
    (v4([203, 0, 113, 0], 24), AddressClass::Documentation),
    (v4([224, 0, 0, 0], 4), AddressClass::Multicast),
    (v4([255, 255, 255, 255], 32), AddressClass::Broadcast),
    (v4([240, 0, 0, 0], 4), AddressClass::Reserved),
    (v6([0, 0, 0], 128), AddressClass::Unspecified),
    (IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)), AddressClass::Loopback),
    // IPv4-compatible, given up by RFC 4291
    (v6([0, 0, 0], 96), AddressClass::Translated),
    // IPv4-translated, RFC 2765
    (
        IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96)),
        AddressClass::Translated,
    ),
    // a network's own NAT64, RFC 8215
    (v6([0x64, 0xff9b, 1], 48), AddressClass::Translated),
    // to be discarded, RFC 6666
    (v6([0x100, 0, 0], 64), AddressClass::Reserved),
    // Teredo
    (v6([0x2001, 0, 0], 32), AddressClass::Translated),
    (v6([0x2001, 2, 0], 48), AddressClass::Benchmarking),
    // ORCHID, of both versions: names of hosts, not addresses
    (v6([0x2001, 0x10, 0], 28), AddressClass::Reserved),
    (v6([0x2001, 0x20, 0], 28), AddressClass::Reserved),
    (v6([0x2001, 0, 0], 23), AddressClass::Reserved),
    (v6([0x2001, 0xdb8, 0], 32), AddressClass::Documentation),
    // 6to4
    (v6([0x2002, 0, 0], 16), AddressClass::Translated),
    (v6([0x3fff, 0, 0], 20), AddressClass::Documentation),
    // given back when the 6bone ended, RFC 3701
    (v6([0x3ffe, 0, 0], 16), AddressClass::Reserved),
    // SRv6's segments, RFC 9602
    (v6([0x5f00, 0, 0], 16), AddressClass::Reserved),
    (v6([0xfc00, 0, 0], 7), AddressClass::UniqueLocal),
    (v6([0xfe80, 0, 0], 10), AddressClass::LinkLocal),
    (v6([0xfec0, 0, 0], 10), AddressClass::SiteLocal),
    (v6([0xff00, 0, 0], 8), AddressClass::Multicast),
    (v6([0xfe00, 0, 0], 9), AddressClass::Reserved),
];

const fn v4(octets: [u8; 4], length: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(first: [u16; 3], length: u8) -> IpNet {
    let [a, b, c] = first;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length))
}

#[cfg(test)]
mod tests;
