use proptest::prelude::*;

use super::*;

const NONE: Networks<'static> = Networks { allow: &[], refuse: &[], plain_http: &[] };

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    use AddressClass::{
        Benchmarking, Broadcast, Documentation, LinkLocal, Loopback, Multicast, Private, Reserved,
        Shared, SiteLocal, Translated, UniqueLocal, Unspecified,
    };
    let table = [
        ("0.0.0.0", Unspecified),
        ("0.0.0.1", Reserved),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("100.64.0.0", Shared),
        ("100.127.255.255", Shared),
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("169.254.169.254", LinkLocal),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("192.0.0.8", Reserved),
        ("192.0.2.1", Documentation),
        ("192.88.99.1", Translated),
        ("192.168.0.1", Private),
        ("198.18.0.1", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("198.51.100.1", Documentation),
        ("203.0.113.1", Documentation),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.1", Reserved),
        ("255.255.255.254", Reserved),
        ("255.255.255.255", Broadcast),
        ("::", Unspecified),
        ("::1", Loopback),
        ("::2", Translated),
        ("::8.8.8.8", Translated),
        ("::ffff:0.0.0.0", Unspecified),
        ("::ffff:10.0.0.1", Private),
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:169.254.169.254", LinkLocal),
        ("::ffff:0:8.8.8.8", Translated),
        ("64:ff9b::10.0.0.1", Translated),
        ("64:ff9b::127.0.0.1", Translated),
        ("64:ff9b::0.0.0.0", Translated),
        ("64:ff9b::169.254.169.254", Translated),
        ("64:ff9b::1:808:808", Reserved),
        ("64:ff9b:1::8.8.8.8", Translated),
        ("64:ff9b:1:ffff::1", Translated),
        ("64:ff9b:2::1", Reserved),
        ("100::1", Reserved),
        ("2001::1", Translated),
        ("2001:0:1::1", Translated),
        ("2001:1::1", Reserved),
        ("2001:2::1", Benchmarking),
        ("2001:10::1", Reserved),
        ("2001:20::1", Reserved),
        ("2001:1ff::1", Reserved),
        ("2001:db8::1", Documentation),
        ("2002:808:808::1", Translated),
        ("2002:a00:1::1", Translated),
        ("3ffe::1", Reserved),
        ("3fff::1", Documentation),
        ("3fff:fff::1", Documentation),
        ("4000::1", Reserved),
        ("5f00::1", Reserved),
        ("fc00::1", UniqueLocal),
        ("fdff::1", UniqueLocal),
        ("fe00::1", Reserved),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", SiteLocal),
        ("feff::1", SiteLocal),
        ("ff02::1", Multicast),
        ("ff0e::1", Multicast),
    ];
    for (text, class) in table {
        assert_eq!(reachable(address(text), false, NONE), Err(class), "{text}");
    }
}

#[test]
fn public_addresses_are_reached() {
    let table = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:db7::1",
        "2001:db9::1",
        "2003::1",
        "2606:4700:4700::1111",
        "3fff:1000::1",
        "64:ff9b::8.8.8.8",
    ];
    for text in table {
        assert_eq!(reachable(address(text), false, NONE), Ok(address(text)), "{text}");
    }
    // the address that is connected to has no second spelling
    assert_eq!(reachable(address("::ffff:8.8.8.8"), false, NONE), Ok(address("8.8.8.8")));
}

#[test]
fn what_the_operator_allows_is_reached() {
    let all = nets(&["0.0.0.0/0", "::/0"]);
    let few = nets(&["10.1.0.0/16", "fd00:1::/32"]);
    let allow = |allow| Networks { allow, ..NONE };
    for text in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::1"] {
        assert!(reachable(address(text), false, allow(&few)).is_ok(), "{text}");
    }
    // not by way of a translator: who named a network did not name that
    for text in ["10.2.0.1", "fd00:2::1", "64:ff9b::10.1.2.3", "2002:a01:203::1"] {
        assert!(reachable(address(text), false, allow(&few)).is_err(), "{text}");
    }
    for text in ["127.0.0.1", "169.254.169.254", "::1", "fe80::1"] {
        assert!(reachable(address(text), false, allow(&all)).is_ok(), "{text}");
    }
    for text in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"] {
        assert!(reachable(address(text), false, allow(&all)).is_err(), "{text}");
    }
}

