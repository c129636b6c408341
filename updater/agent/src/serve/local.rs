//! The local verbs, for answers that need no run of their own: they look at disk and state folder, which may take a moment.

use tokio::task::spawn_blocking;
use updater_core::Still;

use crate::answer::Answer;
use crate::cli::{Global, Verb};
use crate::config::{self, Strictness};
use crate::interrupt::Interrupt;
use crate::report::Silent;
use crate::{Context, Result, run, verbs};

/// What a context is made of, each time anew: the configuration may have changed since, as it has for every run.
#[derive(Clone, Debug)]
pub(super) struct Local {
    global: Global,
}

impl Local {
    pub(super) fn new(global: &Global) -> Local {
        Local { global: global.clone() }
    }

    /// What a verb answers. Only for verbs that do not write, and do not ask the network.
    pub(super) async fn ask(&self, verb: Verb) -> Answer {
        let local = self.clone();
        let done = spawn_blocking(move || {
            let answer = local.context().and_then(|ctx| verbs::run(&ctx, &verb));
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
        let rendered = move || local.context().map(|ctx| crate::metrics::render(&ctx)).unwrap_or_default();
        spawn_blocking(rendered).await.unwrap_or_default()
    }

    /// Variant and architecture, as releases for this host name them, and what is held against what was open for it.
    pub(super) async fn names(&self) -> (String, String, Still) {
        let local = self.clone();
        let names = move || {
            let ctx = local.context().ok()?;
            let os = ctx.machine.os_release(ctx.config.os_release.as_deref()).unwrap_or_default();
            let (variant, arch) = ctx.names(&os);
            Some((variant.unwrap_or_default(), arch, ctx.still()))
        };
        spawn_blocking(names).await.ok().flatten().unwrap_or_default()
    }

    /// As local verbs have it: what makes no sense in the configuration is left out.
    fn context(&self) -> Result<Context<'static>> {
        let loaded = config::load(self.global.config.as_deref(), Strictness::Lenient)?;
        Ok(run::context(&self.global, loaded.settings, &Silent, &Interrupt::default()))
    }
}
