//! Completes the `{id}` of a resource's template: by the beginning of the id, or by a part of the
//! title, which is what a person remembers.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};
use serde::Deserialize;

use super::handler::{Asked, error_of};
use super::resources::{Kind, Listed};

/// As many as are looked at.
const LOOKED_AT: u32 = 500;

#[derive(Deserialize)]
struct Page {
    items: Vec<Listed>,
}

pub(super) async fn complete(
    asked: &Asked,
    request: CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let kind = match &request.r#ref {
        Reference::Resource(resource) => Kind::shown_to(asked).find(|kind| kind.template() == resource.uri),
        _ => None,
    };
    let Some(kind) = kind.filter(|_| request.argument.name == "id") else {
        return Ok(CompleteResult::default());
    };
    let call = kind.listing().with("limit", Some(LOOKED_AT));
    let page: Page = asked.routes.call(&asked.credentials, call).await.map_err(error_of)?;
    let fitting = fitting(page.items, &request.argument.value);
    let total = u32::try_from(fitting.len()).unwrap_or(u32::MAX);
    let has_more = fitting.len() > CompletionInfo::MAX_VALUES;
    let values = fitting.into_iter().take(CompletionInfo::MAX_VALUES).collect();
    let info = CompletionInfo::with_pagination(values, Some(total), has_more);
    Ok(CompleteResult::new(info.map_err(|error| ErrorData::internal_error(error, None))?))
}

/// The ids that begin with the text, then those whose title holds it.
fn fitting(listed: Vec<Listed>, text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let (by_id, others): (Vec<_>, Vec<_>) = listed.into_iter().partition(|one| one.id.starts_with(&text));
    let titled = |one: &Listed| one.title.as_ref().is_some_and(|title| title.to_lowercase().contains(&text));
    by_id.into_iter().chain(others.into_iter().filter(titled)).map(|one| one.id).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let all = json!([
            {"id": "run_1a", "title": "Quarterly report"},
            {"id": "run_1b", "title": "Invoices"},
            {"id": "run_2", "title": null},
        ]);
        assert_eq!(fitting(serde_json::from_value(all).unwrap(), text), expected, "{text}");
    }

    #[test]
    fn ids_come_before_titles() {
        check("", &["run_1a", "run_1b", "run_2"]);
        check("run_1", &["run_1a", "run_1b"]);
        check("REPORT", &["run_1a"]);
        check("in", &["run_1b"]);
        check("nothing", &[]);
    }
}
