//! The API: Bottlerocket's paths for its clients, ours beside them. Described by the code that answers (docs/api.json).

mod body;
mod bottlerocket;
mod error;
mod events;
mod v1;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::{Extension, Router};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keeper::Order;
use super::local::Local;
use super::peer::Rights;
use super::seen::Seen;
use super::work::Program;
use error::Failure;

/// What answers are made of.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    pub(super) seen: Arc<Seen>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) local: Arc<Local>,
    pub(super) program: Arc<Program>,
    /// The last plan and when it was made; held while one is made, so that there is one at a time.
    pub(super) plan: Arc<Mutex<Option<(Instant, Value)>>>,
}

/// All paths. Each request brings its [`Rights`].
pub(super) fn router(edges: Edges) -> Router {
    let (router, _) = described().split_for_parts();
    let router = router.fallback(error::no_such_path).method_not_allowed_fallback(error::no_such_method);
    router.layer(DefaultBodyLimit::max(BODY_MAX)).with_state(edges)
}

/// The description, as it stands in `docs/api.json`.
pub fn openapi() -> String {
    let (_, api) = described().split_for_parts();
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn described() -> OpenApiRouter<Edges> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(v1::status))
        .routes(routes!(v1::plan))
        .routes(routes!(v1::history))
        .routes(routes!(v1::metrics))
        .routes(routes!(v1::description))
        .routes(routes!(events::events))
        .routes(routes!(bottlerocket::status))
        .routes(routes!(bottlerocket::refresh))
        .routes(routes!(bottlerocket::prepare))
        .routes(routes!(bottlerocket::activate))
        .routes(routes!(bottlerocket::deactivate))
        .routes(routes!(bottlerocket::reboot))
}

#[derive(OpenApi)]
#[openapi(info(
    title = "updog",
    description = "The host's update daemon, on a Unix socket. Who may act and who may read is decided by the credentials of the peer.",
    license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
))]
struct Described;

/// Somebody who may look.
#[derive(Debug)]
struct Reader;

/// Somebody who may have things done.
#[derive(Debug)]
struct Actor;

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Reader, Failure> {
        allow(parts, state, Rights::Read).await.map(|()| Reader)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Actor, Failure> {
        allow(parts, state, Rights::Act).await.map(|()| Actor)
    }
}

/// A body that nobody needs: short, and read so that the connection can go on.
#[derive(Debug)]
struct Nothing;

impl<S: Send + Sync> FromRequest<S> for Nothing {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Nothing, Failure> {
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > BODY_MAX as u64) {
            return Err(Failure::Long);
        }
        match timeout(BODY_WITHIN, Bytes::from_request(request, state)).await {
            Ok(Ok(_)) => Ok(Nothing),
            Ok(Err(_)) => Err(Failure::Long),
            Err(_) => Err(Failure::Slow),
        }
    }
}

/// A request that brings no rights has none.
async fn allow<S: Send + Sync>(parts: &mut Parts, state: &S, needed: Rights) -> Result<(), Failure> {
    let rights = Extension::<Rights>::from_request_parts(parts, state).await;
    match rights {
        Ok(Extension(rights)) if rights >= needed => Ok(()),
        _ => Err(Failure::Forbidden),
    }
}

/// Bytes of a body. None is needed.
const BODY_MAX: usize = 4096;
/// How long it may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);
