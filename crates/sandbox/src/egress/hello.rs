//! The first message of a TLS connection, as far as it says where the connection goes.
//!
//! It is read and never changed. Whatever is unusual enough that a server could read it
//! differently (two server names, a name of another type, a hidden name) is refused.
//!
//! RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3; RFC 9849 for hidden names.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use super::{Refusal, host::Host};

/// A greeting is some hundred bytes, and two thousand with post-quantum keys.
const MAX_HELLO_BYTES: usize = 16 * 1024;
const MAX_RECORD_BYTES: usize = 16 * 1024;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// What the drafts of the above used, and servers may still know.
const ENCRYPTED_SERVER_NAME: u16 = 0xffce;

/// Reads a greeting and holds it against the host the connection was made for. Returns every byte
/// that was read, to be passed on as it came.
pub(super) async fn expect(
    client: &mut (impl AsyncRead + Unpin),
    mut read: Vec<u8>,
    host: &Host,
    limit: Duration,
) -> Result<Vec<u8>, Refusal> {
    let reading = async {
        loop {
            if let Some(name) = server_name(&read)? {
                return agree(name.as_deref(), host).map(|()| read);
            }
            if read.len() > MAX_HELLO_BYTES {
                return Err(Refusal::NotTls);
            }
            let mut piece = [0; 4096];
            match client.read(&mut piece).await {
                Ok(0) | Err(_) => return Err(Refusal::NotTls),
                Ok(length) => read.extend_from_slice(&piece[..length]),
            }
        }
    };
    timeout(limit, reading).await.map_err(|_| Refusal::TooSlow)?
}

/// Whether the bytes can be the beginning of a TLS connection.
pub(super) fn may_be_tls(read: &[u8]) -> bool {
    read.first() == Some(&HANDSHAKE) && read.get(1).is_none_or(|major| *major == 3)
}

/// The name of the greeting and the host of the connection are the same; a connection to an
/// address has no name, because clients never send an address as one.
fn agree(name: Option<&str>, host: &Host) -> Result<(), Refusal> {
    match (name, host) {
        (None, Host::Address(_)) => Ok(()),
        (None, Host::Name(_)) => Err(Refusal::ServerNameMissing),
        (Some(name), _) => match name.parse::<Host>() {
            Ok(named) if named == *host => Ok(()),
            _ => Err(Refusal::ServerNameDiffers),
        },
    }
}

/// The server's name of a greeting. The outer `None` means that more has to be read, the inner one
/// that the greeting names no server.
fn server_name(read: &[u8]) -> Result<Option<Option<String>>, Refusal> {
    let Some(message) = message(read)? else { return Ok(None) };
    find_name(&message).map(Some)
}

/// Puts the handshake message together from its records; `None` while it is not whole.
fn message(mut read: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let mut message = Vec::new();
    loop {
        if !read.is_empty() && !may_be_tls(read) {
            return Err(Refusal::NotTls);
        }
        let [_, _, _, high, low, rest @ ..] = read else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length == 0 || length > MAX_RECORD_BYTES {
            return Err(Refusal::NotTls);
        }
        message.extend_from_slice(&rest[..length.min(rest.len())]);
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(Refusal::NotTls);
        }
        if let [_, a, b, c, body @ ..] = message.as_slice() {
            let whole = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if whole > MAX_HELLO_BYTES {
                return Err(Refusal::NotTls);
            }
            if body.len() >= whole {
                return Ok(Some(body[..whole].to_vec()));
            }
        }
        if rest.len() < length {
            return Ok(None);
        }
        read = &rest[length..];
    }
}

/// Walks through the message to its extensions.
fn find_name(message: &[u8]) -> Result<Option<String>, Refusal> {
    let mut rest = Bytes(message);
    // The version, the random, then the session's id, the ciphers and the compressions.
    rest.take(2 + 32)?;
    rest.vector(1)?;
    rest.vector(2)?;
    rest.vector(1)?;
    if rest.0.is_empty() {
        return Ok(None);
    }
    let mut extensions = Bytes(rest.vector(2)?);
    if !rest.0.is_empty() {
        return Err(Refusal::NotTls);
    }
    let mut name = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let body = extensions.vector(2)?;
        match u16::try_from(kind).unwrap_or(u16::MAX) {
            SERVER_NAME if name.is_some() => return Err(Refusal::ServerNameDiffers),
            SERVER_NAME => name = Some(only_name(body)?),
            ENCRYPTED_CLIENT_HELLO | ENCRYPTED_SERVER_NAME => return Err(Refusal::ServerNameHidden),
            _ => {}
        }
    }
    Ok(name)
}

