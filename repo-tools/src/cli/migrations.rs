//! `updog-repo migrations …`: what moves data from one version to another, Bottlerocket's table

use clap::Subcommand;
use release::Version;
use release::manifest::Hop;
use serde_json::{Value, json};

use super::{Answer, Context, changed};
use crate::change::{change, remove_migration, set_migration};
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Say what runs between two versions, in order; none: nothing has to.
    Set {
        #[command(flatten)]
        hop: Ends,
        /// Targets that are in the draft, or files that become targets under their names.
        #[arg(value_parser = |text: &str| super::local(text).map(|_| text.to_owned()))]
        targets: Vec<String>,
    },
    /// List the table.
    List,
    /// Take a pair of versions out of the table, with the targets that only it names.
    Remove {
        #[command(flatten)]
        hop: Ends,
    },
}

/// A pair of versions.
#[derive(Debug, clap::Args)]
pub(super) struct Ends {
    /// The version that data comes from.
    from: Version,
    /// The version that it goes to.
    to: Version,
}

impl Ends {
    fn hop(self) -> Hop {
        Hop { from: self.from, to: self.to }
    }
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "migrations set",
            Self::List => "migrations list",
            Self::Remove { .. } => "migrations remove",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    match verb {
        Verb::Set { hop, targets } => {
            let hop = hop.hop();
            let done = change(&folder, |draft| set_migration(&folder, draft, &hop, &targets))?;
            let data = json!({ "migration": hop.to_string() });
            if !done.changed {
                return Ok(changed::nothing(format!("nothing to do: migration {hop} is set so"), data));
            }
            Ok(changed::said(&done.differences, format!("set: migration {hop}"), &data))
        }
        Verb::List => {
            let migrations = folder.draft()?.manifest.migrations;
            let names = |targets: &[String]| {
                if targets.is_empty() { "nothing to run".to_owned() } else { targets.join(", ") }
            };
            let mut lines: Vec<String> =
                migrations.iter().map(|(hop, targets)| format!("{hop}: {}", names(targets))).collect();
            lines.push(format!("{} migration(s) in the draft", migrations.len()));
            let rows: Vec<Value> = migrations
                .iter()
                .map(|(hop, targets)| json!({ "from": hop.from, "to": hop.to, "targets": targets }))
                .collect();
            Ok(Answer::done(lines, json!({ "migrations": rows })))
        }
        Verb::Remove { hop } => {
            let hop = hop.hop();
            let done = change(&folder, |draft| Ok(remove_migration(draft, &hop)))?;
            let data = json!({ "migration": hop.to_string() });
            if !done.answer {
                return Ok(changed::nothing(format!("nothing to do: migration {hop} is not there"), data));
            }
            Ok(changed::said(&done.differences, format!("removed: migration {hop}"), &data))
        }
    }
}
