//! Other programs, run with errors that say what was run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// A path as people call it: from the workspace's root where it lies below.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The cargo that runs us, in the workspace's root. It does not see what the cargo that started us says of our own crate:
/// build scripts that look at it would run again, and all that depends on them be built again, whenever a person's own
/// `cargo build` and one of ours take turns.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(about_our_crate) {
            command.env_remove(name);
        }
    }
    command
}

/// What `cargo run` sets for the program that it runs.
fn about_our_crate(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| variable.starts_with(start))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

/// Builds programs of the workspace, and says where they are. With the same features as the tests, so that after one of
/// them the other compiles no library anew.
pub(crate) fn programs(names: &[&str]) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--quiet"]);
    build.args(names.iter().flat_map(|name| ["--bin", name]));
    run(&mut build)?;
    let own = std::env::current_exe().context("failed to find our own program")?;
    Ok(own.parent().context("our own program lies in no folder")?.to_owned())
}

/// A program in the workspace's root.
pub(crate) fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

/// Runs with our own output; a non-zero exit is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs and returns stdout; stderr is ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed other than UTF-8", line(command)))
}

/// Whether a program of this name is in the search path, the system folders included.
pub(crate) fn is_installed(name: &str) -> bool {
    path_of(name).is_some()
}

/// Where the program of this name lies.
pub(crate) fn path_of(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Whether we run as root.
pub(crate) fn is_root() -> bool {
    output(&mut program("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_hears_nothing_of_our_crate_and_all_that_a_person_sets() {
        // This test runs under cargo, which sets them.
        let cargo = cargo(&["--version"]);
        let told: Vec<_> =
            cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(std::env::var_os(name).is_some() && told.contains(&name.as_ref()), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "CARGO_NET_OFFLINE", "PATH"] {
            assert!(!about_our_crate(name), "{name}");
        }
    }
}
