//! Reads documents in child processes, so that one that kills its reader kills nothing else.
//!
//! Each worker is a thread of this process and a child of that thread. The thread gives the child one
//! document at a time and waits for the answer no longer than [`Limits::wall`]; a child that dies, hangs
//! or talks nonsense gives that document its error and is replaced before the next one. The child limits
//! itself before it reads anything (`confine`): memory, processor time, no files, no
//! environment. It ends with the thread it belongs to, however that ends.
//!
//! The program that is started must call [`serve_worker`]; Atelier starts itself with a hidden
//! sub-command.
//!
//! Start reading at [`Workers::extract`], then `process`.

mod confine;
mod process;
mod protocol;
mod serve;

use std::ffi::OsString;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::chunk::{Chunk, ChunkOptions};
use crate::document::{Extracted, Hint};
use crate::error::{Error, Result};
use crate::limits::Limits;
use process::Process;
use protocol::{Header, Setup};

pub use serve::{serve_worker, serve_worker_with};

/// After so many documents a child is replaced, so that nothing adds up.
const DOCUMENTS_PER_CHILD: usize = 500;

/// A pool of processes that read documents.
#[derive(Debug)]
pub struct Workers {
    jobs: Sender<Job>,
    /// One permit for each worker, so that documents wait with their owners and not here.
    free: Semaphore,
    limits: Limits,
}

/// A document, and where its answer goes.
struct Job {
    bytes: Vec<u8>,
    header: Header,
    answer: oneshot::Sender<Result<(Extracted, Vec<Chunk>)>>,
}

impl Workers {
    /// A pool of `count` workers, at least one, each a child that runs `program` (a path and its
    /// arguments). Nothing is started before the first document.
    pub fn new(program: Vec<OsString>, count: usize, limits: Limits) -> Self {
        Self::with_options(program, count, limits, ChunkOptions::default())
    }

    /// A pool whose chunks are of other sizes.
    pub fn with_options(program: Vec<OsString>, count: usize, limits: Limits, options: ChunkOptions) -> Self {
        let count = count.max(1);
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let worker = Worker {
                program: program.clone(),
                setup: Setup { limits: limits.clone(), options: options.clone() },
                child: None,
                documents: 0,
            };
            let queue = Arc::clone(&queue);
            // Without the thread its share of the documents is read by the others; without any of
            // them, sending fails and the document is refused.
            let _ = thread::Builder::new().name("extract-worker".into()).spawn(move || worker.work(&queue));
        }
        Self { jobs, free: Semaphore::new(count), limits }
    }

    /// Reads a document and divides it into chunks. A document waits until a worker is free; if the
    /// future is dropped, the child that reads it is ended.
    ///
    /// # Errors
    /// Every kind of [`Error`].
    pub async fn extract(&self, bytes: Vec<u8>, hint: Hint<'_>) -> Result<(Extracted, Vec<Chunk>)> {
        self.limits.admit(bytes.len() as u64)?;
        let gone = || Error::WorkerUnavailable { reason: "its thread is gone".into() };
        let _permit = self.free.acquire().await.map_err(|_| gone())?;
        let (answer, answered) = oneshot::channel();
        let header = Header {
            name: hint.name.map(str::to_owned),
            media_type: hint.media_type.map(str::to_owned),
            bytes: bytes.len() as u64,
        };
        self.jobs.send(Job { bytes, header, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// One thread and its child.
struct Worker {
    program: Vec<OsString>,
    setup: Setup,
    child: Option<Process>,
    documents: usize,
}

impl Worker {
    /// Takes documents until the pool is gone. The child is ended with the thread.
    fn work(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut job) = next else { return };
            let result = self.read(&mut job);
            // Nobody may be waiting any more.
            let _ = job.answer.send(result);
        }
    }

    fn read(&mut self, job: &mut Job) -> Result<(Extracted, Vec<Chunk>)> {
        if self.documents >= DOCUMENTS_PER_CHILD || self.child.as_mut().is_some_and(Process::has_ended) {
            self.child = None;
        }
        let child = match &mut self.child {
            Some(child) => child,
            empty => {
                self.documents = 0;
                empty.insert(Process::start(&self.program, &self.setup)?)
            }
        };
        self.documents += 1;
        let answer = child.ask(&job.header, &job.bytes, self.setup.limits.wall, &|| job.answer.is_closed());
        // The document is not needed while others are waiting for their turn.
        job.bytes = Vec::new();
        match answer {
            Ok(answer) => answer,
            Err(failure) => {
                let error = child.end(&failure, &self.setup.limits);
                self.child = None;
                Err(error)
            }
        }
    }
}
