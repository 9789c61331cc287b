//! One Chromium: how it is found and started inside the sandbox, and how it is spoken to.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sandbox::{Command, Outcome, OutputChunk, Process, ProcessHandle, Session, Stream};
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use super::messages::{Cutter, Message};
use crate::project::in_words;

/// Programs, not the scripts around them: those want files that are not inside, or start others.
/// The small ones for this very purpose come first.
const PROGRAMS: [&str; 11] = [
    "/usr/bin/chrome-headless-shell",
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/headless_shell",
    "/usr/lib64/chromium-browser/headless_shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium/chrome",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib64/chromium/chromium",
    "/opt/google/chrome/chrome",
    "/opt/chromium.org/chromium/chrome",
];
/// Of these the ones that lie beside the system's own folders.
pub(super) const FOLDERS: [&str; 2] = ["/opt/google/chrome", "/opt/chromium.org/chromium"];

/// The protocol is spoken over the descriptors 3 and 4. What else Chromium writes goes to stderr.
/// `$0` is the profile, which one that was killed may have left. The first thing that is said is
/// the way out, as the session's environment names it, in a message like the protocol's.
/// A gigabyte of memory for one process, so that it is the page that fails which takes too much, and
/// not the dev server.
const SCRIPT: &str = r#"
rm -rf "$0"
ulimit -d 1048576 2>/dev/null
printf '{"method":"proxy","params":"%s"}\0' "$http_proxy"
programs=$1; shift
for program in $programs; do
  [ -x "$program" ] && exec "$program" --user-data-dir="$0" "$@" 3<&0 4>&1 0</dev/null 1>&2
done
exit 127"#;
const PROFILE: &str = "/tmp/browser";

const FLAGS: [&str; 26] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    // The jail is the sandbox. A second one would need namespaces, which there are none of inside.
    "--no-sandbox",
    "--disable-gpu",
    // Pages that draw in three dimensions do so by the processor.
    "--enable-unsafe-swiftshader",
    "--window-size=1280,800",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--lang=en-US",
    // Nothing is asked of other machines but what pages ask: they get the way out. Chromium itself
    // gets none, and finds no host.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--password-store=basic",
    // The last ones are parts of a window that nobody sees, each with a process of its own.
    "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,\
     HttpsUpgrades,MediaRouter,OptimizationHints,Translate,PreloadTopChromeWebUI,\
     WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
];

/// Three hundred megabytes may have to be read from a slow disk.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How much is kept of what it writes besides.
const SAID_BYTES: usize = 1 << 10;

/// Why there is none.
pub(super) enum NotStarted {
    /// Nothing of the kind is installed.
    Missing,
    /// It is, but.
    Failed(String),
}

/// Why something did not come about.
#[derive(Debug)]
pub(super) enum Failure {
    /// Chromium has ended, or does not listen any more.
    Gone,
    /// The time was over.
    Late,
    /// It says no.
    Refused(String),
}

/// One that runs. Dropping it ends it.
pub(super) struct Chromium {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: mpsc::Receiver<OutputChunk>,
    handle: ProcessHandle,
    cutter: Cutter,
    cut: VecDeque<Message>,
    said: Vec<u8>,
    calls: u64,
    proxy: Option<String>,
}

impl Chromium {
    pub(super) async fn start(sandbox: &dyn Session) -> Result<Self, NotStarted> {
        let programs = PROGRAMS.join(" ");
        let script = ["sh", "-c", SCRIPT, PROFILE, &programs];
        let argv = script.iter().chain(&FLAGS).map(|argument| (*argument).to_owned()).collect();
        let command = Command { argv, ..Command::default() };
        let failed = |error: sandbox::Error| NotStarted::Failed(error.to_string());
        let Process { input, output, handle } = sandbox.start(command, None).await.map_err(failed)?;
        let mut chromium = Self {
            input,
            output,
            handle,
            cutter: Cutter::default(),
            cut: VecDeque::new(),
            said: Vec::new(),
            calls: 0,
            proxy: None,
        };
        let until = Instant::now() + START_TIMEOUT;
        match chromium.begin(until).await {
            Ok(()) => Ok(chromium),
            Err(failure) => Err(chromium.why_not(&failure).await),
        }
    }

    async fn begin(&mut self, until: Instant) -> Result<(), Failure> {
        let id = self.send(None, "Target.setDiscoverTargets", json!({ "discover": true }), until).await?;
        loop {
            let message = self.next(until).await?;
            if message.id == Some(id) {
                return Ok(());
            }
            if message.method.as_deref() == Some("proxy") {
                self.proxy = message.params.and_then(|address| serde_json::from_str(address.get()).ok());
            }
        }
    }

    /// The way out of the session, for pages.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref().filter(|address| !address.is_empty())
    }

    async fn why_not(mut self, failure: &Failure) -> NotStarted {
        if matches!(failure, Failure::Late) {
            return NotStarted::Failed(format!("it said nothing for {} s", START_TIMEOUT.as_secs()));
        }
        // What it said last is on its way.
        let until = Instant::now() + Duration::from_secs(2);
        while self.next(until).await.is_ok() {}
        let said = String::from_utf8_lossy(&self.said);
        let last = said.trim_end().rsplit('\n').next().unwrap_or_default();
        match timeout_at(until.into(), self.handle.wait()).await {
            Ok(Ok(exit)) if exit.outcome == Outcome::Exited(127) && last.is_empty() => NotStarted::Missing,
            Ok(Ok(exit)) => NotStarted::Failed(format!("it {}. {last}", in_words(exit.outcome))),
            Ok(Err(error)) => NotStarted::Failed(error.to_string()),
            Err(_) => NotStarted::Failed("it does not listen".into()),
        }
    }

    /// Whether it can still be spoken to.
    pub(super) fn is_alive(&self) -> bool {
        self.handle.exit().is_none() && !self.output.is_closed()
    }

    /// Asks for something and gives the call's number.
    pub(super) async fn send(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
        until: Instant,
    ) -> Result<u64, Failure> {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        let mut text = call.to_string().into_bytes();
        text.push(0);
        // One that does not read has had only a part of it, and cannot be used any more.
        match timeout_at(until.into(), self.input.write_all(&text)).await {
            Ok(Ok(())) => Ok(self.calls),
            Ok(Err(_)) => Err(Failure::Gone),
            Err(_) => Err(Failure::Late),
        }
    }

    /// What it tells next.
    pub(super) async fn next(&mut self, until: Instant) -> Result<Message, Failure> {
        loop {
            // One that never stops talking is not waited for either.
            if Instant::now() >= until {
                return Err(Failure::Late);
            }
            if let Some(message) = self.cut.pop_front() {
                return Ok(message);
            }
            let chunk = timeout_at(until.into(), self.output.recv()).await.map_err(|_| Failure::Late)?;
            let OutputChunk { stream, bytes, .. } = chunk.ok_or(Failure::Gone)?;
            match stream {
                Stream::Stdout => self.cut.extend(self.cutter.take(&bytes)),
                Stream::Stderr => {
                    self.said.extend_from_slice(&bytes);
                    let excess = self.said.len().saturating_sub(SAID_BYTES);
                    self.said.drain(..excess);
                }
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.handle.kill();
    }
}
