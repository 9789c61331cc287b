//! The values that providers are made of, and what may be one.

use ::models::{Dialect, Price, TimeoutOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::error::Error;
use crate::extract::unfit;
use crate::wire::is_blank;

/// What may be a base URL: this machine, an address or a domain, with lower-case letters.
const BASE_URL: &str = r"^https?://(localhost|\[::1\]|((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?)(:([1-9][0-9]{0,3}|[1-5][0-9]{4}))?(/[A-Za-z0-9._~-]+)*/?$";
const LONGEST_URL: usize = 500;
const LONGEST_MODEL: usize = 200;
const LONGEST_KEY: usize = 500;

/// How a provider speaks; the document lists what is known.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[schema(value_type = String)]
#[serde(transparent)]
pub(crate) struct DialectName(pub Dialect);

impl DialectName {
    /// The names of all that this version speaks.
    pub(crate) fn known() -> Vec<&'static str> {
        let is_known = |name: &&str| serde_json::from_value::<Dialect>(json!(name)).is_ok();
        ["chat", "anthropic", "gemini", "responses"].into_iter().filter(is_known).collect()
    }
}

/// How long to wait, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"connect_ms": 5000, "first_content_ms": 90000, "stall_ms": 30000, "total_ms": 300000}))]
pub(super) struct Timeouts {
    /// For the connection.
    #[schema(minimum = 1, maximum = 3_600_000)]
    connect_ms: u64,
    /// For the first word of the answer.
    #[schema(minimum = 1, maximum = 3_600_000)]
    first_content_ms: u64,
    /// Between two parts of an answer.
    #[schema(minimum = 1, maximum = 3_600_000)]
    stall_ms: u64,
    /// For all tries together.
    #[schema(minimum = 1, maximum = 3_600_000)]
    total_ms: u64,
}

impl Timeouts {
    pub(super) fn check(&self) -> Result<(), Error> {
        let all = [self.connect_ms, self.first_content_ms, self.stall_ms, self.total_ms];
        if all.iter().all(|ms| (1..=3_600_000).contains(ms)) {
            return Ok(());
        }
        Err(unfit("each of `timeouts` must be from 1 to 3600000"))
    }
}

impl From<Timeouts> for TimeoutOptions {
    fn from(timeouts: Timeouts) -> Self {
        let Timeouts { connect_ms, first_content_ms, stall_ms, total_ms } = timeouts;
        Self { connect_ms, first_content_ms, stall_ms, total_ms }
    }
}

impl From<TimeoutOptions> for Timeouts {
    fn from(options: TimeoutOptions) -> Self {
        let TimeoutOptions { connect_ms, first_content_ms, stall_ms, total_ms } = options;
        Self { connect_ms, first_content_ms, stall_ms, total_ms }
    }
}

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"input": 0.4, "output": 1.6, "cached": 0.1}))]
pub(super) struct ModelPrice {
    /// Of the prompt.
    #[schema(minimum = 0, maximum = 1_000_000)]
    input: f64,
    /// Of the answer.
    #[schema(minimum = 0, maximum = 1_000_000)]
    output: f64,
    /// Of the prompt where the provider has it cached; as `input` where null.
    #[schema(minimum = 0, maximum = 1_000_000)]
    cached: Option<f64>,
}

impl ModelPrice {
    pub(super) fn check(&self) -> Result<(), Error> {
        let all = [Some(self.input), Some(self.output), self.cached];
        if all.into_iter().flatten().all(|usd| (0.0..=1_000_000.0).contains(&usd)) {
            return Ok(());
        }
        Err(unfit("each of `price` must be from 0 to 1000000"))
    }
}

impl From<ModelPrice> for Price {
    fn from(price: ModelPrice) -> Self {
        let ModelPrice { input, output, cached } = price;
        Self { input, output, cached }
    }
}

impl From<Price> for ModelPrice {
    fn from(price: Price) -> Self {
        let Price { input, output, cached } = price;
        Self { input, output, cached }
    }
}

