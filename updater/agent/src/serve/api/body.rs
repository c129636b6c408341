//! What answers look like. The same objects as `--json` prints, so that a program reads one shape.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::serve::seen::Doing;

/// What a verb answers with `--json`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct AnswerBody {
    /// 1.
    format: u64,
    /// The verb.
    verb: String,
    /// Whether it did what it is for.
    ok: bool,
    /// Its exit code.
    exit: i32,
    /// The rule that decided, in one word.
    reason: Option<String>,
    /// For people.
    message: String,
    /// For programs; as the verb documents it.
    data: Option<Map<String, Value>>,
}

/// `updog status --json`, and what the daemon does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusBody {
    /// What the verb answers.
    #[serde(flatten)]
    pub(super) answer: AnswerBody,
    /// What the daemon does.
    pub(super) daemon: Daemon,
}

/// What the daemon does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Daemon {
    /// What is being done now.
    pub(super) doing: Option<Doing>,
    /// When the next turn comes, RFC 3339.
    pub(super) next_turn: Option<String>,
}

impl AnswerBody {
    pub(super) fn of(verb: &str, answer: &Answer) -> Result<AnswerBody, serde_json::Error> {
        serde_json::from_value(answer.json(Some(verb)))
    }
}
