//! `show`: a recipe as it is meant.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::json;

use super::Answer;
use crate::lock::{Lock, path_beside};
use crate::{Arch, Error, Recipe, Request};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(super) struct Show {
    /// A variant of this workspace.
    #[arg(long, value_name = "NAME", group = "what")]
    variant: Option<String>,
    /// A recipe of your own.
    #[arg(long, value_name = "FILE", group = "what")]
    recipe: Option<PathBuf>,
    /// The architecture: `x86_64` or `aarch64`.
    #[arg(long)]
    arch: Arch,
}

impl Show {
    pub(super) fn run(self) -> Result<Answer, Error> {
        let path = match (self.recipe, self.variant) {
            (Some(recipe), _) => recipe,
            (None, name) => Request::variant(&name.unwrap_or_default())?,
        };
        let arch = self.arch;
        let recipe = Recipe::load(&path)?;
        recipe.is_for(arch)?;
        let at = path_beside(&path, arch);
        let lock = if at.exists() { Some(Lock::read(&at, arch)?) } else { None };
        let size = recipe.size;
        let sizes = [
            ("esp", size.esp),
            ("boot", size.boot),
            ("root", size.root),
            ("hash", size.hash),
            ("private", size.private),
            ("data", size.data),
        ];
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "variant   {} for {arch}, {}", recipe.variant, recipe.suite);
        let _ = writeln!(text, "init      {}", recipe.init);
        let _ = writeln!(text, "cmdline   {}", recipe.cmdline(arch, ""));
        let _ = writeln!(text, "kernel    {}", recipe.kernel_package(arch));
        let _ = writeln!(text, "initramfs {}", recipe.modules(arch).join(" "));
        let _ = writeln!(text, "packages  {}", recipe.packages(arch).join(" "));
        let _ = writeln!(text, "programs  {}", recipe.programs.join(" "));
        let each: Vec<String> = sizes.iter().map(|(key, size)| format!("{key} {size}")).collect();
        let _ = writeln!(text, "sizes     {}", each.join(", "));
        let locked: Vec<String> = lock
            .iter()
            .flat_map(Lock::all)
            .map(|locked| format!("{} {}", locked.package, locked.version))
            .collect();
        let _ = match &lock {
            Some(lock) => {
                write!(text, "lock      {}\n          {}", lock.digest(), locked.join("\n          "))
            }
            None => write!(text, "lock      none; build --update-lock makes {}", at.display()),
        };
        let data = json!({
            "variant": recipe.variant, "arch": arch.name(), "suite": recipe.suite, "init": recipe.init,
            "cmdline": recipe.cmdline(arch, ""), "kernel": recipe.kernel_package(arch), "modules": recipe.modules(arch),
            "packages": recipe.packages(arch), "programs": recipe.programs,
            "sizes": sizes.map(|(key, size)| (key.to_owned(), json!(size.0))).into_iter().collect::<serde_json::Map<_, _>>(),
            "lock": lock.as_ref().map(Lock::digest), "locked": locked,
        });
        Ok(Answer::done(text, data))
    }
}
