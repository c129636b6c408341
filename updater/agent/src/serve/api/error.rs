//! What is answered instead of an answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why not.
#[derive(Debug)]
pub(super) enum Failure {
    /// The peer may not.
    Forbidden,
    /// There is nothing of that kind.
    Missing(&'static str),
    /// The path is there, for another method.
    Method,
    /// Not in this state.
    State(String),
    /// Something else is being done.
    Busy,
    /// The body is not at its end within its time.
    Slow,
    /// The body is too long.
    Long,
    /// It should have worked.
    Broken(String),
}

/// The body of every failure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// 1.
    format: u64,
    /// One line.
    error: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Failure::Forbidden => {
                (StatusCode::FORBIDDEN, "this user may not; root and the configured group may".to_owned())
            }
            Failure::Missing(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Failure::Method => {
                let error = "this path is for another method; /v1/openapi.json says which";
                (StatusCode::METHOD_NOT_ALLOWED, error.to_owned())
            }
            Failure::State(error) => (StatusCode::CONFLICT, error),
            Failure::Busy => {
                (StatusCode::LOCKED, "something else is being done; /v1/status says what".to_owned())
            }
            Failure::Slow => (StatusCode::REQUEST_TIMEOUT, "the body does not come to its end".to_owned()),
            Failure::Long => (StatusCode::PAYLOAD_TOO_LARGE, "no body is needed".to_owned()),
            Failure::Broken(error) => (StatusCode::INTERNAL_SERVER_ERROR, error),
        };
        (status, Json(ErrorBody { format: 1, error })).into_response()
    }
}

/// For all other paths.
pub(super) async fn no_such_path() -> Failure {
    Failure::Missing("there is no such path; /v1/openapi.json describes all")
}

/// For the methods that a path is not for.
pub(super) async fn no_such_method() -> Failure {
    Failure::Method
}
