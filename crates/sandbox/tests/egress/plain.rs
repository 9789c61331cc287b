//! Plain HTTP: through the proxy, caught on port 80, and in tunnels to port 80.

use sandbox::egress::{Connection, Failure, Refusal, Verdict, Way};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Behaviour, HELLO, Server, World, exchange, read_all, read_head, soon, trust};

const OPEN: &str = "GET http://open.test/a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n";

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

/// An event without what depends on the moment.
fn told(event: &Connection) -> (&str, Option<u16>, Way, &Verdict) {
    (&event.host, event.port, event.way, &event.verdict)
}

#[tokio::test]
async fn an_allowed_request_passes_and_is_told_without_its_path() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let mut stream = TcpStream::connect(world.proxy).await.expect("connected");
    stream.write_all(OPEN.as_bytes()).await.expect("sent");
    let head = String::from_utf8(soon(read_head(&mut stream)).await).expect("text");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("connection"), "{head}");
    let event = world.event().await;
    assert_eq!(told(&event), ("open.test", Some(80), Way::Proxy, &Verdict::Allowed));
    assert_eq!(event.received_bytes, HELLO.len() as u64);
    assert_eq!(event.sent_bytes, server.received().len() as u64);
    assert_eq!(event.started_at.0, 7);
    assert!(!format!("{event:?}").contains("b=c"));
    assert_eq!(server.received(), "GET /a?b=c HTTP/1.1\r\nhost: open.test\r\nconnection: close\r\n\r\n");
}

#[tokio::test]
async fn a_refused_request_says_which_host_why_and_what_to_do() {
    let mut world = World::new(trust(&["open.test"]));
    let answer = world.ask_proxy("GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert_eq!(
        body(&answer),
        "Atelier refused to connect to evil.test: this host and port are not among those this session \
         may reach.\nThe owner can allow it for this session.\n"
    );
    let event = world.event().await;
    assert_eq!(told(&event), ("evil.test", Some(80), Way::Proxy, &Verdict::Refused(Refusal::NotAllowed)));
    assert_eq!((event.sent_bytes, event.received_bytes), (0, 0));
    assert_eq!(*world.table.asked.lock(), [""; 0], "a refused name is not even resolved");
}

#[tokio::test]
async fn a_malformed_request_is_told_what_is_wrong() {
    let world = World::new(trust(&["open.test"]));
    let request = "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = world.ask_proxy(request).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    let text = "Atelier refused to connect to the host: the request is malformed: it has both a \
                Content-Length and a Transfer-Encoding.\n";
    assert_eq!(body(&answer), text);
    let huge =
        format!("GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nX: {}\r\n\r\n", "y".repeat(70_000));
    let answer = world.ask_proxy(huge).await;
    assert!(answer.contains("its head is longer than 64 KiB"), "{answer}");
}

#[tokio::test]
async fn every_request_of_a_connection_is_judged() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let world = World::new(trust(&["open.test", "other.test"])).leads("open.test", 80, server.address).leads(
        "other.test",
        80,
        server.address,
    );
    let other = OPEN.replace("open.test", "other.test");
    let posted = "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\nContent-Length: 6\r\n\r\nGET / ";
    let evil = OPEN.replace("open.test", "evil.test");
    let answers = world.ask_proxy(format!("{OPEN}{other}{posted}{evil}{OPEN}")).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 403 Forbidden").count(), 1, "{answers}");
    assert!(
        answers.ends_with("The owner can allow it for this session.\n"),
        "nothing is read after a refusal"
    );
    assert_eq!(server.connections(), 3);
    assert_eq!(world.events().await.len(), 4);
}

#[tokio::test]
async fn what_is_between_two_neighbours_is_not_passed_on() {
    let answer = b"HTTP/1.1 200 OK\r\nconnection: close, x-own\r\nx-own: 1\r\nkeep-alive: timeout=1\r\nx-kept: 1\r\ncontent-length: 0\r\n\r\n";
    let server = Server::plain(Behaviour::Answer(answer)).await;
    let world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let request = "GET http://open.test/ HTTP/1.1\r\nHost: OPEN.test:80\r\nProxy-Authorization: Basic x\r\n\
                   Proxy-Connection: keep-alive\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nTE: trailers\r\n\
                   Upgrade: h2c\r\nX-Kept: 1\r\n\r\n";
    let answer = world.ask_proxy(request).await;
    assert_eq!(
        server.received(),
        "GET / HTTP/1.1\r\nhost: open.test\r\nx-kept: 1\r\nconnection: close\r\n\r\n"
    );
    assert!(
        answer.contains("x-kept: 1") && !answer.contains("x-own") && !answer.contains("keep-alive"),
        "{answer}"
    );
}

