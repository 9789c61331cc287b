//! Answers the questions for names that come from inside, from the policy alone.
//!
//! Invariant: no byte of a question ever leaves this machine, so names carry nothing out. A name
//! is resolved only when a connection to it is made, and only if the policy allows that.
//!
//! A name that may be reached has a made-up IPv4 address and nothing else. Any other name does not
//! exist (`NXDOMAIN`), which tools believe at once; `REFUSED` would have them try again.
//!
//! RFC 1035, section 4.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{net::UdpSocket, time::Instant};

use super::{
    host::Host,
    session::{Session, Way},
};

const MAX_QUESTION_BYTES: usize = 512;
const HEADER_BYTES: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_INTERNET: u16 = 1;
/// Short, because the policy may change; asking again costs nothing.
const TIME_TO_LIVE_S: u32 = 30;
/// How often a name that is refused makes an event.
const EVENT_INTERVAL: Duration = Duration::from_secs(60);
/// Names that are remembered for that.
const MAX_REPORTED: usize = 1024;

/// Response codes.
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;

/// Answers until the session ends.
pub(super) async fn serve(session: Arc<Session>, socket: UdpSocket) {
    let mut reported = Reported::default();
    let mut packet = [0; MAX_QUESTION_BYTES];
    loop {
        match socket.recv_from(&mut packet).await {
            Ok((length, from)) => {
                if let Some(answer) = answer(&session, &mut reported, &packet[..length]) {
                    // A client that is gone needs no answer.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
            // An answer to somebody who was gone comes back as an error of the next read.
            Err(error) => {
                tracing::debug!(%error, "a question from inside could not be read");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

fn answer(session: &Arc<Session>, reported: &mut Reported, packet: &[u8]) -> Option<Vec<u8>> {
    let question = Question::read(packet)?;
    let host = question.name.parse::<Host>().ok().filter(|host| matches!(host, Host::Name(_)));
    let Some(host) = host else { return Some(question.answered(NO_SUCH_NAME, None)) };
    let name = host.to_string();
    if let Err(refusal) = session.policy().judge_name(&host) {
        if reported.is_due(&name) {
            session.attempt(&name, None, Way::Lookup).stop(refusal);
        }
        return Some(question.answered(NO_SUCH_NAME, None));
    }
    if question.kind != TYPE_A || question.class != CLASS_INTERNET {
        return Some(question.answered(NO_ERROR, None));
    }
    match session.names.lock().address_of(&name) {
        Some(address) => Some(question.answered(NO_ERROR, Some(address))),
        None => Some(question.answered(SERVER_FAILURE, None)),
    }
}

/// The one question of a packet.
#[derive(Debug, PartialEq, Eq)]
struct Question<'a> {
    id: [u8; 2],
    recursion_desired: bool,
    /// The question as it came, to be repeated in the answer.
    section: &'a [u8],
    name: String,
    kind: u16,
    class: u16,
}

impl<'a> Question<'a> {
    /// `None` for what is no ordinary question; it gets no answer.
    fn read(packet: &'a [u8]) -> Option<Self> {
        let (header, rest) = packet.split_at_checked(HEADER_BYTES)?;
        let is_query = header[2] & 0b1111_1000 == 0;
        let counts_fit = header[4..10] == [0, 1, 0, 0, 0, 0];
        if !is_query || !counts_fit {
            return None;
        }
        let mut name = String::new();
        let mut at = 0;
        loop {
            let length = usize::from(*rest.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            // More would be a pointer, and there is nothing before a question to point to.
            let label = rest.get(at..at + length).filter(|_| length < 64)?;
            if !name.is_empty() {
                name.push('.');
            }
            // A dot inside a label would make it another name.
            name.push_str(
                str::from_utf8(label).ok().filter(|label| label.is_ascii() && !label.contains('.'))?,
            );
            at += length;
        }
        let numbers = rest.get(at..at + 4)?;
        let number = |index: usize| u16::from_be_bytes([numbers[index], numbers[index + 1]]);
        Some(Self {
            id: [header[0], header[1]],
            recursion_desired: header[2] & 1 == 1,
            section: &rest[..at + 4],
            name,
            kind: number(0),
            class: number(2),
        })
    }

    /// The answer to it.
    fn answered(&self, code: u8, address: Option<Ipv4Addr>) -> Vec<u8> {
        let answers = u8::from(address.is_some());
        let mut packet = Vec::with_capacity(HEADER_BYTES + self.section.len() + 16);
        packet.extend(self.id);
        packet.extend([0x80 | u8::from(self.recursion_desired), 0x80 | code]);
        packet.extend([0, 1, 0, answers, 0, 0, 0, 0]);
        packet.extend(self.section);
        if let Some(address) = address {
            // A pointer to the question's name.
            packet.extend([0xc0, 0x0c]);
            packet.extend(TYPE_A.to_be_bytes());
            packet.extend(CLASS_INTERNET.to_be_bytes());
            packet.extend(TIME_TO_LIVE_S.to_be_bytes());
            packet.extend([0, 4]);
            packet.extend(address.octets());
        }
        packet
    }
}

/// When which name last made an event.
#[derive(Debug, Default)]
struct Reported(HashMap<String, Instant>);

impl Reported {
    fn is_due(&mut self, name: &str) -> bool {
        let now = Instant::now();
        if self.0.len() >= MAX_REPORTED {
            self.0.retain(|_, at| now.duration_since(*at) < EVENT_INTERVAL);
        }
        if self.0.get(name).is_some_and(|at| now.duration_since(*at) < EVENT_INTERVAL) {
            return false;
        }
        // Whoever asks for a thousand names in a minute is not reported name by name.
        self.0.len() < MAX_REPORTED && self.0.insert(name.to_owned(), now).is_none_or(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(labels: &[&str], kind: u16) -> Vec<u8> {
        let mut packet = vec![7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in labels {
            packet.push(u8::try_from(label.len()).expect("a short label"));
            packet.extend(label.as_bytes());
        }
        packet.extend([0]);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1]);
        packet
    }

    #[test]
    fn a_question_is_read_and_answered() {
        let packet = packet(&["a", "example"], TYPE_A);
        let question = Question::read(&packet).expect("a question");
        assert_eq!((question.name.as_str(), question.kind, question.class), ("a.example", 1, 1));
        let answer = question.answered(NO_ERROR, Some(Ipv4Addr::new(198, 18, 0, 1)));
        assert_eq!(answer[..12], [7, 8, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[12..packet.len()], packet[12..]);
        assert_eq!(answer[packet.len()..], [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 198, 18, 0, 1]);
        assert_eq!(question.answered(NO_SUCH_NAME, None)[..12], [7, 8, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_question_is_ignored() {
        let good = packet(&["a", "example"], TYPE_A);
        for end in 0..good.len() {
            assert_eq!(Question::read(&good[..end]), None, "{end} bytes");
        }
        let with = |at: usize, byte: u8| {
            let mut bad = good.clone();
            bad[at] = byte;
            bad
        };
        for bad in [
            with(2, 0x81),
            with(2, 0x28),
            with(5, 0),
            with(5, 2),
            with(7, 1),
            with(12, 0xc0),
            with(13, b'.'),
            with(13, 0xff),
        ] {
            assert_eq!(Question::read(&bad), None, "{bad:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_makes_an_event_a_minute() {
        let mut reported = Reported::default();
        assert!(reported.is_due("a.example") && reported.is_due("b.example"));
        assert!(!reported.is_due("a.example"));
        tokio::time::advance(EVENT_INTERVAL).await;
        assert!(reported.is_due("a.example"));
        for number in 0..2 * MAX_REPORTED {
            reported.is_due(&format!("n{number}.example"));
        }
        assert_eq!(reported.0.len(), MAX_REPORTED);
        assert!(!reported.is_due("one-more.example"));
    }
}
