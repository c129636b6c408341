//! The rules, by name.

use std::fmt;
use std::str::FromStr;

/// A rule of the audit; its name stands in findings and exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// `script`: no file starts with `#!`.
    Script,
    /// `interpreter`: no shell and no interpreter.
    Interpreter,
    /// `package_manager`: neither its programs nor its folders.
    PackageManager,
    /// `ssh`: no SSH server or client.
    Ssh,
    /// `setuid`: no set-user-ID or set-group-ID file.
    SetId,
    /// `writable`: no file or folder that everybody may write, unless it is sticky.
    Writable,
    /// `special`: files, folders and links only.
    Special,
    /// `elf`: an ELF file can be read, and is a program or a library.
    Elf,
    /// `pie`: programs are position independent.
    Pie,
    /// `relro`: relocations are read-only once made.
    Relro,
    /// `nx`: no stack and no segment can be both written and run.
    Nx,
    /// `stack_protector`: C code checks its stack frames.
    StackProtector,
    /// `library`: every library that is needed is there.
    Library,
    /// `exception`: every exception is needed.
    Exception,
}

impl Check {
    /// All of them.
    pub const ALL: [Check; 14] = [
        Check::Script,
        Check::Interpreter,
        Check::PackageManager,
        Check::Ssh,
        Check::SetId,
        Check::Writable,
        Check::Special,
        Check::Elf,
        Check::Pie,
        Check::Relro,
        Check::Nx,
        Check::StackProtector,
        Check::Library,
        Check::Exception,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Script => "script",
            Check::Interpreter => "interpreter",
            Check::PackageManager => "package_manager",
            Check::Ssh => "ssh",
            Check::SetId => "setuid",
            Check::Writable => "writable",
            Check::Special => "special",
            Check::Elf => "elf",
            Check::Pie => "pie",
            Check::Relro => "relro",
            Check::Nx => "nx",
            Check::StackProtector => "stack_protector",
            Check::Library => "library",
            Check::Exception => "exception",
        }
    }

    /// Whether a recipe may except a file from it. What makes an image of this kind cannot be excepted.
    pub const fn is_exceptable(self) -> bool {
        match self {
            Check::Pie | Check::Relro | Check::Nx | Check::StackProtector | Check::Library => true,
            Check::Script
            | Check::Interpreter
            | Check::PackageManager
            | Check::Ssh
            | Check::SetId
            | Check::Writable
            | Check::Special
            | Check::Elf
            | Check::Exception => false,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Check {
    type Err = ParseCheckError;

    fn from_str(text: &str) -> Result<Check, ParseCheckError> {
        let known = Check::ALL.into_iter().find(|check| check.name() == text && check.is_exceptable());
        known.ok_or_else(|| ParseCheckError(text.to_owned()))
    }
}

/// No rule that a file can be excepted from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected pie, relro, nx, stack_protector or library, found {0:?}")]
pub struct ParseCheckError(String);
