//! `list`: the variants of this workspace.

use clap::Args;
use serde_json::{Value, json};

use super::Answer;
use crate::{Arch, Error, Recipe, programs};

#[derive(Debug, Args)]
pub(super) struct List {}

impl List {
    pub(super) fn run(self) -> Result<Answer, Error> {
        let List {} = self;
        let mut lines = Vec::new();
        let mut data = Vec::new();
        for (name, path) in programs::variants()? {
            let recipe = Recipe::load(&path)?;
            let arches: Vec<&str> = recipe.arch.iter().map(|arch: &Arch| arch.name()).collect();
            let packages = recipe.packages.len();
            lines.push(format!(
                "{name}: {}, {packages} packages named, init {}",
                arches.join(" and "),
                recipe.init
            ));
            data.push(json!({ "variant": name, "recipe": path, "arch": arches, "init": recipe.init }));
        }
        Ok(Answer::done(lines.join("\n"), Value::Array(data)))
    }
}
