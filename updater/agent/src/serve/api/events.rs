//! `/v1/events`: what happens, as it happens.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::body::StatusBody;
use super::error::{ErrorBody, Failure};
use super::{Edges, Reader, v1};
use crate::cli::Verb;
use crate::serve::patience::Follows;
use crate::serve::seen::{Mark, Seen, Told};

/// Server-sent events: first `status`, then `started`, `next`, `step`, `progress` (bytes done and in all, `rate` in bytes a second, `left_secs`),
/// `note`, `ended`, and `history` for each new line of the host's history, whoever caused it. A client that comes back with
/// `Last-Event-ID` gets what it has missed, progress aside, as far as it is kept, also after a restart of daemon or host; `missed` says that there
/// was more, and how much where that is known.
#[utoipa::path(get, path = "/v1/events", tag = "v1", responses(
    (status = 200, content_type = "text/event-stream", body = String), (status = 403, body = ErrorBody),
    (status = 500, body = ErrorBody),
))]
pub(super) async fn events(
    _: Reader,
    State(edges): State<Edges>,
    Extension(follows): Extension<Follows>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    follows.begin();
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(Mark::parse);
    let (missed, receiver) = edges.seen.listen(after.as_ref());
    let status = StatusBody { answer: v1::local(&edges, Verb::Status).await?, daemon: v1::daemon(&edges) };
    let first = event("status", &serde_json::to_value(status).unwrap_or_default());
    let gap = missed.more.then(|| event("missed", &json!({ "count": null })));
    let seen = Arc::clone(&edges.seen);
    let kept: Vec<Event> = missed.kept.iter().map(|one| told(&seen, one)).collect();
    let before = stream::iter(std::iter::once(first).chain(gap).chain(kept));
    Ok(Sse::new(before.chain(live(seen, receiver)).map(Ok)).keep_alive(KeepAlive::default()))
}

fn live(seen: Arc<Seen>, receiver: Receiver<Arc<Told>>) -> impl Stream<Item = Event> {
    stream::unfold((seen, receiver), |(seen, mut receiver)| async {
        let event = match receiver.recv().await {
            Ok(one) => told(&seen, &one),
            Err(RecvError::Lagged(count)) => event("missed", &json!({ "count": count })),
            Err(RecvError::Closed) => return None,
        };
        Some((event, (seen, receiver)))
    })
}

fn told(seen: &Seen, told: &Told) -> Event {
    // The number first: a client that reads line by line knows it when the rest comes.
    fill(Event::default().id(seen.mark(told)), &told.name, &told.data)
}

fn event(name: &str, data: &Value) -> Event {
    fill(Event::default(), name, data)
}

/// The name is one of ours or of a run of ours; a line break in it would start a field of its own.
fn fill(event: Event, name: &str, data: &Value) -> Event {
    let name: String = name.chars().filter(char::is_ascii_graphic).collect();
    event.event(name).data(data.to_string())
}
