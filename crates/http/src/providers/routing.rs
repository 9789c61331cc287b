//! `GET|PATCH /api/v1/llm/routing`: who is asked, and in which order.

use ::models::providers::{Routing, RoutingChange};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admin, Caller, InvokeModels};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody, present, unfit};
use crate::infer::PolicyName;

const LONGEST_HEDGE_MS: u64 = 3_600_000;
const MOST_LINKS: usize = 100;

/// Who is asked, and in which order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "policy": "local-first", "local_only": false, "order": ["ollama", "openai"], "hedge_after_ms": null, "chain": null,
}))]
pub(super) struct ModelRouting {
    /// Who is asked first where a request does not say.
    policy: PolicyName,
    /// Whether only providers on this machine are asked, whatever a request says.
    local_only: bool,
    /// The names of all providers; the policy rearranges them.
    order: Vec<String>,
    /// Asks the next provider too when the first word has not come after so long.
    #[schema(required)]
    hedge_after_ms: Option<u64>,
    /// Who is asked in place of the policy's choice, where a request names neither model nor policy:
    /// `provider` or `provider/model`.
    #[schema(required)]
    chain: Option<Vec<String>>,
}

/// What is to be different. What is left out stays; null takes a value away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"local_only": true, "chain": null}))]
pub(super) struct ChangeModelRouting {
    /// Who is asked first where a request does not say.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = PolicyName, required = false)]
    policy: Option<PolicyName>,
    /// Whether only providers on this machine are asked, whatever a request says.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    local_only: Option<bool>,
    /// Names of providers; those left out come after them.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false)]
    order: Option<Vec<String>>,
    /// Asks the next provider too when the first word has not come after so long.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_600_000)]
    hedge_after_ms: Option<Option<u64>>,
    /// Who is asked in place of the policy's choice.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 100)]
    chain: Option<Option<Vec<String>>>,
}

impl WireBody for ChangeModelRouting {
    fn validate(&self) -> Result<(), Error> {
        if self.hedge_after_ms.flatten().is_some_and(|ms| !(1..=LONGEST_HEDGE_MS).contains(&ms)) {
            return Err(unfit("`hedge_after_ms` must be from 1 to 3600000"));
        }
        let links = self.chain.iter().flatten().next().map(Vec::len);
        if links.is_some_and(|links| !(1..=MOST_LINKS).contains(&links)) {
            return Err(unfit("`chain` must have from 1 to 100 links; null takes it away"));
        }
        Ok(())
    }
}

impl From<Routing> for ModelRouting {
    fn from(routing: Routing) -> Self {
        let Routing { policy, local_only, order, hedge_after_ms, chain } = routing;
        Self { policy: policy.into(), local_only, order, hedge_after_ms, chain }
    }
}

/// Shows the routing
///
/// Who is asked, and in which order.
#[utoipa::path(
    get,
    path = "/api/v1/llm/routing",
    tag = "models",
    responses((status = 200, description = "The routing", body = ModelRouting)),
    security(("token" = ["llm:invoke"])),
)]
pub(super) async fn get_routing(_caller: Caller<InvokeModels>, State(app): State<App>) -> Json<ModelRouting> {
    Json(app.services.providers.routing().into())
}

/// Changes the routing
///
/// It holds from the next call on, and from then on in place of what the settings say.
#[utoipa::path(
    patch,
    path = "/api/v1/llm/routing",
    tag = "models",
    request_body = ChangeModelRouting,
    responses(
        (status = 200, description = "The routing as it is now", body = ModelRouting),
        (status = 404, description = "`provider_not_found`: a name is nobody's"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn change_routing(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<ChangeModelRouting>,
) -> Result<Json<ModelRouting>, Error> {
    let change = RoutingChange {
        policy: body.policy.map(Into::into),
        local_only: body.local_only,
        order: body.order,
        hedge_after_ms: body.hedge_after_ms,
        chain: body.chain,
    };
    Ok(Json(app.services.providers.update_routing(change).await?.into()))
}
