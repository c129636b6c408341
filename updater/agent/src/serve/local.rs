//! The local verbs, for answers that need no run of their own: they look at disk and state folder, which may take a moment.

use std::path::PathBuf;

use tokio::task::spawn_blocking;

use super::clock::Clock;
use crate::answer::Answer;
use crate::cli::Verb;
use crate::config::Settings;
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::report::Silent;
use crate::state::State;
use crate::{Context, verbs};

/// What a context is made of, each time anew.
#[derive(Clone, Debug)]
pub(super) struct Local {
    config: Settings,
    machine: Machine,
    state: PathBuf,
    clock: Clock,
}

impl Local {
    pub(super) fn of(ctx: &Context<'_>, clock: Clock) -> Local {
        let (config, machine) = (ctx.config.clone(), ctx.machine.clone());
        Local { config, machine, state: ctx.state.dir().to_owned(), clock }
    }

    /// What a verb answers. Only for verbs that do not write, and do not ask the network.
    pub(super) async fn ask(&self, verb: Verb) -> Answer {
        let local = self.clone();
        let done = spawn_blocking(move || {
            let answer = verbs::run(&local.context(), &verb);
            answer.unwrap_or_else(|error| Answer::from_error(&error))
        });
        done.await.unwrap_or_else(|error| {
            let error = crate::Error::daemon("wait for a verb")(std::io::Error::other(error));
            Answer::from_error(&error)
        })
    }

    /// The host's state for Prometheus.
    pub(super) async fn metrics(&self) -> String {
        let local = self.clone();
        spawn_blocking(move || crate::metrics::render(&local.context())).await.unwrap_or_default()
    }

    /// Variant and architecture, as releases for this host name them.
    pub(super) fn names(&self) -> (String, String) {
        let os = self.machine.os_release(self.config.os_release.as_deref()).unwrap_or_default();
        let variant = self.config.variant.clone().or(os.variant).unwrap_or_default();
        (variant, self.config.arch.clone().unwrap_or_else(|| std::env::consts::ARCH.to_owned()))
    }

    fn context(self) -> Context<'static> {
        Context {
            config: self.config,
            state: State::new(self.state),
            machine: self.machine,
            now: self.clock.now(),
            reporter: &Silent,
            interrupt: Interrupt::default(),
        }
    }
}
