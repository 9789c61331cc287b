//! What one session may use, and that nothing is left of it.

use std::time::Duration;

use sandbox::egress::{Limits, Policy, Refusal, Verdict};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Behaviour, HELLO, Server, World, read_all, soon, trust};

const SHORT: Duration = Duration::from_millis(100);
const OPEN: &[u8] = b"GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n";

fn limited(policy: Policy, limit: impl FnOnce(&mut Limits)) -> World {
    World::with(policy, limit, |uplink| uplink)
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let mut world = limited(trust(&["open.test"]), |limits| limits.first_bytes = SHORT);
    let mut silent = TcpStream::connect(world.proxy).await.expect("connected");
    read_all(&mut silent).await;
    let mut slow = TcpStream::connect(world.proxy).await.expect("connected");
    slow.write_all(b"GET http://open.test/ HTTP/1.1\r\nX: ").await.expect("sent");
    let dripping = async {
        while slow.write_all(b"y").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(dripping).await;
    let address = world.caught("open.test", world.https).await;
    let mut greeting = TcpStream::connect(address).await.expect("connected");
    greeting.write_all(&[22, 3, 1]).await.expect("sent");
    assert_eq!(read_all(&mut greeting).await, "");
    assert_eq!(world.event().await.verdict, Verdict::Refused(Refusal::TooSlow));
}

#[tokio::test]
async fn a_connection_over_which_nothing_passes_is_ended() {
    let server = Server::plain(Behaviour::Echo).await;
    let mut world = limited(trust(&["open.test:9000", "open.test"]), |limits| limits.idle = SHORT)
        .leads("open.test", 9000, server.address)
        .leads("open.test", 80, server.address);
    let mut tunnel = world.tunnel("open.test:9000").await;
    tunnel.write_all(b"x").await.expect("sent");
    assert_eq!(read_all(&mut tunnel).await, "x");
    assert_eq!(world.event().await.verdict, Verdict::Allowed);
    // A server that never answers is not waited for either.
    let silent = Server::plain(Behaviour::Listen).await;
    world.table.set("open.test", 80, &[silent.address]);
    let answer = world.ask_proxy(OPEN).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn connections_past_the_limit_wait_for_their_turn() {
    let server = Server::plain(Behaviour::Echo).await;
    let answering = Server::plain(Behaviour::Answer(HELLO)).await;
    let world = limited(trust(&["open.test:9000", "open.test"]), |limits| limits.connections = 2)
        .leads("open.test", 9000, server.address)
        .leads("open.test", 80, answering.address);
    let first = world.tunnel("open.test:9000").await;
    let second = world.tunnel("open.test:9000").await;
    let mut third = TcpStream::connect(world.proxy).await.expect("the kernel takes it");
    third.write_all(OPEN).await.expect("sent");
    let mut byte = [0];
    let early = tokio::time::timeout(SHORT, third.read(&mut byte)).await;
    assert!(early.is_err(), "a tunnel counts for as long as it lasts");
    assert_eq!(answering.connections(), 0);
    drop(first);
    assert!(read_all(&mut third).await.ends_with("hello"));
    drop(second);
}

#[tokio::test]
async fn the_bytes_of_a_session_come_to_an_end() {
    let server = Server::plain(Behaviour::Echo).await;
    let answering = Server::plain(Behaviour::Answer(HELLO)).await;
    let mut world =
        limited(trust(&["open.test:9000", "open.test"]), |limits| limits.total_bytes = Some(20_000))
            .leads("open.test", 9000, server.address)
            .leads("open.test", 80, answering.address);
    let mut tunnel = world.tunnel("open.test:9000").await;
    let (mut reader, mut writer) = tunnel.split();
    let writing = async {
        while writer.write_all(&[b'x'; 1000]).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let (echoed, ()) = soon(async { tokio::join!(read_all(&mut reader), writing) }).await;
    assert!(echoed.len() < 20_000);
    let event = world.event().await;
    assert_eq!(event.verdict, Verdict::Refused(Refusal::BudgetSpent));
    assert!((20_000..60_000).contains(&(event.sent_bytes + event.received_bytes)), "{event:?}");
    let answer = world.ask_proxy(OPEN).await;
    assert!(answer.contains("has used up the bytes it may transfer"), "{answer}");
    assert_eq!(answering.connections(), 0);
}

#[tokio::test]
async fn a_host_that_is_withdrawn_is_cut_off() {
    let server = Server::plain(Behaviour::Echo).await;
    let mut world = World::new(trust(&["open.test:9000", "kept.test:9000"]))
        .leads("open.test", 9000, server.address)
        .leads("kept.test", 9000, server.address);
    let mut cut = world.tunnel("open.test:9000").await;
    let mut kept = world.tunnel("kept.test:9000").await;
    for tunnel in [&mut cut, &mut kept] {
        tunnel.write_all(b"x").await.expect("sent");
        assert_eq!(soon(tunnel.read_u8()).await.expect("an echo"), b'x');
    }
    world.egress.set_policy(trust(&["kept.test:9000"]));
    assert_eq!(read_all(&mut cut).await, "");
    let event = world.event().await;
    assert_eq!((event.host.as_str(), event.verdict), ("open.test", Verdict::Refused(Refusal::Withdrawn)));
    assert_eq!(event.sent_bytes, 1);
    kept.write_all(b"y").await.expect("sent");
    assert_eq!(soon(kept.read_u8()).await.expect("an echo"), b'y');
}

#[tokio::test]
async fn dropping_it_ends_everything() {
    let server = Server::plain(Behaviour::Echo).await;
    let world = World::new(trust(&["open.test:9000"])).leads("open.test", 9000, server.address);
    let mut tunnel = world.tunnel("open.test:9000").await;
    tunnel.write_all(b"x").await.expect("sent");
    assert_eq!(soon(tunnel.read_u8()).await.expect("an echo"), b'x');
    let (proxy, mut waiting) = (world.proxy, TcpStream::connect(world.proxy).await.expect("connected"));
    let World { egress, .. } = world;
    drop(egress);
    assert_eq!(read_all(&mut tunnel).await, "");
    assert_eq!(read_all(&mut waiting).await, "");
    let closing = async {
        while TcpStream::connect(proxy).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(closing).await;
}

#[tokio::test]
async fn stopping_it_delivers_every_event() {
    let server = Server::plain(Behaviour::Echo).await;
    let world = World::new(trust(&["open.test:9000"])).leads("open.test", 9000, server.address);
    let tunnels = [world.tunnel("open.test:9000").await, world.tunnel("open.test:9000").await];
    let events = world.events().await;
    assert_eq!(events.len(), tunnels.len());
}
