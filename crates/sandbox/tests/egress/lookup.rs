//! Names: made-up addresses for those that may be reached, and no such name for all others.

use std::net::Ipv4Addr;

use sandbox::egress::{Policy, Refusal, Verdict, Way};

use crate::support::{World, question, trust};

const NO_SUCH_NAME: u8 = 3;

#[tokio::test]
async fn a_name_that_may_be_reached_has_one_address() {
    let world = World::new(trust(&["open.test", "*.wide.test"]));
    assert_eq!(world.look_up("open.test").await, Some(Ipv4Addr::new(127, 128, 0, 1)));
    assert_eq!(world.look_up("a.wide.test").await, Some(Ipv4Addr::new(127, 128, 0, 2)));
    assert_eq!(world.look_up("OPEN.test").await, Some(Ipv4Addr::new(127, 128, 0, 1)));
    assert_eq!(*world.table.asked.lock(), [""; 0], "nothing is resolved for a question");
}

#[tokio::test]
async fn it_has_nothing_but_that_address() {
    let world = World::new(trust(&["open.test"]));
    // AAAA, HTTPS, SVCB, TXT, MX, ANY.
    for kind in [28, 65, 64, 16, 15, 255] {
        let answer = world.ask_dns(&question("open.test", kind)).await;
        assert_eq!((answer[3] & 15, answer[7]), (0, 0), "type {kind}");
    }
}

#[tokio::test]
async fn any_other_name_does_not_exist_and_is_told_once_a_minute() {
    let mut world = World::new(trust(&["*.wide.test"]).deny("denied.wide.test".parse().expect("a rule")));
    for name in ["evil.test", "evil.test", "wide.test", "denied.wide.test", "data-to-carry-out.evil.test"] {
        let answer = world.ask_dns(&question(name, 1)).await;
        assert_eq!((answer[3] & 15, answer[7]), (NO_SUCH_NAME, 0), "{name}");
    }
    let event = world.event().await;
    assert_eq!((event.host.as_str(), event.port, event.way), ("evil.test", None, Way::Lookup));
    assert_eq!(event.verdict, Verdict::Refused(Refusal::NotAllowed));
    assert_eq!(*world.table.asked.lock(), [""; 0]);
    let hosts: Vec<String> = world.events().await.into_iter().map(|event| event.host).collect();
    assert_eq!(hosts, ["wide.test", "denied.wide.test", "data-to-carry-out.evil.test"]);
}

#[tokio::test]
async fn what_is_no_question_is_ignored() {
    let world = World::new(trust(&["open.test"]));
    let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
    let question = question("open.test", 1);
    let looping = [&question[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    for packet in [&question[..3], &question[..20], &looping, &[0xff; 512]] {
        socket.send_to(packet, world.dns).await.expect("sent");
    }
    socket.send_to(&question, world.dns).await.expect("sent");
    let mut answer = [0; 512];
    let length = crate::support::soon(socket.recv(&mut answer)).await.expect("an answer");
    assert_eq!(answer[12..question.len()], question[12..], "the first answer is to the only question");
    assert!(length > question.len());
}

#[tokio::test]
async fn a_name_that_was_withdrawn_is_gone() {
    let world = World::new(trust(&["open.test"]));
    assert!(world.look_up("open.test").await.is_some());
    world.egress.set_policy(Policy::default());
    assert_eq!(world.look_up("open.test").await, None);
}
