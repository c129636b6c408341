//! Who holds a restart up: the inhibitor locks of systemd-logind.
//!
//! Asked before `auto` restarts the machine, where logind runs. It is logind's list that counts, and of it only locks that
//! block shutdown: that somebody is logged in is no lock, though `systemctl --check-inhibitors=yes` would refuse for it too.

use std::time::Duration;

use serde::Deserialize;
use updater_core::{Reason, Refusal, plain};

use crate::execs::{self, Limit};
use crate::{Context, Result};

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inhibitor {
    who: String,
    why: String,
    pid: u32,
}

impl std::fmt::Display for Inhibitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, process {}", plain(&self.who, 60), self.pid)?;
        let why = plain(&self.why, 120);
        if why.is_empty() { Ok(()) } else { write!(f, " ({why})") }
    }
}

/// A restart that has to wait.
#[derive(Clone, Debug)]
pub(crate) struct HeldUp {
    /// By whom, for people.
    pub(crate) holders: Vec<String>,
    /// The rule that they make. Nobody says for how long, so they are asked again.
    pub(crate) refusal: Refusal,
}

/// Whether somebody holds a restart up now. Only an interrupt is an error.
pub(crate) fn held_up(ctx: &Context<'_>) -> Result<Option<HeldUp>> {
    let holders: Vec<String> = list(ctx)?.iter().map(ToString::to_string).collect();
    let detail = format!("the restart is held up by {}", holders.join(" and "));
    let refusal = || Refusal::waiting(Reason::Inhibited, detail, ctx.again());
    Ok((!holders.is_empty()).then(|| HeldUp { holders, refusal: refusal() }))
}

/// Those that block a restart now. That they cannot be listed is noted and holds nothing up: a host whose bus is broken has to
/// be able to leave that release.
fn list(ctx: &Context<'_>) -> Result<Vec<Inhibitor>> {
    if !ASKED_WHERE.iter().all(|path| ctx.machine.file(path).is_some_and(|path| path.exists())) {
        return Ok(Vec::new());
    }
    let (program, arguments) = COMMAND;
    let mut command = ctx.machine.program(program);
    command.args(arguments);
    let ran = execs::ask(command, Limit::of(PATIENCE), &ctx.interrupt, MOST)?;
    let found = match execs::failure(&ran) {
        None if ran.output.len() >= MOST => Err(format!("{program} says {MOST} bytes or more")),
        None => parse(&ran.output),
        Some(how) => Err(format!("{program} {how}")),
    };
    Ok(found.unwrap_or_else(|detail| {
        ctx.note(format!("whether somebody holds the restart up is not known: {detail}"));
        Vec::new()
    }))
}

/// `busctl`'s words: an array of what, who, why, mode, user, process.
fn parse(bytes: &[u8]) -> std::result::Result<Vec<Inhibitor>, String> {
    let reply: Reply =
        serde_json::from_slice(bytes).map_err(|error| format!("{} says {error}", COMMAND.0))?;
    let blocks = |(what, _, _, mode, _, _): &Lock| {
        // "block-weak" gives way to root.
        mode == "block" && what.split(':').any(|what| what == "shutdown")
    };
    let locks = reply.data.0.into_iter().filter(blocks);
    Ok(locks.map(|(_, who, why, _, _, pid)| Inhibitor { who, why, pid }).collect())
}

type Lock = (String, String, String, String, u32, u32);

#[derive(Deserialize)]
struct Reply {
    data: (Vec<Lock>,),
}

/// Where logind can be asked: what systemctl looks for, which tmpfiles makes without a logind too, and the bus that it is on.
const ASKED_WHERE: [&str; 2] = ["run/systemd/seats", "run/dbus/system_bus_socket"];

const COMMAND: (&str, &[&str]) = (
    "busctl",
    &[
        "--system",
        "--json=short",
        "--timeout=10",
        "call",
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
        "ListInhibitors",
    ],
);

/// More than `--timeout`, so that `busctl` itself can say what was late.
const PATIENCE: Duration = Duration::from_secs(15);
/// In bytes; a thousand locks are less.
const MOST: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_that_block_shutdown_count_and_no_others() {
        let reply = br#"{"type":"a(ssssuu)","data":[[
            ["sleep","NetworkManager","turns off","delay",0,700],
            ["shutdown:sleep","apt","installs \u001b[1mpackages","block",0,812],
            ["shutdown","weak","asks","block-weak",0,900],
            ["idle:handle-power-key","kiosk","shows","block",1000,901],
            ["shutdown","backup","","block",1000,902]
        ]]}"#;
        let said: Vec<String> = parse(reply).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["apt, process 812 (installs [1mpackages)", "backup, process 902"]);
        assert_eq!(parse(br#"{"type":"a(ssssuu)","data":[[]]}"#), Ok(Vec::new()));
        for garbage in [&b""[..], b"[]", br#"{"data":[]}"#, br#"{"data":[[["a"]]]}"#, b"\xff"] {
            assert!(parse(garbage).is_err(), "{garbage:?}");
        }
    }
}
