//! `/v1`: what is, what would be done, what was.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use tokio::time::timeout;

use super::body::{AnswerBody, Daemon, StatusBody};
use super::error::{ErrorBody, Failure};
use super::{Edges, Reader};
use crate::cli::Verb;
use crate::serve::seen::stamp;

/// Slots, what boots next, what became of the last update, and what the daemon does. Never waits for a running update.
#[utoipa::path(get, path = "/v1/status", tag = "v1", responses(
    (status = 200, body = StatusBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn status(_: Reader, State(edges): State<Edges>) -> Result<Json<StatusBody>, Failure> {
    Ok(Json(StatusBody { answer: local(&edges, Verb::Status).await?, daemon: daemon(&edges) }))
}

/// What happened to this host, oldest first.
#[utoipa::path(get, path = "/v1/history", tag = "v1", responses(
    (status = 200, body = AnswerBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn history(_: Reader, State(edges): State<Edges>) -> Result<Json<AnswerBody>, Failure> {
    local(&edges, Verb::History).await.map(Json)
}

/// What `updog plan` says now: asks the repository, at most once in half a minute. `ok` is false when there is no plan.
#[utoipa::path(get, path = "/v1/plan", tag = "v1", responses(
    (status = 200, body = AnswerBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn plan(_: Reader, State(edges): State<Edges>) -> Result<Json<AnswerBody>, Failure> {
    let mut kept = edges.plan.lock().await;
    let object = match &*kept {
        Some((at, object)) if at.elapsed() < PLAN_KEPT => object.clone(),
        _ => {
            let broken = |error: crate::Error| Failure::Broken(crate::answer::chain(&error));
            let run = edges.program.run(&["plan"]).map_err(broken)?;
            let ended = timeout(PLAN_WITHIN, run.end(edges.clock, &mut |_| ())).await;
            let ended = ended
                .map_err(|_| Failure::Broken(format!("no plan within {} seconds", PLAN_WITHIN.as_secs())))?
                .map_err(broken)?;
            let object = ended.object.ok_or(Failure::Broken(ended.message))?;
            *kept = Some((Instant::now(), object.clone()));
            object
        }
    };
    serde_json::from_value(object).map(Json).map_err(|error| Failure::Broken(error.to_string()))
}

/// The host's state for Prometheus (docs/seen.md).
#[utoipa::path(get, path = "/metrics", tag = "v1", responses(
    (status = 200, content_type = "text/plain", body = String), (status = 403, body = ErrorBody),
))]
pub(super) async fn metrics(_: Reader, State(edges): State<Edges>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], edges.local.metrics().await)
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "v1", responses(
    (status = 200, content_type = "application/json", body = Object), (status = 403, body = ErrorBody),
))]
pub(super) async fn description(_: Reader) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], super::openapi())
}

/// What a local verb answers.
pub(super) async fn local(edges: &Edges, verb: Verb) -> Result<AnswerBody, Failure> {
    let name = verb.name();
    let answer = edges.local.ask(verb).await;
    AnswerBody::of(name, &answer).map_err(|error| Failure::Broken(error.to_string()))
}

pub(super) fn daemon(edges: &Edges) -> Daemon {
    let now = edges.seen.now();
    Daemon { doing: now.doing, next_turn: now.next_turn.map(stamp) }
}

const PLAN_KEPT: Duration = Duration::from_secs(30);
const PLAN_WITHIN: Duration = Duration::from_mins(5);
