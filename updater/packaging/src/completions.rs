//! Completions for shells, named as each of them looks for them.

use clap::Command;
use clap_complete::Shell;

/// One script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The name of its file.
    pub name: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// The scripts of one program: `NAME.bash`, `_NAME` for zsh, `NAME.fish`.
pub fn scripts(program: &Command) -> Vec<Script> {
    let (name, program) = (program.get_name(), shown(program));
    let script = |(shell, file)| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut program.clone(), name, &mut text);
        Script { name: file, text }
    };
    let shells = [
        (Shell::Bash, format!("{name}.bash")),
        (Shell::Zsh, format!("_{name}")),
        (Shell::Fish, format!("{name}.fish")),
    ];
    shells.into_iter().map(script).collect()
}

/// The command without what it hides: not every shell's generator leaves that out.
fn shown(command: &Command) -> Command {
    // clap keeps names for as long as the program runs, and so do we: they are few and short.
    let name: &'static str = command.get_name().to_owned().leak();
    let mut shown = Command::new(name)
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(self::shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if command.get_version().is_some() {
        shown = shown.version(env!("CARGO_PKG_VERSION"));
    }
    shown
}
