//! The network of a jail that stays: its own loopback, and the sockets through which whoever
//! made the jail lets connections out.
//!
//! The namespace has no interface but loopback, and nothing in it forwards. All addresses are
//! routed to loopback, so that a program that knows nothing of proxies arrives, wherever it
//! connects to, at a socket of ours. The sockets are made here, where they are allowed to have the
//! ports they need, and handed to the server: a socket stays in the namespace it was made in,
//! whoever accepts on it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::OwnedFd,
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, Backlog, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, SockaddrIn, bind,
        connect, listen, recv, send, setsockopt, socket, sockopt,
    },
};

use super::{Failure, Stage, syscalls};

/// The port of the proxy on the jail's loopback. Below 1024, so that no program can have it.
pub(in crate::jail) const PROXY_PORT: u16 = 1023;

const LOOPBACK_INDEX: u32 = 1;

/// Switches the loopback on; with it `127.0.0.1` and `::1` work.
pub(super) fn switch_loopback_on() -> Result<(), Failure> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .stage("the loopback interface")?;
    syscalls::switch_interface_on(&socket, c"lo").stage("the loopback interface")
}

/// Routes everything to loopback and makes the sockets: the proxy, :80, :443, and names.
pub(super) fn open() -> Result<Vec<OwnedFd>, Failure> {
    route_everything_here().stage("the jail's routes")?;
    let any = Ipv4Addr::UNSPECIFIED;
    let own = Ipv4Addr::LOCALHOST;
    [
        (SockType::Stream, SocketAddrV4::new(own, PROXY_PORT)),
        (SockType::Stream, SocketAddrV4::new(any, 80)),
        (SockType::Stream, SocketAddrV4::new(any, 443)),
        (SockType::Datagram, SocketAddrV4::new(own, 53)),
    ]
    .into_iter()
    .map(|(kind, address)| bound(kind, address).stage(&format!("the jail's port {}", address.port())))
    .collect()
}

fn bound(kind: SockType, address: SocketAddrV4) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let made = socket(AddressFamily::Inet, kind, flags, None)?;
    setsockopt(&made, sockopt::ReuseAddr, &true)?;
    bind(std::os::fd::AsRawFd::as_raw_fd(&made), &SockaddrIn::from(address))?;
    if kind == SockType::Stream {
        listen(&made, Backlog::new(128)?)?;
    }
    Ok(made)
}

/// Begins a connection to a port of the loopback. Does not wait: the one who gets the socket does.
pub(super) fn begin_connection(port: u16, is_v6: bool) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let family = if is_v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let made = socket(family, SockType::Stream, flags, None)?;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&made);
    let begun = if is_v6 {
        let address = std::net::SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, port, 0, 0);
        connect(descriptor, &nix::sys::socket::SockaddrIn6::from(address))
    } else {
        connect(descriptor, &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))
    };
    match begun {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(made),
        Err(errno) => Err(errno),
    }
}

/// `ip route add local 0.0.0.0/0 dev lo`, as rtnetlink(7) wants it.
fn route_everything_here() -> nix::Result<()> {
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        Some(SockProtocol::NetlinkRoute),
    )?;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&netlink);
    bind(descriptor, &NetlinkAddr::new(0, 0))?;
    send(descriptor, &new_local_route(), MsgFlags::empty())?;
    let mut answer = [0; 256];
    let length = recv(descriptor, &mut answer, MsgFlags::empty())?;
    acknowledged(&answer[..length])
}

/// `struct nlmsghdr`, `struct rtmsg` and one attribute, the interface.
fn new_local_route() -> Vec<u8> {
    const ACKNOWLEDGE_CREATE: u16 = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE) as u16;
    let route = [
        libc::AF_INET as u8,
        0, // The length of the destination: none, so all of it.
        0,
        0,
        libc::RT_TABLE_LOCAL,
        libc::RTPROT_STATIC,
        libc::RT_SCOPE_HOST,
        libc::RTN_LOCAL,
        0,
        0,
        0,
        0,
    ];
    let mut message = Vec::new();
    message.extend_from_slice(&(16 + 12 + 8_u32).to_ne_bytes());
    message.extend_from_slice(&libc::RTM_NEWROUTE.to_ne_bytes());
    message.extend_from_slice(&ACKNOWLEDGE_CREATE.to_ne_bytes());
    message.extend_from_slice(&1_u32.to_ne_bytes());
    message.extend_from_slice(&0_u32.to_ne_bytes());
    message.extend_from_slice(&route);
    message.extend_from_slice(&8_u16.to_ne_bytes());
    message.extend_from_slice(&libc::RTA_OIF.to_ne_bytes());
    message.extend_from_slice(&LOOPBACK_INDEX.to_ne_bytes());
    message
}

/// An `NLMSG_ERROR` with the number 0 means yes.
fn acknowledged(answer: &[u8]) -> nix::Result<()> {
    let number = answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match number {
        Some(0) => Ok(()),
        Some(number) => Err(Errno::from_raw(-number)),
        None => Err(Errno::EBADMSG),
    }
}

/// The ports that are listened on in this namespace, ascending.
pub(super) fn listening_ports() -> io::Result<Vec<u16>> {
    let mut ports = Vec::new();
    for file in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        match std::fs::read_to_string(file) {
            Ok(table) => ports.extend(table.lines().filter_map(listening_port)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports.retain(|port| *port >= 1024);
    Ok(ports)
}

/// The port in a line of proc_pid_net(5)'s `tcp`, if its state is `LISTEN`.
fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    (fields.nth(1)? == "0A").then(|| u16::from_str_radix(port, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_that_listen_are_listed() {
        let listening = "   0: 0100007F:1435 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000";
        let connected = "   1: 0100007F:1435 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000";
        let v6 = "   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 0";
        assert_eq!(listening_port(listening), Some(5173));
        assert_eq!(listening_port(connected), None);
        assert_eq!(listening_port(v6), Some(3000));
        assert_eq!(listening_port("  sl  local_address rem_address   st"), None);
    }
}