/// The shapes that the document cannot derive.
pub(crate) fn complete_schemas(schemas: &mut Value) {
    schemas["DialectName"] =
        json!({"type": "string", "enum": DialectName::known(), "description": "How a provider speaks."});
    schemas["NewProvider"]["anyOf"] =
        json!([{"required": ["preset"]}, {"required": ["name", "base_url", "model"]}]);
    for name in ["NewProvider", "ChangeProvider"] {
        schemas[name]["properties"]["base_url"]["pattern"] = json!(BASE_URL);
    }
    // What is taken from a preset when it is null must then come from one.
    for name in ["preset", "name", "base_url", "model"] {
        schemas["NewProvider"]["properties"][name]["type"] = json!("string");
    }
}

pub(super) fn check_title(title: &str) -> Result<(), Error> {
    crate::runs::check_text("title", title, 200)
}

pub(super) fn check_model(model: &str) -> Result<(), Error> {
    if is_blank(model) || model.chars().count() > LONGEST_MODEL {
        return Err(unfit("`model` must have from 1 to 200 characters"));
    }
    Ok(())
}

pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(unfit("`api_key` must have from 1 to 500 visible characters of ASCII"))
}

pub(super) fn check_variable(name: &str) -> Result<(), Error> {
    let stem = name.strip_suffix("_KEY").or_else(|| name.strip_suffix("_TOKEN")).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = stem.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
    if begins && stem.len() <= 100 && stem.bytes().all(is_plain) {
        return Ok(());
    }
    Err(unfit("`api_key_env` must be the name of a variable that ends in _KEY or _TOKEN"))
}

pub(super) fn check_base_url(text: &str) -> Result<(), Error> {
    if text.len() <= LONGEST_URL && is_base_url(text).is_some() {
        return Ok(());
    }
    Err(unfit(
        "`base_url` must be like https://api.example.com/v1: http or https, a host in lower case, a port and a path",
    ))
}

/// Whether [`BASE_URL`] fits.
fn is_base_url(text: &str) -> Option<()> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let (host, port) = match authority.strip_prefix("[::1]") {
        Some("") => ("localhost", None),
        Some(port) => ("localhost", Some(port.strip_prefix(':')?)),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_port = |port: &str| {
        let number = port.parse::<u32>().is_ok_and(|number| (1..60_000).contains(&number));
        number && port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0')
    };
    let is_segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        !segment.is_empty() && segment.bytes().all(plain)
    };
    let path = path.map(|path| path.strip_suffix('/').unwrap_or(path)).filter(|path| !path.is_empty());
    let fits =
        port.is_none_or(is_port) && is_host(host) && path.is_none_or(|path| path.split('/').all(is_segment));
    fits.then_some(())
}

fn is_host(host: &str) -> bool {
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends =
            bytes.first().is_some_and(|byte| plain(*byte)) && bytes.last().is_some_and(|byte| plain(*byte));
        ends && bytes.len() <= 63 && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or(host);
    host.split('.').all(is_label) && last.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_one_that_can_be_asked() {
        for (url, fits) in [
            ("http://127.0.0.1:11434/v1", true),
            ("https://api.kimi.com/coding/v1/", true),
            ("http://localhost", true),
            ("http://[::1]:9/v1", true),
            ("https://a-b.example", true),
            ("https://generativelanguage.googleapis.com/v1beta/openai", true),
            ("ftp://example.org", false),
            ("file:///etc/passwd", false),
            ("https://user:word@example.org", false),
            ("https://example.org/v1?key=x", false),
            ("https://example.org/#x", false),
            ("https://1.2.3.4.5", false),
            ("https://256.1.1.1", false),
            ("https://example.org:0", false),
            ("https://example.org:65536", false),
            ("https://exämple.org", false),
            ("https://a..b", false),
            ("https://a//b", false),
            ("https://", false),
        ] {
            assert_eq!(is_base_url(url).is_some(), fits, "{url}");
        }
    }

    #[test]
    fn a_key_is_read_from_variables_that_hold_keys_only() {
        for (name, fits) in
            [("OPENAI_API_KEY", true), ("HF_TOKEN", true), ("PATH", false), ("_KEY", false), ("a_KEY", false)]
        {
            assert_eq!(check_variable(name).is_ok(), fits, "{name}");
        }
    }
}
