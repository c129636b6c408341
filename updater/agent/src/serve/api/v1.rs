//! `/v1`: what is, what would be done, what was.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::Value;
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
    // A task of its own: a client that hangs up does not end the run, so that the next one finds its answer.
    let planned = tokio::spawn(async move { fresh_plan(&edges).await }).await;
    let object = planned.map_err(|error| Failure::Broken(error.to_string()))??;
    serde_json::from_value(object).map(Json).map_err(|error| Failure::Broken(error.to_string()))
}

/// The plan as it is kept, or a new one; one at a time.
async fn fresh_plan(edges: &Edges) -> Result<Value, Failure> {
    let mut kept = edges.plan.lock().await;
    if let Some((at, object)) = &*kept
        && at.elapsed() < PLAN_KEPT
    {
        return Ok(object.clone());
    }
    let broken = |error: crate::Error| Failure::Broken(crate::answer::chain(&error));
    // Who only reads changes nothing, not even when this host asks next.
    let run = edges.program.run(&["plan", "--aside"]).map_err(broken)?;
    let (status, bytes) = timeout(PLAN_WITHIN, run.answer(&mut |_| ()))
        .await
        .map_err(|_| Failure::Broken(format!("no plan within {} seconds", PLAN_WITHIN.as_secs())))?
        .map_err(broken)?;
    let object: Value = serde_json::from_slice(&bytes)
        .map_err(|_| Failure::Broken(format!("updog ended without an answer ({status})")))?;
    *kept = Some((Instant::now(), object.clone()));
    Ok(object)
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
