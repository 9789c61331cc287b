//! Which addresses a name may lead to.
//!
//! A name that a stranger controls can resolve to anything, so what it resolves to is looked at
//! before a connection is made, and the connection is made to the address that was looked at.
//!
//! Invariant: an address that carries another one inside (IPv4-mapped, NAT64, 6to4, Teredo) is
//! never better than the one it carries.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Why an address is not of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `10/8`, `172.16/12`, `192.168/16`, `fc00::/7`, `fec0::/10`.
    Private,
    /// `169.254/16` and `fe80::/10`, where clouds keep their metadata servers.
    LinkLocal,
    /// The metadata servers that have an address elsewhere: `fd00:ec2::254`, `100.100.100.200`,
    /// `168.63.129.16`.
    Metadata,
    /// `100.64/10`, behind a provider's address translation.
    SharedCarrier,
    /// `224/4`, `ff00::/8`, and the broadcast address.
    Multicast,
    /// Ranges for documentation, measurements and experiments, and what nobody was given.
    Reserved,
}

impl Range {
    /// Whether not even a registry of this machine may be there.
    pub(super) fn is_never_reached(self) -> bool {
        match self {
            Self::LinkLocal | Self::Metadata | Self::Unspecified | Self::Multicast => true,
            Self::Loopback | Self::Private | Self::SharedCarrier | Self::Reserved => false,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "an address of this machine itself",
            Self::Private => "an address of a private network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud's metadata server",
            Self::SharedCarrier => "an address behind a carrier's translation",
            Self::Multicast => "a multicast or broadcast address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Why the address is not of the public internet; `None` if it is.
pub(super) fn range_of(address: IpAddr) -> Option<Range> {
    match address {
        IpAddr::V4(address) => range_of_v4(address),
        IpAddr::V6(address) => range_of_v6(address),
    }
}

fn range_of_v4(address: Ipv4Addr) -> Option<Range> {
    Some(match address.octets() {
        [0, ..] => Range::Unspecified,
        [100, 100, 100, 200] | [168, 63, 129, 16] => Range::Metadata,
        [127, ..] => Range::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Range::Private,
        [169, 254, ..] => Range::LinkLocal,
        [100, 64..=127, ..] => Range::SharedCarrier,
        [224..=239, ..] | [255, 255, 255, 255] => Range::Multicast,
        // IANA's special-purpose registry: protocol assignments, documentation, the old 6to4
        // relays, benchmarks (which are also the made-up addresses), and all from 240 up.
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 175, 48, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => Range::Reserved,
        _ => return None,
    })
}

fn range_of_v6(address: Ipv6Addr) -> Option<Range> {
    let carried = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(Range::Unspecified),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Range::Loopback),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Some(Range::Metadata),
        // IPv4-mapped is the IPv4 address; its old "compatible" and "translated" forms are unused.
        [0, 0, 0, 0, 0, 0xffff, high, low] => range_of_v4(carried(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
            Some(range_of_v4(carried(high, low)).unwrap_or(Range::Reserved))
        }
        // NAT64 by the well-known prefix reaches what it carries; by a local prefix, anything.
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => range_of_v4(carried(high, low)),
        [0x0064, 0xff9b, 1, _, _, _, high, low] => {
            Some(range_of_v4(carried(high, low)).unwrap_or(Range::Private))
        }
        [0x2002, high, low, ..] => range_of_v4(carried(high, low)),
        // Teredo carries its client's address with every bit turned over.
        [0x2001, 0, _, _, _, _, high, low] => {
            Some(range_of_v4(carried(!high, !low)).unwrap_or(Range::Reserved))
        }
        [0xfe80..=0xfebf, ..] => Some(Range::LinkLocal),
        [0xfec0..=0xfeff, ..] | [0xfc00..=0xfdff, ..] => Some(Range::Private),
        [0xff00..=0xffff, ..] => Some(Range::Multicast),
        // Protocol assignments (ORCHID, benchmarking), documentation (two ranges), segment routing.
        [0x2001, 0x0001..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Some(Range::Reserved)
        }
        // Only 2000::/3 has been given out.
        [0x2000..=0x3fff, ..] => None,
        _ => Some(Range::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<Range>) {
        assert_eq!(range_of(address.parse().expect("an address")), expected, "{address}");
    }

    #[test]
    fn the_public_internet_is_reached() {
        for address in [
            "1.1.1.1",
            "104.16.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1",
            "2a00:1450::1",
            "2001:4860::1",
        ] {
            check(address, None);
        }
        check("64:ff9b::101:101", None);
        check("2002:101:101::1", None);
        check("::ffff:1.1.1.1", None);
    }

    #[test]
    fn nothing_else_is() {
        check("0.0.0.0", Some(Range::Unspecified));
        check("127.8.9.1", Some(Range::Loopback));
        check("10.0.0.1", Some(Range::Private));
        check("172.31.255.255", Some(Range::Private));
        check("192.168.1.1", Some(Range::Private));
        check("169.254.169.254", Some(Range::LinkLocal));
        check("100.100.100.200", Some(Range::Metadata));
        check("168.63.129.16", Some(Range::Metadata));
        check("100.64.0.1", Some(Range::SharedCarrier));
        check("224.0.0.1", Some(Range::Multicast));
        check("255.255.255.255", Some(Range::Multicast));
        for address in ["192.0.2.1", "198.51.100.1", "203.0.113.80", "198.18.0.1", "240.0.0.1", "192.0.0.8"] {
            check(address, Some(Range::Reserved));
        }
        check("::", Some(Range::Unspecified));
        check("::1", Some(Range::Loopback));
        check("fd00:ec2::254", Some(Range::Metadata));
        check("fe80::1", Some(Range::LinkLocal));
        check("fd12::1", Some(Range::Private));
        check("fec0::1", Some(Range::Private));
        check("ff02::1", Some(Range::Multicast));
        check("2001:db8::1", Some(Range::Reserved));
        check("3fff::1", Some(Range::Reserved));
        check("5f00::1", Some(Range::Reserved));
        check("100::1", Some(Range::Reserved));
    }

    #[test]
    fn an_address_is_never_better_than_the_one_it_carries() {
        for carrier in [
            "::ffff:a9fe:a9fe",
            "::a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::",
        ] {
            check(carrier, Some(Range::LinkLocal));
        }
        check("::ffff:0:7f00:1", Some(Range::Loopback));
        check("64:ff9b::7f00:1", Some(Range::Loopback));
        check("2002:c0a8:101::1", Some(Range::Private));
        // 192.168.1.1, every bit turned over.
        check("2001:0:1:2:3:4:3f57:fefe", Some(Range::Private));
    }
}