#[tokio::test]
async fn bodies_pass_both_ways() {
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = Server::plain(Behaviour::Answer(answer)).await;
    let world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let request = "POST http://open.test/ HTTP/1.1\r\nHost: open.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    let answer = world.ask_proxy(request).await;
    assert!(server.received().ends_with("\r\n\r\nbody"), "{}", server.received());
    let body: String = body(&answer).split("\r\n").skip(1).step_by(2).collect();
    assert_eq!(body, "abcde");
}

#[tokio::test]
async fn a_tool_that_knows_of_no_proxy_is_served_by_name() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let address = world.caught("open.test", world.http).await;
    let answer = exchange(address, "GET /x HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n").await;
    assert_eq!(body(&answer), "hello");
    assert_eq!(told(&world.event().await), ("open.test", Some(80), Way::Http, &Verdict::Allowed));
}

#[tokio::test]
async fn an_address_is_reached_where_a_rule_names_it() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let port = server.address.port();
    let rule = format!("127.0.0.1:{port}");
    let world = World::new(trust(&[&rule]));
    let request = format!("GET http://{rule}/ HTTP/1.1\r\nHost: {rule}\r\nConnection: close\r\n\r\n");
    assert_eq!(body(&world.ask_proxy(&request).await), "hello");
    // A rule that merely allows it does not make a private address public.
    world.egress.set_policy(sandbox::egress::Policy::default().allow(rule.parse().expect("a rule")));
    let answer = world.ask_proxy(&request).await;
    assert!(answer.contains("it leads to 127.0.0.1, an address of this machine itself"), "{answer}");
}

#[tokio::test]
async fn a_tunnel_to_port_80_carries_requests_to_its_host() {
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let mut world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let mut tunnel = world.tunnel("open.test:80").await;
    tunnel.write_all(b"GET / HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n").await.expect("sent");
    assert_eq!(body(&read_all(&mut tunnel).await), "hello");
    assert_eq!(told(&world.event().await), ("open.test", Some(80), Way::Proxy, &Verdict::Allowed));
}

#[tokio::test]
async fn a_websocket_passes() {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    let server = Server::plain(Behaviour::Greet(answer)).await;
    let world = World::new(trust(&["open.test"])).leads("open.test", 80, server.address);
    let mut stream = TcpStream::connect(world.proxy).await.expect("connected");
    let request = "GET http://open.test/ws HTTP/1.1\r\nHost: open.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let head = String::from_utf8(soon(read_head(&mut stream)).await).expect("text");
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    // The server sends back what reaches it: first the request, then the frames.
    let request = soon(read_head(&mut stream)).await;
    assert!(request.ends_with(b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"));
    stream.write_all(b"frame").await.expect("sent");
    let mut frame = [0; 5];
    soon(stream.read_exact(&mut frame)).await.expect("a frame");
    assert_eq!(&frame, b"frame");
    drop(stream);
    let events = world.events().await;
    assert_eq!(told(&events[0]), ("open.test", Some(80), Way::Proxy, &Verdict::Allowed));
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_told_apart_from_one_that_may_not() {
    let closed = Server::plain(Behaviour::Listen).await.address;
    let mut world = World::new(trust(&["open.test", "nowhere.test"])).leads("open.test", 80, closed);
    let answer = world.ask_proxy(OPEN).await;
    assert!(
        answer.starts_with("HTTP/1.1 502")
            && answer.ends_with("could not connect to open.test: it cannot be reached.\n"),
        "{answer}"
    );
    let nowhere = world.ask_proxy(OPEN.replace("open.test", "nowhere.test")).await;
    assert!(nowhere.contains("its name cannot be resolved"), "{nowhere}");
    assert_eq!(world.event().await.verdict, Verdict::Failed(Failure::Unreachable));
    assert_eq!(world.event().await.verdict, Verdict::Failed(Failure::NameNotFound));
}