/// A server name extension with exactly one host name.
fn only_name(extension: &[u8]) -> Result<String, Refusal> {
    let mut extension = Bytes(extension);
    let mut names = Bytes(extension.vector(2)?);
    let kind = names.number(1)?;
    let name = names.vector(2)?;
    if kind != 0 || !names.0.is_empty() || !extension.0.is_empty() {
        return Err(Refusal::ServerNameDiffers);
    }
    String::from_utf8(name.to_vec()).map_err(|_| Refusal::ServerNameDiffers)
}

/// What is left to read of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Refusal::NotTls)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, Refusal> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Bytes after their length, which itself has so many bytes.
    fn vector(&mut self, length_bytes: usize) -> Result<&'a [u8], Refusal> {
        let length = self.number(length_bytes)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(length_bytes: usize, body: &[u8]) -> Vec<u8> {
        let length = body.len().to_be_bytes();
        [&length[length.len() - length_bytes..], body].concat()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, body)].concat()
    }

    fn named(name: &str) -> Vec<u8> {
        extension(SERVER_NAME, &vector(2, &[&[0][..], &vector(2, name.as_bytes())].concat()))
    }

    fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
        let body = [
            &[3, 3][..],
            &[7; 32],
            &vector(1, &[]),
            &vector(2, &[0x13, 1]),
            &vector(1, &[0]),
            &vector(2, &extensions.concat()),
        ]
        .concat();
        [&[CLIENT_HELLO][..], &vector(3, &body)].concat()
    }

    fn record(message: &[u8]) -> Vec<u8> {
        [&[HANDSHAKE, 3, 1][..], &vector(2, message)].concat()
    }

    #[track_caller]
    fn check(read: &[u8], expected: Result<Option<Option<&str>>, Refusal>) {
        assert_eq!(server_name(read), expected.map(|found| found.map(|name| name.map(str::to_owned))));
    }

    #[test]
    fn the_name_is_found() {
        check(&record(&hello(&[extension(10, &[0, 0]), named("a.example")])), Ok(Some(Some("a.example"))));
        check(&record(&hello(&[])), Ok(Some(None)));
    }

    #[test]
    fn a_greeting_may_come_in_pieces() {
        let whole = hello(&[named("a.example")]);
        let pieces: Vec<u8> = whole.chunks(7).flat_map(record).collect();
        for end in 0..pieces.len() {
            check(&pieces[..end], Ok(None));
        }
        check(&pieces, Ok(Some(Some("a.example"))));
    }

    #[test]
    fn what_servers_may_read_differently_is_refused() {
        check(&record(&hello(&[named("a.example"), named("b.example")])), Err(Refusal::ServerNameDiffers));
        let two = [&[0][..], &vector(2, b"a.example"), &[0], &vector(2, b"b.example")].concat();
        check(&record(&hello(&[extension(SERVER_NAME, &vector(2, &two))])), Err(Refusal::ServerNameDiffers));
        let hidden = hello(&[named("a.example"), extension(ENCRYPTED_CLIENT_HELLO, &[0; 9])]);
        check(&record(&hidden), Err(Refusal::ServerNameHidden));
    }

    #[test]
    fn what_is_not_tls_is_refused() {
        check(b"GET / HTTP/1.1\r\n", Err(Refusal::NotTls));
        check(b"SSH-2.0-x", Err(Refusal::NotTls));
        check(&[HANDSHAKE, 9], Err(Refusal::NotTls));
        check(&[HANDSHAKE, 3, 1, 0, 0], Err(Refusal::NotTls));
        check(&record(&[2, 0, 0, 1, 0]), Err(Refusal::NotTls));
        check(&record(&[CLIENT_HELLO, 255, 255, 255]), Err(Refusal::NotTls));
        let mut cut = hello(&[named("a.example")]);
        cut.truncate(60);
        cut[3] = 56;
        check(&record(&cut), Err(Refusal::NotTls));
    }
}
