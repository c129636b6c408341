//! Files for an image: a fixed part of this machine's own `/usr`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders are taken in this order until the image is full.
const FOLDERS: [&str; 14] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/libexec",
    "/usr/lib/systemd",
    "/usr/lib/python3",
    "/usr/lib/python3.11",
    "/usr/lib/udev",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/share/bash-completion",
    "/usr/share/zoneinfo",
    "/usr/share/perl",
    "/usr/share/ca-certificates",
    "/usr/share/locale",
    "/usr/share/misc",
];

/// One larger than this would fill a small image alone.
const LARGEST: u64 = 64 << 20;

/// Copies as many files as fit into so many KiB; how many there are.
pub(super) fn copy(to: &Path, kib: u64) -> Result<usize> {
    let mut left = kib;
    let mut count = 0;
    for folder in FOLDERS.iter().map(Path::new).filter(|folder| folder.is_dir()) {
        let mut found = Vec::new();
        walk(folder, &mut found)?;
        found.sort();
        for (path, length) in found {
            let cost = length / 1024 + 4;
            if cost > left {
                continue;
            }
            left -= cost;
            count += 1;
            copy_one(&path, to).with_context(|| format!("failed to copy {}", path.display()))?;
        }
    }
    Ok(count)
}

/// Files and links below, with their lengths.
fn walk(folder: &Path, found: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        // What this machine happens to have of compilers is no part of an appliance.
        let strange = path.to_string_lossy().contains("/llvm");
        if kind.is_dir() {
            walk(&path, found)?;
        } else if !strange && (kind.is_file() || kind.is_symlink()) {
            let length = entry.metadata()?.len();
            if length <= LARGEST {
                found.push((path, length));
            }
        }
    }
    Ok(())
}

fn copy_one(path: &Path, to: &Path) -> Result<()> {
    let target = to.join(path.strip_prefix("/").unwrap_or(path));
    fs::create_dir_all(target.parent().unwrap_or(to))?;
    if path.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(path)?, &target)?;
        return Ok(());
    }
    fs::copy(path, &target)?;
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    fs::set_permissions(&target, fs::Permissions::from_mode(mode | 0o200))?;
    Ok(())
}
