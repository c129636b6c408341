//! `show`: a recipe as it is meant.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::Answer;
use super::which::Which;
use crate::lock::{Lock, path_beside};
use crate::{Error, Recipe};

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
}

impl Show {
    pub(super) fn run(self) -> Result<Answer, Error> {
        let (path, arch) = (self.which.recipe()?, self.which.arch);
        let recipe = Recipe::load(&path)?;
        recipe.is_for(arch)?;
        let at = path_beside(&path, arch);
        let lock = if at.exists() { Some(Lock::read(&at, arch)?) } else { None };
        let sizes = recipe.size.named();
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
