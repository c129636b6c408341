//! How a program or library was linked.

use object::elf::{
    DT_NEEDED, DT_TEXTREL, ET_DYN, ET_EXEC, ET_REL, PF_W, PF_X, PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK,
    PT_LOAD,
};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _};

use super::Check;

/// What matters about an ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about a file; no code chooses by two at once"
)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    /// It has a segment that is read-only once relocated.
    pub(super) relro: bool,
    pub(super) stack: Stack,
    /// A loaded segment is both written and run, or code is relocated in place.
    pub(super) writable_code: bool,
    /// Written in Go, whose stacks the compiler checks in its own way.
    pub(super) go: bool,
    /// It calls, or is, what a failed check of a stack frame calls.
    pub(super) checks_stack: bool,
    /// It has code of its own, and not just names for another's.
    pub(super) has_code: bool,
    /// Libraries it is linked with.
    pub(super) needed: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A program at a fixed address.
    Fixed,
    /// A position independent program, or a library.
    Independent,
    /// Neither linked nor to be run.
    Object,
    /// A dump, or what nobody has heard of.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    Data,
    Code,
    /// The file does not say; then the kernel may let it run.
    Unsaid,
}

impl Facts {
    /// # Errors
    /// Why the file cannot be judged.
    pub(super) fn read(bytes: &[u8]) -> Result<Facts, String> {
        let unreadable = |error: object::Error| format!("cannot be read: {error}");
        let file = ElfFile64::<Endianness>::parse(bytes).map_err(unreadable)?;
        let endian = file.endian();
        let segments = file.elf_program_headers();
        let flags =
            |kind| segments.iter().filter(move |it| it.p_type(endian) == kind).map(|it| it.p_flags(endian));
        let table = file.elf_dynamic_table().map_err(unreadable)?;
        if table.is_empty() && flags(PT_DYNAMIC).next().is_some() {
            return Err("has no section table, so that its libraries and symbols cannot be seen".to_owned());
        }
        let mut needed = Vec::new();
        for entry in table.iter().filter(|entry| entry.tag == DT_NEEDED) {
            needed.push(String::from_utf8_lossy(table.string(entry).map_err(unreadable)?).into_owned());
        }
        let stack = match flags(PT_GNU_STACK).next() {
            None => Stack::Unsaid,
            Some(flags) if flags.contains(PF_X) => Stack::Code,
            Some(_) => Stack::Data,
        };
        let kind = match file.elf_header().e_type(endian) {
            ET_EXEC => Kind::Fixed,
            ET_DYN => Kind::Independent,
            ET_REL => Kind::Object,
            _ => Kind::Other,
        };
        let section =
            |wanted: &[&str]| file.sections().any(|it| it.name().is_ok_and(|name| wanted.contains(&name)));
        let code = file.sections().filter(|it| it.name() == Ok(".text")).map(|it| it.size()).sum::<u64>();
        Ok(Facts {
            kind,
            relro: flags(PT_GNU_RELRO).next().is_some(),
            stack,
            writable_code: flags(PT_LOAD).any(|flags| flags.contains(PF_W | PF_X))
                || table.iter().any(|entry| entry.tag == DT_TEXTREL),
            go: section(&[".go.buildinfo", ".note.go.buildid"]),
            checks_stack: file
                .dynamic_symbols()
                .any(|it| it.name().is_ok_and(|name| STACK_CHECK.contains(&name))),
            has_code: code > STUB,
            needed,
        })
    }

    /// The rules that a file with these facts breaks at this path.
    pub(super) fn problems(&self, path: &str) -> Vec<(Check, String)> {
        match self.kind {
            // Kernel modules are linked by the kernel, which has rules of its own for them.
            Kind::Object if path.starts_with("usr/lib/modules/") => return Vec::new(),
            Kind::Object => return vec![(Check::Elf, "is an object file".to_owned())],
            Kind::Other => return vec![(Check::Elf, "is neither a program nor a library".to_owned())],
            Kind::Fixed | Kind::Independent => {}
        }
        let mut problems = Vec::new();
        let mut add = |check, found: &str| problems.push((check, found.to_owned()));
        if self.kind == Kind::Fixed {
            add(Check::Pie, "runs at a fixed address");
        }
        if !self.relro {
            add(Check::Relro, "has no read-only relocations");
        }
        match self.stack {
            Stack::Data => {}
            Stack::Code => add(Check::Nx, "asks for a stack that can be run"),
            Stack::Unsaid => add(Check::Nx, "does not say that its stack is not run"),
        }
        if self.writable_code {
            add(Check::Nx, "has memory that is both written and run");
        }
        if self.is_c() && !self.checks_stack {
            add(Check::StackProtector, "never calls __stack_chk_fail");
        }
        problems
    }

    /// Whether it can be seen that this is C: a library of C is linked in, there is code, and it is not Go's.
    ///
    /// A static program without symbols says nothing about its language; ours are Rust and built here.
    fn is_c(&self) -> bool {
        let libc = |name: &String| name.starts_with("libc.so") || name.starts_with("ld-linux");
        !self.go && self.has_code && self.needed.iter().any(libc)
    }
}

/// Called when a stack frame was overwritten; the second name is the loader's own.
const STACK_CHECK: &[&str] = &["__stack_chk_fail", "__stack_chk_guard"];
/// Bytes of code that the compiler's start and end files bring by themselves, rounded up.
const STUB: u64 = 512;
