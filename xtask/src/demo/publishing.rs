//! The release engineer's part.

use anyhow::{Context, Result};
use chrono::{SecondsFormat, TimeDelta, Utc};
use fixtures::server::{Faults, Server};

use crate::shell::Shell;

/// Keys, a first release with waves, and a server that hosts reach it by.
pub(super) fn first(shell: &Shell) -> Result<Server> {
    shell.say("The release engineer makes a key, adds 1.1.0, gives it a week of waves and publishes it.");
    std::fs::create_dir(shell.folder().join("keys"))?;
    shell.quiet("updog-repo init")?;
    shell.show_quiet("updog-repo key new keys/release.key --role all")?;
    shell.show_quiet("updog-repo release add ../images/1.1.0 --level 3")?;
    // The rollout began two hours ago, so that the first hosts have their turn.
    let start = (Utc::now() - TimeDelta::hours(2)).to_rfc3339_opts(SecondsFormat::Secs, true);
    shell.show_quiet(&format!("updog-repo waves set normal --start-at {start}"))?;
    publish(shell)?;
    let www = shell.folder().join("www");
    Server::start(&www, Faults::default()).with_context(|| format!("failed to serve {}", www.display()))
}

/// Signs the draft, shows it to hosts, and has every byte looked over.
pub(super) fn publish(shell: &Shell) -> Result<()> {
    let sign = "updog-repo sign --key keys/release.key";
    shell.show(&format!("{sign} >/dev/null && updog-repo publish www"))?.expect(0)?.says("published")?;
    shell.quiet("updog-repo validate www --root repo/root/1.root.json")?;
    Ok(())
}
