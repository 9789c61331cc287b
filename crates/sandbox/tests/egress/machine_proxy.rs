//! A machine that itself reaches the net by a proxy.

use std::collections::HashMap;

use sandbox::egress::{Failure, MachineProxy, Verdict};
use tokio::io::AsyncWriteExt;

use crate::support::{Behaviour, HELLO, Server, World, read_all, trust};

const GRANTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

fn through(server: &Server, no_proxy: &str) -> MachineProxy {
    let proxy = format!("http://ana:s3cret@{}", server.address);
    let environment =
        HashMap::from([("ALL_PROXY".to_owned(), proxy), ("NO_PROXY".to_owned(), no_proxy.to_owned())]);
    MachineProxy::from_environment(&environment).expect("nothing wrong").expect("a proxy")
}

#[tokio::test]
async fn connections_go_through_it_by_name() {
    // It grants the tunnel, and then sends back whatever comes.
    let proxy = Server::plain(Behaviour::Greet(GRANTED)).await;
    let world = World::with(trust(&["open.test:9000"]), |_| {}, |uplink| uplink.through(through(&proxy, "")));
    let mut tunnel = world.tunnel("open.test:9000").await;
    tunnel.shutdown().await.expect("ended");
    let expected = "CONNECT open.test:9000 HTTP/1.1\r\nhost: open.test:9000\r\nproxy-authorization: Basic YW5hOnMzY3JldA==\r\n\r\n";
    assert!(read_all(&mut tunnel).await.ends_with("end"));
    assert_eq!(proxy.received(), expected);
}

#[tokio::test]
async fn its_rules_are_those_of_any_way_out() {
    let proxy = Server::plain(Behaviour::Greet(GRANTED)).await;
    let policy = trust(&["open.test"]).allow("rebind.test".parse().expect("a rule"));
    let world = World::with(policy, |_| {}, |uplink| uplink.through(through(&proxy, ""))).leads(
        "rebind.test",
        443,
        "10.0.0.1:443".parse().expect("an address"),
    );
    for target in ["evil.test:443", "rebind.test:443", "169.254.169.254:443"] {
        let answer = world.ask_proxy(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{target}: {answer}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn exceptions_are_reached_directly() {
    let proxy = Server::plain(Behaviour::Greet(GRANTED)).await;
    let server = Server::plain(Behaviour::Answer(HELLO)).await;
    let world = World::with(trust(&["open.test"]), |_| {}, |uplink| uplink.through(through(&proxy, ".test")))
        .leads("open.test", 80, server.address);
    let request = "GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n";
    assert!(world.ask_proxy(request).await.ends_with("hello"));
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn its_refusal_is_a_failure_that_shows_nothing_of_it() {
    let proxy =
        Server::plain(Behaviour::Answer(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")).await;
    let mut world = World::with(trust(&["open.test"]), |_| {}, |uplink| uplink.through(through(&proxy, "")));
    let answer = world.ask_proxy("CONNECT open.test:443 HTTP/1.1\r\nHost: open.test:443\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502") && !answer.contains("407"), "{answer}");
    assert_eq!(world.event().await.verdict, Verdict::Failed(Failure::Unreachable));
}
