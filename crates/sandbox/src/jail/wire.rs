//! What the server and its launcher say to each other, and how it is framed.
//!
//! The server sends one frame (two lengths, the specification as JSON, then the bytes of standard
//! input); the launcher answers with one JSON report and closes. The end of the server's side, at
//! any time, means: kill. What is said to a jail that stays goes another way: see `channel`.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Everything the launcher needs to know about one jail.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub purpose: Purpose,
    pub workspace: PathBuf,
    pub layout: super::layout::Layout,
    pub limits: SpecLimits,
    pub cgroup: super::cgroup::Group,
    /// The host's user and group to become first, when the launcher is root.
    pub host_id: Option<u32>,
}

/// What a jail is made for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// One program; its end is the end of the jail.
    Run(Program),
    /// Programs that are asked for one by one, until the server lets go of it.
    Session { network: bool },
}

/// What to execute.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Program {
    pub argv: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// Where it starts, inside.
    pub folder: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SpecLimits {
    /// For a run only; programs of a session have their own.
    pub wall_ms: u64,
    /// The same.
    pub cpu_ms: u64,
    /// Thousandths of one processor that all programs together may use.
    pub cpu_share: Option<u32>,
    pub memory_bytes: u64,
    pub processes: u64,
    pub file_bytes: u64,
    pub disk_bytes: u64,
    pub inodes: u64,
}

impl From<&crate::Limits> for SpecLimits {
    fn from(limits: &crate::Limits) -> Self {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            wall_ms: millis(limits.wall),
            cpu_ms: millis(limits.cpu),
            cpu_share: None,
            memory_bytes: limits.memory_bytes,
            processes: limits.processes,
            file_bytes: limits.file_bytes,
            disk_bytes: limits.disk_bytes,
            inodes: limits.inodes,
        }
    }
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The kernel refused a part of the confinement; nothing was run.
    Refused { stage: String, errno: i32 },
    /// The program could not be executed.
    CannotStart { errno: i32 },
    /// The disk is too full to begin.
    DiskNearlyFull { free_bytes: u64 },
    /// It ran.
    Finished(Finished),
}

/// A run that came to an end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Finished {
    pub ending: Ending,
    pub duration_ms: u64,
    pub cpu_us: u64,
    pub peak_memory_bytes: Option<u64>,
}

/// [`Outcome`], as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    CpuLimit,
    OutOfMemory,
    DiskLimit,
    Cancelled,
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Exited(code) => Self::Exited(code),
            Ending::Signalled(signal) => Self::Signalled(signal),
            Ending::TimedOut => Self::TimedOut,
            Ending::CpuLimit => Self::CpuLimit,
            Ending::OutOfMemory => Self::OutOfMemory,
            Ending::DiskLimit => Self::DiskLimit,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

/// The frame the server sends.
pub(super) fn encode(spec: &Spec, stdin: &[u8]) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(spec)?;
    let mut frame = Vec::with_capacity(16 + json.len() + stdin.len());
    frame.extend_from_slice(&(json.len() as u64).to_le_bytes());
    frame.extend_from_slice(&(stdin.len() as u64).to_le_bytes());
    frame.extend_from_slice(&json);
    frame.extend_from_slice(stdin);
    Ok(frame)
}

/// Reads the specification; `stdin` receives the rest of the frame.
pub(super) fn receive(
    source: &mut impl Read,
    stdin: impl FnOnce(u64) -> io::Result<std::fs::File>,
) -> io::Result<(Spec, Option<std::fs::File>)> {
    let mut lengths = [0; 16];
    source.read_exact(&mut lengths)?;
    let length = |at: usize| u64::from_le_bytes(lengths[at..at + 8].try_into().expect("eight bytes"));
    let mut json = Vec::new();
    source.take(length(0)).read_to_end(&mut json)?;
    let spec = serde_json::from_slice(&json)?;
    if length(8) == 0 {
        return Ok((spec, None));
    }
    let mut file = stdin(length(8))?;
    if io::copy(&mut source.take(length(8)), &mut file)? != length(8) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((spec, Some(file)))
}

/// Sends the report. The server may be gone; then nobody is told.
pub(super) fn answer(sink: &mut impl Write, report: &Report) {
    if let Ok(json) = serde_json::to_vec(report) {
        let _ = sink.write_all(&json);
    }
}
