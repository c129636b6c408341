//! From a recipe to a folder with a disk, a release folder and what is to be known of them.

mod folder;
mod kernel;
mod keys;
mod needs;
mod packages;
mod request;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use rustix::fs::Mode;

use crate::compose::{self, compose};
use crate::image::{self, BuildJson, FileRecord, image, record};
use crate::packed::{self, pack};
use crate::programs::{self, Programs, SelectorKeys};
use crate::recipe::LATEST;
use crate::signing::SigningKey;
use crate::{Error, Recipe, Tool};

use folder::Folder;
use kernel::Kernel;
pub use request::{Request, Signing};

/// What a build left in its folder.
#[derive(Clone, Debug)]
pub struct Built {
    /// The raw disk.
    pub disk: PathBuf,
    /// The release folder.
    pub release: PathBuf,
    /// What is written in `build.json`.
    pub json: BuildJson,
    /// What the builder should think of.
    pub warnings: Vec<String>,
}

/// Builds. `say` gets a line per step.
///
/// Everything is made in a folder within `out` and renamed at the end, `build.json` last; on an error nothing is there that was not
/// there before. The process' umask is set, since programs that it runs inherit it.
pub fn build(request: &Request, say: &dyn Fn(&str)) -> Result<Built, Error> {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let recipe = request.load()?;
    let cmdline = needs::look(request, &recipe)?;
    let epoch = epoch(&recipe)?;
    let mut warnings = Vec::new();
    let mut warn = |text: String| {
        say(&format!("warning: {text}"));
        warnings.push(text);
    };
    cmdline.warnings().into_iter().chain(no_watchdog(request, &recipe)).for_each(&mut warn);
    let keys = keys::load(&request.signing)?;
    let mut folder = Folder::open(&request.out, &FINAL)?;
    let work = &*folder.partial().to_owned();

    let programs = our_programs(request, &recipe, epoch, say)?;
    keys::check(&programs.boot, &request.signing, &keys, &recipe)?;
    let tree = work.join("tree");
    let mut unpacked = packages::unpack(request, &recipe, &tree, say)?;
    let kernel = Kernel::find(&unpacked, recipe.kernel_package(request.arch), request.arch)?;
    kernel.boots(&recipe, request.arch)?.into_iter().for_each(&mut warn);

    say("compose the root");
    let plan = compose::Plan {
        recipe: &recipe,
        arch: request.arch,
        version: &request.version,
        epoch,
        programs: &programs,
        modules: &kernel.modules,
        init: cmdline.init(),
        overlays: &request.overlays,
    };
    let composed = compose(&plan, &tree)?;
    let sizes = unpacked.report(composed.tree(), &recipe)?;

    say("pack root, hash tree, initramfs, BOOT");
    let plan = packed::Plan {
        recipe: &recipe,
        arch: request.arch,
        version: &request.version,
        epoch,
        programs: &programs,
        kernel: &kernel.file,
        modules: &kernel.modules,
        cmdline: &cmdline,
        keys: &keys,
        secure_boot: request.secure_boot.as_ref(),
    };
    let packed = pack(&plan, &composed, work)?;

    say("lay out the disk");
    let plan = image::Plan {
        recipe: &recipe,
        arch: request.arch,
        version: &request.version,
        epoch,
        packages: unpacked.list(),
    };
    let image = image(&plan, &packed, work)?;
    let mut files = vec!["disk.img", "release", "sbom.spdx.json", "sizes.txt"];
    let sbom = unpacked.sbom(&recipe, &image, &programs, cargo_lock(request)?.as_deref())?;
    write(&work.join("sbom.spdx.json"), &sbom)?;
    write(&work.join("sizes.txt"), sizes.as_bytes())?;
    if request.qcow2 {
        say("convert to qcow2");
        Tool::QEMU_IMG.run_in(work, epoch, &CONVERT)?;
        files.push("disk.qcow2");
    }
    let json = BuildJson {
        format: 1,
        variant: recipe.variant,
        arch: request.arch.name().to_owned(),
        version: request.version.to_string(),
        created: image.json.created.to_rfc3339_opts(SecondsFormat::Secs, true),
        test_keys: keys.iter().any(SigningKey::is_test) || keys::takes_test(&programs.boot),
        lock: unpacked.lock,
        esp: image.esp,
        files: records(&files, work)?,
    };
    write(&work.join("build.json"), encode(&json)?.as_bytes())?;
    files.push("build.json");
    // Of an earlier build that was asked for more.
    let stale: Vec<&str> = ["disk.qcow2"].into_iter().filter(|name| !files.contains(name)).collect();
    folder.finish(&files, &stale)?;
    Ok(Built { disk: request.out.join("disk.img"), release: request.out.join("release"), json, warnings })
}

fn our_programs(
    request: &Request,
    recipe: &Recipe,
    epoch: u64,
    say: &dyn Fn(&str),
) -> Result<Programs, Error> {
    if let Some(folder) = &request.programs {
        return Programs::in_folder(folder, request.arch);
    }
    say(&format!("build updog's programs for {}", request.arch));
    let release = matches!(request.signing, Signing::Release(_));
    // cargo stands in the workspace, the builder perhaps elsewhere.
    let file = recipe.keys.as_deref().map(std::path::absolute).transpose();
    let file =
        file.map_err(|source| Error::Read { path: recipe.keys.clone().unwrap_or_default(), source })?;
    let keys = SelectorKeys { file, release };
    Programs::build(&programs::workspace()?, request.arch, &keys, epoch)
}

/// The `Cargo.lock` of programs that are built here.
fn cargo_lock(request: &Request) -> Result<Option<String>, Error> {
    if request.programs.is_some() {
        return Ok(None);
    }
    let path = programs::workspace()?.join("Cargo.lock");
    let read = fs::read_to_string(&path);
    read.map(Some).map_err(|source| Error::Read { path, source })
}

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), else the recipe's.
fn epoch(recipe: &Recipe) -> Result<u64, Error> {
    let Some(given) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(recipe.epoch) };
    let given = given.to_string_lossy();
    let epoch = given.parse().ok().filter(|epoch| *epoch <= LATEST);
    epoch.ok_or_else(|| Error::Epoch { found: given.into_owned() })
}

/// A hang is the one thing that an image without a watchdog does not come back from.
fn no_watchdog(request: &Request, recipe: &Recipe) -> Option<String> {
    let text =
        "kernel.modules names no watchdog (softdog, i6300esb, iTCO_wdt, sbsa_gwdt, …): nothing ends a hang";
    (!recipe.has_watchdog(request.arch)).then(|| text.to_owned())
}

/// All files that were made, by their paths.
fn records(files: &[&str], work: &Path) -> Result<BTreeMap<String, FileRecord>, Error> {
    let inside = ["release/release.json", "release/boot.img", "release/root.img", "release/hash.img"];
    let names = files.iter().filter(|name| **name != "release").chain(&inside);
    names.map(|name| Ok(((*name).to_owned(), record(&work.join(name))?))).collect()
}

const CONVERT: [&str; 7] = ["convert", "-f", "raw", "-O", "qcow2", "disk.img", "disk.qcow2"];
/// All names that a build may give.
const FINAL: [&str; 6] = ["disk.img", "release", "sbom.spdx.json", "sizes.txt", "disk.qcow2", "build.json"];

fn encode(json: &BuildJson) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(json).map_err(|source| Error::Encode { source })? + "\n")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}
