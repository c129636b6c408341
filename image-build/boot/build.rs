//! Puts the public keys that a boot manifest may be signed with into the selector.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use boot_manifest::{Accept, keys_as_source, parse_keys};

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=UPDOG_BOOT_KEYS");
    println!("cargo::rerun-if-env-changed=UPDOG_BOOT_RELEASE");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "uefi") {
        // The same bytes everywhere: a digest in place of the time in the header, and no PDB, whose number depends on where
        // the sources lie.
        println!("cargo::rustc-link-arg-bins=/Brepro");
        println!("cargo::rustc-link-arg-bins=/DEBUG:NONE");
    }
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), String> {
    let variable = |name: &str| env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"));
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let test_keys = folder.join("keys/test.keys");
    let path = env::var_os("UPDOG_BOOT_KEYS").map_or_else(|| test_keys.clone(), PathBuf::from);
    if !path.is_absolute() {
        // A build script runs in the crate's folder, which is not where the user stands.
        return Err(format!(
            "failed to read UPDOG_BOOT_KEYS: expected a full path, found {}",
            path.display()
        ));
    }
    for watched in [&path, &test_keys] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let known = parse_keys(&read(&test_keys)?, &Accept::Any)?;
    let accept = match env::var("UPDOG_BOOT_RELEASE").ok().as_deref() {
        None | Some("" | "0") => Accept::Any,
        Some("1") => Accept::ReleaseOnly { known },
        Some(other) => {
            return Err(format!("failed to read UPDOG_BOOT_RELEASE: expected 0 or 1, found {other:?}"));
        }
    };
    let keys =
        parse_keys(&read(&path)?, &accept).map_err(|problem| format!("{}: {problem}", path.display()))?;
    let out = Path::new(&variable("OUT_DIR")?).join("keys.rs");
    fs::write(&out, keys_as_source(&keys))
        .map_err(|error| format!("failed to write {}: {error}", out.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("failed to read {}: {error}", path.display()))
}
