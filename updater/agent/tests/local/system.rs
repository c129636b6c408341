//! The running system below a host: its kernel's files, its programs, its checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::host::{Host, write};

impl Host {
    /// Writes a file of the running system; from then on there is one.
    pub(crate) fn system(&self, path: &str, text: impl AsRef<[u8]>) {
        write(self.sysroot().join(path), text);
    }

    /// A program that is in the running system.
    pub(crate) fn program(&self, name: &str, script: &str) {
        self.script(&format!("sysroot/usr/bin/{name}"), script);
    }

    /// A health check.
    pub(crate) fn check(&self, name: &str, script: &str) {
        self.script(&format!("health.d/{name}"), script);
        self.settle_at_once();
    }

    /// A hook.
    pub(crate) fn hook(&self, phase: &str, name: &str, script: &str) {
        self.script(&format!("hooks.d/{phase}/{name}"), script);
    }

    /// The checks of this host; no waiting.
    pub(crate) fn settle_at_once(&self) {
        self.health("settle = 0\n");
    }

    /// The `[health]` section.
    pub(crate) fn health(&self, keys: &str) {
        let config = fs::read_to_string(self.config()).unwrap();
        let config = config.split("[health]").next().unwrap_or_default();
        let dir = self.path("health.d");
        write(self.config(), format!("{config}[health]\ndir = {:?}\n{keys}", dir.display().to_string()));
    }

    /// What the selector puts on the command line of slot A or B, and `more`.
    pub(crate) fn booted_with(&self, more: &str) {
        self.system("proc/cmdline", format!("quiet updog.slot={} updog.boot=x {more}\n", self.booted));
    }

    /// `init` that restarts by leaving a note.
    pub(crate) fn restartable(&self) {
        let note = self.path("restarted").display().to_string();
        self.program(
            "systemctl",
            &format!("[ \"$1\" = reboot ] && cp {}/trial.json {note}", self.state().display()),
        );
    }

    /// Slot B on trial, with a check that fails.
    pub(crate) fn trial_that_fails(&mut self) {
        self.arm("1.1.0");
        self.restart();
        self.check("10-net", "echo no route >&2; exit 3");
    }

    /// Slot B was tried and left.
    pub(crate) fn arm_and_leave(&mut self) {
        self.arm("1.1.0");
        while self.restart() != partition_core::Slot::A {}
    }

    fn script(&self, path: &str, script: &str) {
        let path = self.path(path);
        write(&path, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
