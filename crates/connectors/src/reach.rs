//! Where the address of a server may lead.
//!
//! The owner names an address and approves it, so it may be on a private network. What a name
//! resolves to is the affair of whoever has the name, though: a name other than `localhost` may not
//! lead to this machine, and nothing may lead to link-local addresses, where clouds keep their
//! metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Whether what is sent to this address stays on this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => unmapped(IpAddr::V6(address)).is_loopback(),
        None => false,
    }
}

/// Whether the address is one that no server is looked for at.
pub(crate) fn is_never_reached(address: IpAddr) -> bool {
    match unmapped(address) {
        IpAddr::V4(address) => {
            let is_metadata =
                [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)].contains(&address);
            address.is_link_local()
                || address.octets()[0] == 0
                || address.is_multicast()
                || address.is_broadcast()
                || is_metadata
        }
        IpAddr::V6(address) => {
            let is_metadata = address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || is_metadata
        }
    }
}

/// An IPv4 address that is written as one of IPv6 is what it is.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(wide) => wide.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Resolves the names of servers that are elsewhere.
pub(crate) struct Elsewhere;

impl Resolve for Elsewhere {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> = found.filter(|address| may_be_named(address.ip())).collect();
            if fit.is_empty() {
                let reason = "the name leads to an address that no server of tools may have";
                return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, reason).into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

fn may_be_named(address: IpAddr) -> bool {
    !is_never_reached(address) && !unmapped(address).is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, here: bool) {
        assert_eq!(is_this_machine(&Url::parse(url).unwrap()), here, "{url}");
    }

    #[test]
    fn only_loopback_is_this_machine() {
        check("http://localhost:3000/mcp", true);
        check("http://127.0.0.2/mcp", true);
        check("http://[::1]:1/", true);
        check("http://[::ffff:127.0.0.1]/", true);
        check("http://localhost.example.com/", false);
        check("http://192.168.1.2/", false);
    }

    #[test]
    fn a_name_leads_neither_here_nor_to_metadata() {
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0", "::"]
        {
            assert!(!may_be_named(address.parse().unwrap()), "{address}");
        }
        for address in ["192.168.1.2", "93.184.216.34", "2606:4700::1"] {
            assert!(may_be_named(address.parse().unwrap()), "{address}");
        }
    }
}
