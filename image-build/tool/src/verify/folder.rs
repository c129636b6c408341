//! The files beside the disk.

use std::fs;
use std::path::Path;

use chrono::SecondsFormat;
use release::folder::{FILE_NAME, ReleaseJson};
use serde_json::Value;

use super::Problems;
use crate::Error;
use crate::image::{BuildJson, record};

/// `build.json`, and every file by it.
pub(super) fn build_json(folder: &Path, problems: &mut Problems) -> Result<Option<BuildJson>, Error> {
    let text = match fs::read(folder.join("build.json")) {
        Ok(text) => text,
        Err(error) => {
            problems.add("build.json", format!("failed to read it: {error}"));
            return Ok(None);
        }
    };
    let build: BuildJson = match serde_json::from_slice(&text) {
        Ok(build) => build,
        Err(error) => {
            problems.add("build.json", error.to_string());
            return Ok(None);
        }
    };
    problems.equal("build.json", "format", &1, &build.format);
    names(folder, &build, problems);
    for (name, expected) in
        build.files.iter().filter(|(name, _)| ALWAYS.contains(&&***name) || *name == QCOW2)
    {
        let path = folder.join(name);
        if !path.is_file() {
            problems.add(name, "build.json names it, but it is not there");
            continue;
        }
        let found = record(&path)?;
        problems.equal(name, "length", &expected.length, &found.length);
        problems.equal(name, "digest by build.json", &expected.sha256, &found.sha256);
    }
    Ok(Some(build))
}

/// The names that a build gives, and no others: in `build.json`, in the release folder, of the disk.
fn names(folder: &Path, build: &BuildJson, problems: &mut Problems) {
    for name in ALWAYS.iter().filter(|name| !build.files.contains_key(**name)) {
        problems.add("build.json", format!("expected it to name {name}"));
    }
    for name in build.files.keys().filter(|name| !ALWAYS.contains(&&***name) && *name != QCOW2) {
        problems.add("build.json", format!("it names {name}, which no build makes"));
    }
    let inside = fs::read_dir(folder.join("release")).into_iter().flatten().flatten();
    let inside = inside.map(|entry| format!("release/{}", entry.file_name().to_string_lossy()));
    let disk = folder.join(QCOW2).exists().then(|| QCOW2.to_owned());
    for name in inside.chain(disk).filter(|name| !build.files.contains_key(name)) {
        problems.add(name, "build.json does not name it");
    }
}

/// What `build.json` says of the release is what the release says.
pub(super) fn agree(build: &BuildJson, release: &ReleaseJson, problems: &mut Problems) {
    const PLACE: &str = "build.json";
    problems.equal(PLACE, "variant by release.json", &*release.variant, &*build.variant);
    problems.equal(PLACE, "arch by release.json", &*release.arch, &*build.arch);
    problems.equal(PLACE, "version by release.json", &release.version.to_string(), &build.version);
    let created = release.created.to_rfc3339_opts(SecondsFormat::Secs, true);
    problems.equal(PLACE, "created by release.json", &created, &build.created);
}

/// `release.json`, and its images by it.
pub(super) fn release(folder: &Path, problems: &mut Problems) -> Result<Option<ReleaseJson>, Error> {
    let release = folder.join("release");
    let place = format!("release/{FILE_NAME}");
    let parsed = match fs::read(release.join(FILE_NAME)) {
        Ok(text) => ReleaseJson::parse(&text).map_err(|error| error.to_string()),
        Err(error) => Err(format!("failed to read it: {error}")),
    };
    let json = match parsed {
        Ok(json) => json,
        Err(problem) => {
            problems.add(place, problem);
            return Ok(None);
        }
    };
    for image in [&json.images.boot, &json.images.root, &json.images.hash] {
        let place = format!("release/{}", image.file);
        let path = release.join(&image.file);
        if !path.is_file() {
            problems.add(place, "release.json names it, but it is not there");
            continue;
        }
        let found = record(&path)?;
        problems.equal(&place, "length", &image.length, &found.length);
        problems.equal(&place, "digest by release.json", &image.sha256, &found.sha256);
    }
    Ok(Some(json))
}

/// The bill of materials names the images by their digests.
pub(super) fn bill_of_materials(folder: &Path, release: Option<&ReleaseJson>, problems: &mut Problems) {
    const NAME: &str = "sbom.spdx.json";
    let parsed = fs::read(folder.join(NAME)).map_err(|error| error.to_string());
    let parsed =
        parsed.and_then(|text| serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string()));
    let (json, release) = match (parsed, release) {
        (Ok(json), Some(release)) => (json, release),
        (Err(problem), _) => return problems.add(NAME, problem),
        (Ok(_), None) => return,
    };
    for image in [&release.images.boot, &release.images.root, &release.images.hash] {
        let packages = json.get("packages").and_then(Value::as_array).into_iter().flatten();
        let mut named = packages.filter(|package| package["packageFileName"] == *image.file);
        let digest = named.next().and_then(|package| package["checksums"][0]["checksumValue"].as_str());
        problems.equal(
            NAME,
            &format!("digest of {}", image.file),
            image.sha256.to_string().as_str(),
            digest.unwrap_or("none"),
        );
    }
}

const ALWAYS: [&str; 7] = [
    "disk.img",
    "release/release.json",
    "release/boot.img",
    "release/root.img",
    "release/hash.img",
    "sbom.spdx.json",
    "sizes.txt",
];
/// Only when it was asked for.
const QCOW2: &str = "disk.qcow2";
