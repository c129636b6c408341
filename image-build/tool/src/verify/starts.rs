//! That the chain that boots can be started on the image's machine.

use std::collections::BTreeMap;

use super::Problems;
use crate::Arch;
use crate::initramfs::files;
use crate::machine::{Format, machine};

/// The file that firmware starts.
pub(super) fn loader(arch: &str) -> Option<&'static str> {
    arch.parse::<Arch>().ok().map(Arch::removable_loader)
}

/// A program of this format for this architecture.
pub(super) fn program(place: &str, bytes: &[u8], format: Format, arch: &str, problems: &mut Problems) {
    let found = machine(bytes);
    if found.is_none_or(|(found, machine)| found != format || machine.name() != arch) {
        let found = match found {
            Some((format, machine)) => format!("{} for {machine}", format.name()),
            None => "something else".to_owned(),
        };
        problems.add(place, format!("expected {} for {arch}, found {found}", format.name()));
    }
}

/// The kernel unpacks it, finds init, and init finds every module that its list names.
pub(super) fn initrd(place: &str, bytes: &[u8], arch: &str, problems: &mut Problems) {
    let Some(files) = files(bytes) else {
        problems.add(place, "expected a cpio archive in zstd, found something else");
        return;
    };
    let none = Vec::new();
    let init = files.get("init").unwrap_or(&none);
    program(&format!("{place} init"), init, Format::Elf, arch, problems);
    for module in missing_modules(&files) {
        problems.add(place, format!("its list names {module}, which is not there"));
    }
}

fn missing_modules(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let Some(list) = files.get("modules/list") else { return vec!["modules/list".to_owned()] };
    let list = String::from_utf8_lossy(list);
    let names = list.lines().filter(|name| !files.contains_key(&format!("modules/{name}")));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initramfs::{Cpio, Module, initramfs};

    fn problems(check: impl FnOnce(&mut Problems)) -> Vec<String> {
        let mut problems = Problems::default();
        check(&mut problems);
        problems.0.iter().map(ToString::to_string).collect()
    }

    /// The header of a program for this `e_machine`.
    fn elf(machine: u8) -> Vec<u8> {
        let mut program = vec![0; 20];
        program[..4].copy_from_slice(b"\x7fELF");
        program[18] = machine;
        program
    }

    #[test]
    fn an_initrd_that_cannot_start_is_told_of() {
        let module = Module { name: "erofs".to_owned(), path: "erofs.ko".into(), bytes: vec![7] };
        let whole = |init: &[u8]| initramfs(init, std::slice::from_ref(&module), 1).unwrap();
        let said = |bytes: &[u8]| problems(|problems| initrd("initrd", bytes, "x86_64", problems));
        assert_eq!(said(&whole(&elf(62))), [""; 0]);
        let other = said(&whole(&elf(183)));
        assert_eq!(
            other,
            ["initrd init: expected an ELF program for x86_64, found an ELF program for aarch64"]
        );
        let script = said(&whole(b"#!/bin/sh"));
        assert_eq!(script, ["initrd init: expected an ELF program for x86_64, found something else"]);
        assert_eq!(said(b"garbage"), ["initrd: expected a cpio archive in zstd, found something else"]);
        let mut archive = Cpio::new(1);
        archive.file("init", 0o755, &elf(62));
        archive.file("modules/list", 0o644, b"erofs.ko\n");
        let archive = zstd::bulk::compress(&archive.finish(), 1).unwrap();
        assert_eq!(said(&archive), ["initrd: its list names erofs.ko, which is not there"]);
    }

    #[test]
    fn a_program_of_another_format_is_told_of() {
        let said = problems(|problems| program("kernel", &elf(62), Format::Pe, "x86_64", problems));
        assert_eq!(said, ["kernel: expected an EFI program for x86_64, found an ELF program for x86_64"]);
    }
}
