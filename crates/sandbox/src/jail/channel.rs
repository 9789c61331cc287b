//! What a server and a jail that stays say to each other: one message a datagram, as JSON, with
//! descriptors beside it.
//!
//! The socket is made by the server and reaches init through the launcher. Programs never see it:
//! it is closed when they are executed, and init, which keeps it, cannot be looked into.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::wire::Program;

/// The longest message; a program's arguments and environment have to fit into one.
pub(super) const LONGEST: usize = 192 << 10;
/// The most descriptors in one message.
const DESCRIPTORS: usize = 4;

/// What the server asks of init.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// Start a program. Beside it: its standard input, output and error, unless it gets a terminal.
    Start { id: u64, program: Program, limits: ProgramLimits, terminal: Option<Size> },
    /// End a program and all it started.
    Kill { id: u64 },
    /// What Ctrl-C does: `SIGINT` for the program's process group.
    Interrupt { id: u64 },
    /// End all programs.
    KillAll { id: u64 },
    /// Stop all programs where they are.
    Pause { id: u64 },
    /// Let them go on.
    Resume { id: u64 },
    /// Begin a connection to a port of the jail's own loopback.
    Connect { id: u64, port: u16, is_v6: bool },
    /// Which ports are listened on.
    Ports { id: u64 },
}

/// What init tells the server. All but [`Tell::Ready`] answer to the number of what was asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tell {
    /// The jail is built. Beside it, where there are ways out: the sockets of `launcher::ways_out`.
    Ready,
    /// The program is about to have a process. Beside it: its terminal, where it was given one.
    Started { id: u64 },
    /// It could not be executed.
    CannotStart { id: u64, errno: i32 },
    /// A part of its confinement was refused.
    Refused { id: u64, stage: String, errno: i32 },
    /// It ended, and so did all it started.
    Ended { id: u64, end: End, cpu_us: u64, peak_memory_bytes: u64 },
    /// The connection, beside it, is on its way; or it failed at once.
    Connection { id: u64, errno: Option<i32> },
    /// The ports, ascending.
    Ports { id: u64, ports: Vec<u16> },
    /// It is done.
    Done { id: u64 },
}

impl Tell {
    /// What it answers to.
    pub(super) fn id(&self) -> Option<u64> {
        match self {
            Self::Ready => None,
            Self::Started { id }
            | Self::CannotStart { id, .. }
            | Self::Refused { id, .. }
            | Self::Ended { id, .. }
            | Self::Connection { id, .. }
            | Self::Ports { id, .. }
            | Self::Done { id } => Some(*id),
        }
    }
}

/// How a program of a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Exited(i32),
    Signalled(i32),
    /// It used up the processor time it was given.
    CpuLimit,
    /// All programs were ended because the workspace holds too much.
    DiskLimit,
    /// All programs were ended because they hold too much memory.
    OutOfMemory,
}

/// Limits of one program of a session; the session has others.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct ProgramLimits {
    pub cpu_ms: Option<u64>,
    pub file_bytes: u64,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Size {
    pub rows: u16,
    pub columns: u16,
}

/// The two ends of a channel.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    for end in [&ours, &theirs] {
        // The kernel doubles it, and needs some of it for itself.
        sockopt::set_socket_send_buffer_size(end, LONGEST)?;
    }
    Ok((ours, theirs))
}

/// A message as it is sent; `None` when it is too long.
pub(super) fn encode(message: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(message).ok().filter(|encoded| encoded.len() <= LONGEST)
}

/// Sends one message, whole.
pub(super) fn send(socket: BorrowedFd<'_>, encoded: &[u8], beside: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !beside.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(beside)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[IoSlice::new(encoded)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one message; `None` when the other side is gone.
pub(super) fn receive<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    buffer.resize(LONGEST, 0);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let beside = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    let message = serde_json::from_slice(&buffer[..received.bytes])?;
    Ok(Some((message, beside)))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read, Write},
        os::fd::AsFd,
    };

    use super::*;

    #[test]
    fn a_message_arrives_whole_with_what_lies_beside_it() {
        let (ours, theirs) = pair().expect("a pair");
        let (reader, writer) = io::pipe().expect("a pipe");
        let long = Ask::Start {
            id: 7,
            program: Program {
                argv: vec!["x".repeat(150 << 10)],
                environment: Default::default(),
                folder: "/".into(),
            },
            limits: ProgramLimits { cpu_ms: None, file_bytes: 1 },
            terminal: None,
        };
        let encoded = encode(&long).expect("fits");
        send(ours.as_fd(), &encoded, &[writer.as_fd()]).expect("sent");
        drop(writer);
        let mut buffer = Vec::new();
        let (message, mut beside) = receive::<Ask>(theirs.as_fd(), &mut buffer).expect("read").expect("one");
        assert!(matches!(message, Ask::Start { id: 7, program, .. } if program.argv[0].len() == 150 << 10));
        File::from(beside.pop().expect("a descriptor")).write_all(b"hi").expect("written");
        let mut said = String::new();
        File::from(OwnedFd::from(reader)).read_to_string(&mut said).expect("read");
        assert_eq!(said, "hi");
        drop(ours);
        assert!(receive::<Ask>(theirs.as_fd(), &mut buffer).expect("read").is_none());
    }

    #[test]
    fn what_is_too_long_for_one_message_is_not_encoded() {
        assert!(encode(&"x".repeat(LONGEST)).is_none());
    }
}
