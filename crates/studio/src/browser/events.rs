//! The events of the protocol that are listened to, with what is read of each. Everything may be
//! missing: it comes from inside the sandbox.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::messages::Message;

/// One event.
#[derive(Debug)]
pub(super) enum Event {
    Navigated(Frame),
    Loaded,
    Asks(RequestWillBeSent),
    Answered(ResponseReceived),
    Finished {
        request_id: String,
    },
    Failed(LoadingFailed),
    Threw(ExceptionDetails),
    /// An exception that was caught later after all.
    Caught {
        exception_id: u64,
    },
    Called(ConsoleCall),
    Logged(Entry),
    Dialog {
        kind: String,
    },
    Crashed,
    Opened(Target),
}

impl Event {
    /// The event a message tells, if it is one of these.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let params = message.params.as_ref()?;
        Some(match message.method.as_deref()? {
            "Page.frameNavigated" => Self::Navigated(read::<FrameNavigated>(params)?.frame),
            "Page.loadEventFired" => Self::Loaded,
            "Network.requestWillBeSent" => Self::Asks(read(params)?),
            "Network.responseReceived" => Self::Answered(read(params)?),
            "Network.loadingFinished" => {
                Self::Finished { request_id: read::<LoadingFailed>(params)?.request_id }
            }
            "Network.loadingFailed" => Self::Failed(read(params)?),
            "Runtime.exceptionThrown" => Self::Threw(read::<ExceptionThrown>(params)?.exception_details),
            "Runtime.exceptionRevoked" => {
                Self::Caught { exception_id: read::<ExceptionDetails>(params)?.exception_id }
            }
            "Runtime.consoleAPICalled" => Self::Called(read(params)?),
            "Log.entryAdded" => Self::Logged(read::<EntryAdded>(params)?.entry),
            "Page.javascriptDialogOpening" => Self::Dialog { kind: read::<Dialog>(params)?.kind },
            "Inspector.targetCrashed" => Self::Crashed,
            "Target.targetCreated" => Self::Opened(read::<TargetCreated>(params)?.target_info),
            _ => return None,
        })
    }
}

/// Reads what is expected, and nothing if it is something else.
pub(super) fn read<'text, T: Deserialize<'text>>(raw: &'text RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// Defines the protocol's objects, whose fields are written in camel case.
macro_rules! objects {
    ($($name:ident { $($field:ident: $of:ty $(= $wire:literal)?),* $(,)? })*) => {
        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            pub(super) struct $name { $($(#[serde(rename = $wire)])? pub $field: $of),* }
        )*
    };
}

objects! {
    FrameNavigated { frame: Frame }
    Frame { id: String, parent_id: Option<String>, loader_id: String, url: String, unreachable_url: Option<String> }
    RequestWillBeSent {
        request_id: String, loader_id: String, request: Request, initiator: Initiator,
        kind: String = "type", frame_id: String,
    }
    Request { url: String, method: String }
    Initiator { url: String, line_number: Option<f64> }
    ResponseReceived { request_id: String, response: Response, kind: String = "type", frame_id: String }
    Response { url: String, status: u16 }
    LoadingFailed {
        request_id: String, error_text: String, canceled: bool, blocked_reason: Option<String>,
        kind: String = "type",
    }
    ExceptionThrown { exception_details: ExceptionDetails }
    ExceptionDetails {
        exception_id: u64, text: String, line_number: u32, url: Option<String>,
        stack_trace: StackTrace, exception: RemoteObject,
    }
    StackTrace { call_frames: Vec<CallFrame> }
    CallFrame { url: String, line_number: u32 }
    RemoteObject {
        kind: String = "type", value: Option<Box<RawValue>>, description: Option<String>,
        unserializable_value: Option<String>,
    }
    ConsoleCall { kind: String = "type", args: Vec<RemoteObject>, stack_trace: StackTrace }
    EntryAdded { entry: Entry }
    Entry { source: String, level: String, text: String, url: Option<String>, line_number: u32 }
    Dialog { kind: String = "type" }
    TargetCreated { target_info: Target }
    Target { target_id: String, kind: String = "type", browser_context_id: String }
}

impl StackTrace {
    /// Where it happened, if a script is known.
    pub(super) fn place(&self) -> Option<(&str, u32)> {
        let frame = self.call_frames.iter().find(|frame| !frame.url.is_empty())?;
        Some((&frame.url, frame.line_number))
    }
}
