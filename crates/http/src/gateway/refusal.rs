//! What went wrong, in the client's dialect.

use ::models::dialect::Failure;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::answer;
use super::client::Client;
use crate::error::Error;

/// A request that is not answered.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: String,
    message: String,
    provider: Option<String>,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    pub fn invalid(message: String) -> Self {
        Self {
            status: 400,
            code: "invalid_request".into(),
            message,
            provider: None,
            retry_after_seconds: None,
        }
    }

    pub fn too_large(message: String) -> Self {
        Self { status: 413, code: "too_large".into(), ..Self::invalid(message) }
    }

    pub fn not_found(message: String) -> Self {
        Self { status: 404, code: "model_not_found".into(), ..Self::invalid(message) }
    }

    pub fn nothing_kept() -> Self {
        let message = "Atelier keeps no answers, so there is none to be found by its id; send the whole \
                       conversation as `input`";
        Self { status: 404, code: "response_not_found".into(), ..Self::invalid(message.into()) }
    }

    pub fn failure(&self) -> Failure<'_> {
        Failure {
            status: self.status,
            code: &self.code,
            message: &self.message,
            provider: self.provider.as_deref(),
            request_id: None,
        }
    }

    pub fn response(&self, client: Client, request_id: &str) -> Response {
        let failure = Failure { request_id: Some(request_id), ..self.failure() };
        let mut response = answer::json(&client.failure(&failure));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = error.status().as_u16();
        let message = match error.hint() {
            Some(hint) => format!("{}. {hint}", error.to_string().trim_end_matches('.')),
            None => error.to_string(),
        };
        let provider = error.provider().map(str::to_owned);
        let retry_after_seconds =
            matches!(status, 429 | 503).then(|| error.retry_after_seconds().unwrap_or(5));
        Self { status, code: error.code().to_owned(), message, provider, retry_after_seconds }
    }
}

impl From<kernel::Error> for Refusal {
    fn from(error: kernel::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<::models::Error> for Refusal {
    fn from(error: ::models::Error) -> Self {
        tracing::warn!(code = error.code(), "no answer of a model: {error}");
        let fault = error.fault_of_request().map(str::to_owned);
        let seconds = error.retry_after().map(|wait| wait.as_secs_f64().ceil() as u64);
        let refusal = Self::from(Error::from(error));
        Self {
            code: fault.unwrap_or(refusal.code),
            // Who has to wait is told as long as the provider said.
            retry_after_seconds: refusal.retry_after_seconds.map(|usual| seconds.unwrap_or(usual)),
            ..refusal
        }
    }
}