#[test]
fn what_the_operator_refuses_is_not_reached() {
    let refuse = nets(&["8.8.8.0/24", "2606::/16", "10.1.0.0/16"]);
    let allow = nets(&["10.0.0.0/8"]);
    let networks = Networks { allow: &allow, refuse: &refuse, plain_http: &[] };
    for text in ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700::1", "10.1.0.1"] {
        let refused = reachable(address(text), false, networks);
        assert_eq!(refused, Err(AddressClass::Refused), "{text}");
    }
    for text in ["8.8.4.4", "10.2.0.1"] {
        assert!(reachable(address(text), false, networks).is_ok(), "{text}");
    }
}

#[test]
fn http_is_enough_only_where_it_is_named() {
    let plain_http = nets(&["10.1.0.0/16", "9.9.9.9/32"]);
    let allow = nets(&["10.0.0.0/8"]);
    let networks = Networks { allow: &allow, refuse: &[], plain_http: &plain_http };
    let table = [
        ("10.1.0.1", Ok(address("10.1.0.1"))),
        ("9.9.9.9", Ok(address("9.9.9.9"))),
        ("10.2.0.1", Err(AddressClass::HttpsOnly)),
        ("8.8.8.8", Err(AddressClass::HttpsOnly)),
        ("192.168.0.1", Err(AddressClass::Private)),
    ];
    for (text, expected) in table {
        assert_eq!(reachable(address(text), true, networks), expected, "{text}");
    }
    // to be named for http is not to be allowed
    let networks = Networks { allow: &[], ..networks };
    let refused = reachable(address("10.1.0.1"), true, networks);
    assert_eq!(refused, Err(AddressClass::Private));
}

proptest! {
    /// An IPv4 address is judged alike in each spelling that means it.
    #[test]
    fn every_spelling_of_an_ipv4_address_is_judged_alike(bits: u32) {
        let plain = Ipv4Addr::from_bits(bits);
        let judged = reachable(plain.into(), false, NONE);
        prop_assert_eq!(judged, reachable(plain.to_ipv6_mapped().into(), false, NONE));
        let behind = Ipv6Addr::from_bits(NAT64.network().to_bits() | u128::from(bits));
        prop_assert_eq!(judged.is_ok(), reachable(behind.into(), false, NONE).is_ok());
    }

    /// What the standard library knows to be special is never reached.
    #[test]
    fn nothing_that_the_standard_library_calls_special_is_reached(bits: u32) {
        let it = Ipv4Addr::from_bits(bits);
        let special = it.is_private()
            || it.is_loopback()
            || it.is_link_local()
            || it.is_broadcast()
            || it.is_documentation()
            || it.is_multicast()
            || it.is_unspecified();
        if special {
            prop_assert!(reachable(it.into(), false, NONE).is_err());
        }
    }

    /// Of IPv6, only global unicast and what stands for public IPv4 is reached.
    #[test]
    fn only_global_unicast_is_reached(bits: u128) {
        let it = Ipv6Addr::from_bits(bits);
        if let Ok(IpAddr::V6(reached)) = reachable(it.into(), false, NONE) {
            prop_assert_eq!(reached, it);
            prop_assert!(reached.segments()[0] >> 13 == 1 || NAT64.contains(&reached));
        }
    }

    /// More is reached only inside the networks that are allowed, and less inside the refused.
    #[test]
    fn settings_change_nothing_outside_their_networks(
        bits: u32,
        network: u32,
        length in 0_u8..=32,
    ) {
        let net = [IpNet::from(Ipv4Net::new(Ipv4Addr::from_bits(network), length).unwrap())];
        let it = IpAddr::from(Ipv4Addr::from_bits(bits));
        let before = reachable(it, false, NONE);
        let allowed = reachable(it, false, Networks { allow: &net, ..NONE });
        let refused = reachable(it, false, Networks { refuse: &net, ..NONE });
        if net[0].contains(&it) {
            prop_assert_eq!(refused, Err(AddressClass::Refused));
        } else {
            prop_assert_eq!(before, allowed);
            prop_assert_eq!(before, refused);
        }
    }
}
