//! What Google's errors say beside their message, which others say with a status or a header.

use std::time::Duration;

use serde_json::Value;

/// How long to wait, from a `RetryInfo`.
pub(crate) fn retry_delay(body: &[u8]) -> Option<Duration> {
    let details = details(body);
    let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Whether a refusal of the request, status 400, is one of the key.
pub(crate) fn refuses_key(body: &[u8]) -> bool {
    details(body).iter().any(|detail| detail["reason"] == "API_KEY_INVALID")
}

fn details(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // Without `alt=sse` an error comes as a list of one.
    let body = body.get(0).unwrap_or(&body);
    body["error"]["details"].as_array().cloned().unwrap_or_default()
}
