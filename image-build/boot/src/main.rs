//! The selector as a UEFI program; on a host, a line that says what it is.
#![cfg_attr(target_os = "uefi", no_std, no_main)]

#[cfg(target_os = "uefi")]
extern crate alloc;
#[cfg(target_os = "uefi")]
mod efi;

#[cfg(not(target_os = "uefi"))]
fn main() -> std::process::ExitCode {
    eprintln!("error: updog-boot runs in UEFI firmware, not here");
    eprintln!("hint: cargo build --release -p updog-boot --target x86_64-unknown-uefi");
    std::process::ExitCode::from(2)
}
