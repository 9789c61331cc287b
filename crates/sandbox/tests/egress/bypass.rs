//! Every way around the policy that we could think of, in one table: not one byte of any of them
//! reaches a host that is not allowed, and each is told to the owner.

use sandbox::egress::{Policy, Verdict, Way};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{Behaviour, HELLO, Server, World, hello, read_all, trust};

/// Where a try is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the proxy.
    Proxy,
    /// At the listener for plain HTTP, by the made-up address of `open.test`.
    Http,
    /// At the same listener, by an address that was never made up for anybody.
    HttpNobody,
    /// At the same listener, by its own address, as any literal address.
    HttpLiteral,
    /// At the listener for TLS, by the made-up address of `open.test`.
    Https,
    /// At the same listener, by its own address.
    HttpsLiteral,
    /// In a tunnel to `open.test:443` that was granted.
    Tunnel,
    /// In a tunnel to `open.test:80` that was granted.
    PlainTunnel,
    /// In a tunnel to `open.test:8443`, which a rule names.
    OtherTunnel,
}

struct Try {
    name: &'static str,
    at: At,
    bytes: Vec<u8>,
    /// Of the last answer; empty where the connection is closed without one.
    status: &'static str,
}

fn connect(target: &str) -> Vec<u8> {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nSECRET").into_bytes()
}

