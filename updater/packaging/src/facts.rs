//! What the pages say beyond the options: how a run ends, why not, and which files it reads.

use updater_core::{Exit, Reason};

/// A word and what it means.
pub type Fact = (String, &'static str);

/// How `updog` ends.
pub fn exit_codes() -> Vec<Fact> {
    Exit::ALL.into_iter().map(|exit| (exit.code().to_string(), exit_text(exit))).collect()
}

/// The words of `reason` in `--json`, each with the code that it ends with.
pub fn reasons() -> Vec<Fact> {
    let word = |reason: Reason| format!("{reason} ({})", Exit::from(reason).code());
    Reason::ALL.into_iter().map(|reason| (word(reason), reason_text(reason))).collect()
}

/// How `signpost` ends, which is how Bottlerocket's does.
pub fn signpost_exit_codes() -> Vec<Fact> {
    vec![("0".to_owned(), "Done."), ("1".to_owned(), "Not done; stderr says why.")]
}

/// What `updog` reads and writes.
pub fn files() -> Vec<Fact> {
    let all = [
        (
            "/etc/updog.toml",
            "Configuration; over /usr/share/updog/updog.toml, under /var/lib/updog/updog.toml.",
        ),
        ("/usr/share/doc/updog/updog.toml.example", "Every key with its default."),
        ("/usr/share/updog/root.json", "The root of trust that came with the image (root)."),
        ("/var/lib/updog", "What updog remembers: trust, what is staged, outcomes, history (state)."),
        ("/run/updog", "What holds for this boot only, and the daemon's socket api.sock (serve.socket)."),
        ("/usr/lib/updog/health.d", "Executables that say whether a boot is healthy (health.dir)."),
        ("/usr/lib/updog/hooks.d", "Executables that are asked before and after a step (hooks.dir)."),
    ];
    all.map(|(path, text)| (path.to_owned(), text)).to_vec()
}

/// What `signpost` reads and writes.
pub fn signpost_files() -> Vec<Fact> {
    vec![("/var/lib/updog/lock".to_owned(), "The run lock of updog, which the writing verbs take.")]
}

fn exit_text(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "Done. Of check: an update is open. Of auto: also nothing to do, or not yet.",
        Exit::Bug => "A bug in updog. Of Bottlerocket's names: any failure.",
        Exit::Usage => "Wrong usage or configuration.",
        Exit::NothingToDo => "Nothing to do.",
        Exit::MustWait => "There is something to do, but not yet.",
        Exit::Attention => "Somebody should look at this soon. Of health: a check failed.",
        Exit::Transient => "The same command may succeed later.",
        Exit::Untrusted => "What was received cannot be trusted.",
        Exit::Disk => "The disk, or a file on it, failed.",
        Exit::Blocked => "A rule that keeps the host bootable forbids it.",
    }
}

fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::Wave => "This host's turn in the rollout has not come.",
        Reason::Locked => "The host is held to another version, by version_lock or --to.",
        Reason::Variant => "It is for another variant.",
        Reason::Arch => "It is for another architecture.",
        Reason::MaxVersion => "It is above its own max_version.",
        Reason::NotNewer => "The host runs it or something newer.",
        Reason::Floor => "It cannot be installed from the running version: an older release comes first.",
        Reason::FailedBefore => "It was tried here and left again.",
        Reason::Paused => "Its rollout is stopped for now.",
        Reason::Yanked => "It was taken back.",
        Reason::Window => "Outside the hours in which this host may restart.",
        Reason::Soak => "It has not been out for long enough.",
        Reason::Space => "It does not fit into its partitions.",
        Reason::NoIndex => "It is published without an index, so it cannot be checked piece by piece.",
        Reason::NotConfirmed => "The running slot is not confirmed, so the other one is the only way back.",
        Reason::RunLock => "Another updog is at work.",
        Reason::Mode => "The host is not to go that far by itself.",
        Reason::ByHand => "It was made the next one by hand, and when to restart is for that hand to say.",
        Reason::NeverTried => "It was armed, and the last restart did not try it, or has not come.",
        Reason::Coordinated => "All permits of its group are held by others, or are left to them for now.",
        Reason::Deferred => "A hook asks to wait.",
        Reason::Hook => "A hook has failed.",
        Reason::Backoff => "The repository was asked in vain, and is left alone for a while.",
        Reason::Inhibited => "Somebody on the host holds the restart up.",
        Reason::Untrusted => "Signature, digest, version or expiry is not right.",
        Reason::Clock => "The clock makes valid metadata look expired.",
    }
}
