//! Bottlerocket's paths, state names, fields and codes, for its clients (docs/api.md says where ours answers more).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use updater_core::Still;
use utoipa::ToSchema;

use super::error::{ErrorBody, Failure};
use super::{Actor, Edges, Nothing, Reader};
use crate::cli::Verb;
use crate::serve::keeper::Order;
use crate::serve::seen::{Chosen, Looked, Now, stamp};
use crate::serve::work::{Ended, Work};

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(super) enum UpdateState {
    /// Nothing is open for this host.
    Idle,
    /// A release is open.
    Available,
    /// The other slot holds one, read back.
    Staged,
    /// It is armed: the next restart tries it.
    Ready,
}

/// `/updates/status`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpdateStatus {
    update_state: UpdateState,
    /// Versions that are open for this host, newest first.
    available_updates: Vec<String>,
    chosen_update: Option<Chosen>,
    active_partition: Option<Partition>,
    staging_partition: Option<Partition>,
    most_recent_command: Option<CommandResult>,
}

/// What a slot holds.
#[derive(Debug, Serialize, ToSchema)]
struct Partition {
    image: Chosen,
    next_to_boot: bool,
}

/// How a command ended.
#[derive(Debug, Serialize, ToSchema)]
struct CommandResult {
    /// `refresh`, `prepare`, `activate`, `deactivate`.
    cmd_type: &'static str,
    /// `Success` or `Failed`.
    cmd_status: &'static str,
    /// RFC 3339.
    timestamp: String,
    /// The exit code, or the signal.
    exit_status: Option<i32>,
    /// Why it failed.
    stderr: Option<String>,
}

/// How far an update has come. 404: nobody has looked yet. Answers while a command runs, too.
#[utoipa::path(get, path = "/updates/status", tag = "bottlerocket", responses(
    (status = 200, body = UpdateStatus), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 500, body = ErrorBody),
))]
pub(super) async fn status(_: Reader, State(edges): State<Edges>) -> Result<Json<UpdateStatus>, Failure> {
    let mut now = edges.seen.now();
    let host = host(&edges).await?;
    now.looked = host.looked(now.looked);
    let state = host.state(&now);
    if state <= UpdateState::Available && now.looked.is_none() && now.command.is_none() {
        return Err(Failure::Missing("nobody has looked for updates yet: POST /actions/refresh-updates"));
    }
    Ok(Json(host.show(state, now)))
}

/// Looks for updates.
#[utoipa::path(post, path = "/actions/refresh-updates", tag = "bottlerocket", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 408, body = ErrorBody), (status = 413, body = ErrorBody), (status = 423, body = ErrorBody),
    (status = 500, body = ErrorBody),
))]
pub(super) async fn refresh(_: Actor, State(edges): State<Edges>, _: Nothing) -> Result<StatusCode, Failure> {
    order(&edges, Work::Refresh).await
}

/// Writes the chosen update to the other slot.
#[utoipa::path(post, path = "/actions/prepare-update", tag = "bottlerocket", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 408, body = ErrorBody), (status = 413, body = ErrorBody), (status = 423, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn prepare(_: Actor, State(edges): State<Edges>, _: Nothing) -> Result<StatusCode, Failure> {
    let mut now = idle(&edges)?;
    let host = host(&edges).await?;
    now.looked = host.looked(now.looked);
    let state = host.state(&now);
    if !matches!(state, UpdateState::Available | UpdateState::Staged) {
        return Err(wrong(state, "prepare"));
    }
    let chosen = now.looked.and_then(|looked| looked.chosen);
    let chosen = chosen.ok_or(Failure::Missing("no update is chosen: POST /actions/refresh-updates"))?;
    order(&edges, Work::Prepare(chosen.version)).await
}

/// Makes what was prepared boot next.
#[utoipa::path(post, path = "/actions/activate-update", tag = "bottlerocket", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 408, body = ErrorBody), (status = 413, body = ErrorBody), (status = 423, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn activate(
    _: Actor,
    State(edges): State<Edges>,
    _: Nothing,
) -> Result<StatusCode, Failure> {
    allowed(&edges, UpdateState::Staged, "activate").await?;
    order(&edges, Work::Activate).await
}

/// Undoes that.
#[utoipa::path(post, path = "/actions/deactivate-update", tag = "bottlerocket", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 408, body = ErrorBody), (status = 413, body = ErrorBody), (status = 423, body = ErrorBody), (status = 500, body = ErrorBody),
))]
pub(super) async fn deactivate(
    _: Actor,
    State(edges): State<Edges>,
    _: Nothing,
) -> Result<StatusCode, Failure> {
    allowed(&edges, UpdateState::Ready, "deactivate").await?;
    order(&edges, Work::Deactivate).await
}

/// Restarts the host, if hooks and inhibitors agree.
#[utoipa::path(post, path = "/actions/reboot", tag = "bottlerocket", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 408, body = ErrorBody), (status = 413, body = ErrorBody), (status = 423, body = ErrorBody),
    (status = 500, body = ErrorBody),
))]
pub(super) async fn reboot(_: Actor, State(edges): State<Edges>, _: Nothing) -> Result<StatusCode, Failure> {
    order(&edges, Work::Reboot).await
}

