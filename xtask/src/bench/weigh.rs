//! Bytes of what a repository holds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::Shell;

/// Of the files in a folder that have one of these words in their names.
pub(super) fn files(folder: &Path, words: &[&str]) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if words.iter().any(|word| name.contains(word)) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// What a host fetches for the one delta of the root image in this working folder: the delta, and the full frames that it leaves.
pub(super) fn root_delta(shell: &Shell, repo: &str) -> Result<u64> {
    let said = shell.quiet(&format!("updog-repo --repo {repo} --json delta list"))?.out;
    let said: Value = serde_json::from_str(&said).context("failed to read what delta list says")?;
    fetched(&said).with_context(|| format!("delta list names no delta of a root image: {said}"))
}

fn fetched(said: &Value) -> Option<u64> {
    let releases = said["data"]["releases"].as_array()?;
    let mut deltas = releases.iter().filter_map(|release| release["deltas"].as_array()).flatten();
    let root = deltas.find(|delta| delta["image"] == "root")?;
    Some(root["length"].as_u64()? + root["sizes"]["full_frames"].as_u64()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_delta_leaves_full_frames_to_fetch() {
        let boot = json!({"image": "boot", "length": 1, "sizes": {"full_frames": 1}});
        let root = json!({"image": "root", "length": 892_298, "sizes": {"full_frames": 621_592}});
        let said = json!({"data": {"releases": [{"deltas": []}, {"deltas": [boot, root]}]}});
        assert_eq!(fetched(&said), Some(1_513_890));
        assert_eq!(fetched(&json!({"data": {"releases": []}})), None);
    }
}