fn get(url: &str, host: &str) -> Vec<u8> {
    format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

fn text(bytes: &str) -> Vec<u8> {
    bytes.as_bytes().to_vec()
}

const OPEN: &str = "Host: open.test\r\n";
const TO_EVIL: &str = "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n";

fn hosts(port: u16) -> Vec<Try> {
    let proxy = |name, bytes, status| Try { name, at: At::Proxy, bytes, status };
    vec![
        proxy("a host no rule names, by CONNECT", connect("evil.test:443"), "403"),
        proxy("a host no rule names, by URL", get("http://evil.test/", "evil.test"), "403"),
        proxy("a denied host below an allowed domain", connect("denied.wide.test:443"), "403"),
        proxy("the domain of a star, itself", connect("wide.test:443"), "403"),
        proxy("a name that ends like an allowed one", connect("notwide.test:443"), "403"),
        proxy("an allowed name as the beginning of another", connect("open.test.evil.test:443"), "403"),
        proxy("SSH to an allowed host", connect("open.test:22"), "403"),
        proxy("mail from an allowed host", connect("open.test:25"), "403"),
        proxy("another port of an allowed host", get("http://open.test:8080/", "open.test:8080"), "403"),
        proxy("loopback by its address", connect(&format!("127.0.0.1:{port}")), "403"),
        proxy(
            "loopback by URL",
            get(&format!("http://127.0.0.1:{port}/"), &format!("127.0.0.1:{port}")),
            "403",
        ),
        proxy("loopback in IPv6", connect(&format!("[::1]:{port}")), "403"),
        proxy("loopback as mapped IPv6", connect(&format!("[::ffff:127.0.0.1]:{port}")), "403"),
        proxy("loopback as mapped IPv6 in hex", connect(&format!("[::ffff:7f00:1]:{port}")), "403"),
        proxy("loopback as one decimal number", connect(&format!("2130706433:{port}")), "400"),
        proxy("loopback in hex", connect(&format!("0x7f000001:{port}")), "400"),
        proxy("loopback in octal", connect(&format!("0177.0.0.1:{port}")), "400"),
        proxy("loopback cut short", connect(&format!("127.1:{port}")), "400"),
        proxy("loopback as zero", connect(&format!("0:{port}")), "400"),
        proxy("the metadata server", get("http://169.254.169.254/latest/", "169.254.169.254"), "403"),
        proxy("an allowed name that leads to loopback", get("http://rebind.test/", "rebind.test"), "403"),
        proxy("an allowed name that leads to loopback, by CONNECT", connect("rebind.test:443"), "403"),
        proxy("a trusted name that leads to metadata", connect("metadata.test:443"), "403"),
        proxy("a zone in an address", connect("[fe80::1%25eth0]:443"), "400"),
    ]
}

fn requests() -> Vec<Try> {
    let proxy = |name, bytes, status| Try { name, at: At::Proxy, bytes, status };
    vec![
        proxy("a user before the host", get("http://open.test@evil.test/", "evil.test"), "400"),
        proxy(
            "a backslash for a user",
            text("GET http://open.test\\@evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"),
            "400",
        ),
        proxy("another Host header", get("http://open.test/", "evil.test"), "400"),
        proxy(
            "two Host headers",
            text(&format!("GET http://open.test/ HTTP/1.1\r\n{OPEN}Host: evil.test\r\n\r\n")),
            "400",
        ),
        proxy("https by URL", get("https://evil.test/", "evil.test"), "400"),
        proxy("no URL at the proxy", get("/", "evil.test"), "400"),
        proxy("a port that is none", connect("open.test:443:22"), "400"),
        proxy("CONNECT without a port", connect("open.test"), "400"),
        proxy(
            "a second request on the connection",
            text(&format!("GET http://open.test/ HTTP/1.1\r\n{OPEN}\r\n{TO_EVIL}")),
            "403",
        ),
        proxy(
            "a request in the body of another, with both lengths",
            text(&format!(
                "POST http://open.test/ HTTP/1.1\r\n{OPEN}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{TO_EVIL}"
            )),
            "400",
        ),
        proxy(
            "a request after a chunked one",
            text(&format!(
                "POST http://open.test/ HTTP/1.1\r\n{OPEN}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{TO_EVIL}"
            )),
            "200",
        ),
        proxy(
            "a folded header",
            text(&format!("GET http://open.test/ HTTP/1.1\r\n{OPEN}X: a\r\n Host: evil.test\r\n\r\n")),
            "400",
        ),
        proxy(
            "a bare line feed",
            text(&format!("GET http://open.test/ HTTP/1.1\r\n{OPEN}X: a\nHost: evil.test\r\n\r\n")),
            "400",
        ),
        proxy(
            "a bare carriage return",
            text(&format!("GET http://open.test/ HTTP/1.1\r\n{OPEN}X: a\rHost: evil.test\r\n\r\n")),
            "400",
        ),
        proxy(
            "a blank before the colon",
            text("GET http://open.test/ HTTP/1.1\r\nHost : evil.test\r\n\r\n"),
            "400",
        ),
        proxy("TRACE", text(&format!("TRACE http://open.test/ HTTP/1.1\r\n{OPEN}\r\n")), "400"),
        proxy("the beginning of HTTP/2", text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400"),
        proxy("SOCKS", vec![5, 1, 0, b'\n', b'\n'], "400"),
    ]
}

fn caught() -> Vec<Try> {
    let greeting = hello(Some("open.test"));
    vec![
        Try {
            name: "caught: another Host header",
            at: At::Http,
            bytes: get("/", "evil.test"),
            status: "400",
        },
        Try { name: "caught: a URL for another host", at: At::Http, bytes: text(TO_EVIL), status: "400" },
        Try { name: "caught: CONNECT", at: At::Http, bytes: connect("evil.test:443"), status: "400" },
        Try {
            name: "caught: no Host header",
            at: At::Http,
            bytes: text("GET / HTTP/1.0\r\n\r\n"),
            status: "400",
        },
        Try { name: "caught: TLS to port 80", at: At::Http, bytes: hello(Some("evil.test")), status: "400" },
        Try {
            name: "caught: nobody's address",
            at: At::HttpNobody,
            bytes: get("/", "open.test"),
            status: "403",
        },
        Try {
            name: "caught: a literal address",
            at: At::HttpLiteral,
            bytes: get("/", "127.0.0.1"),
            status: "403",
        },
        Try {
            name: "caught TLS: another name (fronting)",
            at: At::Https,
            bytes: hello(Some("evil.test")),
            status: "",
        },
        Try { name: "caught TLS: no name", at: At::Https, bytes: hello(None), status: "" },
        Try { name: "caught TLS: plain HTTP", at: At::Https, bytes: text(TO_EVIL), status: "" },
        Try { name: "caught TLS: a literal address", at: At::HttpsLiteral, bytes: greeting, status: "" },
    ]
}

fn tunnels() -> Vec<Try> {
    vec![
        Try {
            name: "tunnel: another name (fronting)",
            at: At::Tunnel,
            bytes: hello(Some("evil.test")),
            status: "",
        },
        Try { name: "tunnel: no name", at: At::Tunnel, bytes: hello(None), status: "" },
        Try { name: "tunnel: plain HTTP to 443", at: At::Tunnel, bytes: text(TO_EVIL), status: "" },
        Try {
            name: "tunnel: SSH to 443",
            at: At::Tunnel,
            bytes: text("SSH-2.0-OpenSSH_9.9\r\n"),
            status: "",
        },
        Try {
            name: "tunnel: fronting on another port",
            at: At::OtherTunnel,
            bytes: hello(Some("evil.test")),
            status: "",
        },
        Try {
            name: "plain tunnel: another Host header",
            at: At::PlainTunnel,
            bytes: get("/", "evil.test"),
            status: "400",
        },
        Try { name: "plain tunnel: a URL", at: At::PlainTunnel, bytes: text(TO_EVIL), status: "400" },
        Try {
            name: "plain tunnel: a tunnel in it",
            at: At::PlainTunnel,
            bytes: connect("evil.test:443"),
            status: "400",
        },
    ]
}

fn policy() -> Policy {
    trust(&["open.test", "open.test:8443", "*.wide.test", "metadata.test"])
        .allow("rebind.test".parse().expect("a rule"))
        .deny("denied.wide.test".parse().expect("a rule"))
}

async fn carry_out(world: &World, attempt: &Try) -> String {
    let made_up = |port| async move {
        std::net::SocketAddr::new(world.look_up("open.test").await.expect("an address").into(), port)
    };
    let local = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let to = |address| async move { TcpStream::connect(address).await.expect("connected") };
    let mut stream = match attempt.at {
        At::Proxy => to(world.proxy).await,
        At::Http => to(made_up(world.http.port()).await).await,
        At::HttpNobody => to(([127, 129, 7, 7], world.http.port()).into()).await,
        At::HttpLiteral => to(local(world.http.port())).await,
        At::Https => to(made_up(world.https.port()).await).await,
        At::HttpsLiteral => to(local(world.https.port())).await,
        At::Tunnel => world.tunnel("open.test:443").await,
        At::PlainTunnel => world.tunnel("open.test:80").await,
        At::OtherTunnel => world.tunnel("open.test:8443").await,
    };
    let _ = stream.write_all(&attempt.bytes).await;
    read_all(&mut stream).await
}

/// The status of the last answer.
fn last_status(answers: &str) -> &str {
    answers.rsplit("HTTP/1.").next().and_then(|rest| rest.get(2..5)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_reaches_a_host_that_is_not_allowed() {
    let (open, silent) =
        (Server::plain(Behaviour::Answer(HELLO)).await, Server::plain(Behaviour::Listen).await);
    let forbidden = Server::plain(Behaviour::Listen).await;
    let tries: Vec<Try> = hosts(forbidden.address.port())
        .into_iter()
        .chain(requests())
        .chain(caught())
        .chain(tunnels())
        .collect();
    assert!(tries.len() >= 30);
    for attempt in &tries {
        let mut world = World::new(policy())
            .leads("open.test", 80, open.address)
            .leads("open.test", 443, silent.address)
            .leads("open.test", 8443, silent.address)
            // Every other name and port leads to the server that nobody may reach.
            .leads("*", 0, forbidden.address);
        world.table.set("metadata.test", 443, &["169.254.169.254:443".parse().expect("an address")]);
        let (before, name) = (open.connections(), attempt.name);
        let answers = carry_out(&world, attempt).await;
        assert_eq!(last_status(&answers), attempt.status, "{name}: {answers}");
        assert!(!answers.contains("hello") || before < open.connections(), "{name}: {answers}");
        if name == "a request after a chunked one" {
            // It is not even read, so there is nothing to tell.
            assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
            continue;
        }
        let event = loop {
            let event = world.event().await;
            if event.verdict != Verdict::Allowed {
                break event;
            }
        };
        assert!(matches!(event.verdict, Verdict::Refused(_)), "{name}: {event:?}");
        let is_caught = matches!(attempt.at, At::Http | At::HttpNobody | At::HttpLiteral);
        let way = match attempt.at {
            At::Https | At::HttpsLiteral => Way::Tls,
            _ if is_caught => Way::Http,
            _ => Way::Proxy,
        };
        assert_eq!((event.way, event.sent_bytes), (way, 0), "{name}: {event:?}");
    }
    assert_eq!((forbidden.connections(), forbidden.received()), (0, String::new()));
    assert_eq!(silent.received(), "", "what was refused in a tunnel reached even the allowed host");
    assert!(!open.received().contains("evil"), "{}", open.received());
}
