//! Which recipe is meant, and for what.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::{Arch, Error, Request};

/// `--variant` or `--recipe`, and `--arch`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(super) struct Which {
    /// A variant of this workspace; `list` names them.
    #[arg(long, value_name = "NAME", group = "what")]
    variant: Option<String>,
    /// A recipe of your own.
    #[arg(long, value_name = "FILE", group = "what")]
    recipe: Option<PathBuf>,
    /// What to build for: x86-64 machines are `x86_64`, 64-bit Arm is `aarch64`.
    #[arg(long)]
    pub(super) arch: Arch,
}

impl Which {
    /// Where the recipe lies.
    pub(super) fn recipe(&self) -> Result<PathBuf, Error> {
        match (&self.recipe, &self.variant) {
            (Some(recipe), _) => Ok(recipe.clone()),
            (None, variant) => Request::variant(variant.as_deref().unwrap_or_default()),
        }
    }
}