async fn allowed(edges: &Edges, needed: UpdateState, what: &str) -> Result<(), Failure> {
    let now = idle(edges)?;
    let state = host(edges).await?.state(&now);
    if state == needed { Ok(()) } else { Err(wrong(state, what)) }
}

fn wrong(state: UpdateState, what: &str) -> Failure {
    Failure::State(format!("the state is {state:?}: there is nothing to {what}"))
}

/// What is known, when nothing is being done.
fn idle(edges: &Edges) -> Result<Now, Failure> {
    let now = edges.seen.now();
    if now.doing.is_some() { Err(Failure::Busy) } else { Ok(now) }
}

/// Has it done; answers when it was begun.
async fn order(edges: &Edges, work: Work) -> Result<StatusCode, Failure> {
    let (begun, begins) = oneshot::channel();
    edges.orders.try_send(Order { work, begun }).map_err(|error| match error {
        TrySendError::Full(_) => Failure::Busy,
        TrySendError::Closed(_) => Failure::Broken("the daemon is ending".to_owned()),
    })?;
    match begins.await {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(_)) => Err(Failure::Busy),
        Err(_) => Err(Failure::Broken("the daemon is ending".to_owned())),
    }
}

/// What `status` says of the host, in its own words.
struct Host {
    data: Value,
    variant: String,
    arch: String,
    still: Still,
}

async fn host(edges: &Edges) -> Result<Host, Failure> {
    let answer = edges.local.ask(Verb::Status).await;
    if !answer.exit.is_ok() {
        return Err(Failure::Broken(answer.message));
    }
    let (variant, arch, still) = edges.local.names().await;
    Ok(Host { data: answer.data, variant, arch, still })
}

impl Host {
    fn text(&self, path: &str) -> Option<&str> {
        self.data.pointer(path)?.as_str()
    }

    fn other(&self) -> Option<&'static str> {
        match self.text("/running")? {
            "A" => Some("B"),
            _ => Some("A"),
        }
    }

    /// The last look, whoever took it: a client's, or one of a turn or a hand, which is kept with the host's state. What runs by now,
    /// failed here or is locked out is not open any more.
    fn looked(&self, asked: Option<Looked>) -> Option<Looked> {
        let kept = self.data.get("last_check").and_then(|kept| {
            let at = kept.get("at")?.as_str()?.parse().ok()?;
            Looked::ends_with(kept.get("exit")?.as_i64()?).then_some(())?;
            let version = kept.get("version").and_then(Value::as_str).map(str::to_owned);
            let chosen = version.clone().map(|version| Chosen {
                arch: self.arch.clone(),
                version,
                variant: self.variant.clone(),
            });
            Some(Looked { at, available: version.into_iter().collect(), chosen })
        });
        let mut looked = match (asked, kept) {
            // A look that a client has asked for is kept as well, with less of it.
            (Some(asked), Some(kept)) if kept.at > asked.at => kept,
            (asked, kept) => asked.or(kept)?,
        };
        looked.available.retain(|version| self.still.is_open(version));
        looked.chosen = looked.chosen.filter(|chosen| self.still.is_open(&chosen.version));
        Some(looked)
    }

    fn state(&self, now: &Now) -> UpdateState {
        let other = self.other().and_then(|other| self.text(&format!("/slots/{other}/state")));
        let armed =
            matches!(self.text("/outcome"), Some("pending" | "never_tried")) || other == Some("armed");
        match &now.looked {
            _ if armed => UpdateState::Ready,
            _ if self.data.get("staged").is_some_and(Value::is_object) => UpdateState::Staged,
            Some(Looked { chosen: Some(_), .. }) => UpdateState::Available,
            _ => UpdateState::Idle,
        }
    }

    fn show(&self, state: UpdateState, now: Now) -> UpdateStatus {
        let Looked { available, chosen, .. } = now.looked.unwrap_or_default();
        let partition = |slot: &str, next_to_boot| {
            let version = self.text(&format!("/slots/{slot}/version"))?.to_owned();
            let image = Chosen { arch: self.arch.clone(), version, variant: self.variant.clone() };
            Some(Partition { image, next_to_boot })
        };
        let ready = state == UpdateState::Ready;
        let holds = state >= UpdateState::Staged;
        UpdateStatus {
            update_state: state,
            available_updates: available,
            chosen_update: chosen,
            active_partition: self.text("/running").and_then(|slot| partition(slot, !ready)),
            staging_partition: self.other().filter(|_| holds).and_then(|slot| partition(slot, ready)),
            most_recent_command: now.command.and_then(|(work, ended)| CommandResult::of(&work, ended)),
        }
    }
}

impl CommandResult {
    fn of(work: &Work, ended: Ended) -> Option<CommandResult> {
        // That nothing is open is what a look may find.
        let ok = ended.is_ok() || ended.looked.is_some();
        Some(CommandResult {
            cmd_type: work.command()?,
            cmd_status: if ok { "Success" } else { "Failed" },
            timestamp: stamp(ended.at),
            exit_status: ended.exit.or(ended.signal),
            stderr: (!ok).then_some(ended.message),
        })
    }
}
