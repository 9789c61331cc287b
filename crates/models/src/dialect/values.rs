//! Values that clients write the same way in several dialects.

use serde_json::Value;

use super::Misread;
use crate::message::Image;

/// A text or a list of texts.
pub(super) fn texts(value: &Value, name: &str) -> Result<Vec<String>, Misread> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(all) if all.iter().all(Value::is_string) => Ok(all.iter().map(word).collect()),
        _ => Err(Misread(format!("`{name}` must be a text or a list of texts"))),
    }
}

pub(super) fn list<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Misread> {
    match &body[name] {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(Misread(format!("`{name}` must be a list"))),
    }
}

pub(super) fn number(body: &Value, name: &str) -> Result<Option<f64>, Misread> {
    match &body[name] {
        Value::Null => Ok(None),
        value => value.as_f64().map(Some).ok_or_else(|| Misread(format!("`{name}` must be a number"))),
    }
}

/// A number of tokens.
pub(super) fn limit(body: &Value, name: &str) -> Result<Option<u32>, Misread> {
    let wrong = || Misread(format!("`{name}` must be a whole number of at least 1"));
    match &body[name] {
        Value::Null => Ok(None),
        value => {
            let count = value.as_u64().filter(|count| *count > 0).ok_or_else(wrong)?;
            Ok(Some(u32::try_from(count).unwrap_or(u32::MAX)))
        }
    }
}

/// The text, or nothing.
pub(super) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An address, or the picture itself as a `data:` URL.
pub(super) fn read_image(url: &str) -> Result<Image, Misread> {
    let Some(data) = url.strip_prefix("data:") else { return Ok(Image::Url { url: url.into() }) };
    let (media_type, data) = data
        .split_once(";base64,")
        .ok_or_else(|| Misread::new("an image in the request must be `data:<type>;base64,<data>`"))?;
    Ok(Image::Inline { media_type: media_type.into(), data: data.into() })
}

/// The same the other way.
pub(super) fn write_image(image: &Image) -> String {
    match image {
        Image::Url { url } => url.clone(),
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
    }
}
