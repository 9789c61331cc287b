//! The child's side: it limits itself, then reads documents until its parent is gone.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::confine;
use super::protocol::{Answer, Header, Ready, Setup, receive, send};
use crate::chunk::chunk;
use crate::document::Hint;
use crate::error::Error;
use crate::extract::extract;

/// The most bytes of what comes before a document.
const LONGEST_HEADER: u64 = 1 << 20;

/// Serves as a worker: takes documents from `input` and answers on `output`, which should be the standard
/// ones. Limits the whole process first and closes everything but its standard files, so nothing else
/// may be going on in it. Returns when the parent is gone.
pub fn serve_worker(input: impl Read, output: impl Write) -> ExitCode {
    serve_worker_with(input, output, |_| {})
}

/// [`serve_worker`], with something that is done with the bytes of each document before it is read.
/// For programs that test what becomes of documents that break their reader.
#[doc(hidden)]
pub fn serve_worker_with(mut input: impl Read, mut output: impl Write, before: impl Fn(&[u8])) -> ExitCode {
    // What a panic says could hold parts of a document; the parent is told that there was one.
    std::panic::set_hook(Box::new(|_| {}));
    match serve(&mut input, &mut output, before) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(input: &mut impl Read, output: &mut impl Write, before: impl Fn(&[u8])) -> io::Result<()> {
    let setup: Setup = receive(input, LONGEST_HEADER)?;
    confine::process(setup.limits.memory)?;
    send(output, &Ready { ready: true })?;
    loop {
        let header: Header = match receive(input, LONGEST_HEADER) {
            Ok(header) => header,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        confine::allow_time(setup.limits.wall)?;
        let mut bytes = Vec::new();
        input.take(header.bytes).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != header.bytes {
            return Ok(());
        }
        let answer = catch_unwind(AssertUnwindSafe(|| {
            before(&bytes);
            read(&bytes, &header, &setup)
        }));
        drop(bytes);
        send(output, &answer.unwrap_or_else(|_| Err(Error::damaged("its reader broke on it"))))?;
    }
}

fn read(bytes: &[u8], header: &Header, setup: &Setup) -> Answer {
    let hint = Hint { name: header.name.as_deref(), media_type: header.media_type.as_deref() };
    let extracted = extract(bytes, &hint, &setup.limits)?;
    let chunks = chunk(&extracted, &setup.options);
    Ok((extracted, chunks))
}
