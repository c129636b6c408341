//! The variants of this workspace: recipe, lock and files belong together.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use updog_image::lock::{Lock, Wanted, path_beside};
use updog_image::recipe::Content;
use updog_image::{Recipe, audit::Check};

fn variants() -> Vec<(PathBuf, Recipe)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../variants");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let recipes = paths.filter(|path| path.extension().is_some_and(|name| name == "toml"));
    let found: Vec<_> = recipes.map(|path| (path.clone(), Recipe::load(&path).unwrap())).collect();
    assert!(found.iter().any(|(_, recipe)| recipe.variant == "container"));
    found
}

#[test]
fn every_lock_answers_its_recipe() {
    for (path, recipe) in variants() {
        for &arch in &recipe.arch {
            let lock = Lock::read(&path_beside(&path, arch), arch).unwrap();
            let without = recipe.without.iter().cloned();
            let wanted =
                Wanted::new(&*recipe.suite, recipe.kernel_package(arch), recipe.packages(arch), without);
            lock.check(&wanted).unwrap();
            assert!(!lock.kernel.is_empty());
        }
    }
}

#[test]
fn both_architectures_of_a_variant_have_the_same_packages() {
    for (path, recipe) in variants() {
        let names = |&arch| {
            let lock = Lock::read(&path_beside(&path, arch), arch).unwrap();
            lock.root.into_iter().map(|locked| locked.package).collect::<BTreeSet<_>>()
        };
        let sets: Vec<_> = recipe.arch.iter().map(names).collect();
        assert!(sets.windows(2).all(|pair| pair[0] == pair[1]), "{}: {sets:?}", recipe.variant);
    }
}

#[test]
fn sources_are_there_and_no_file_is_left_over() {
    for (_, recipe) in variants() {
        let sources: BTreeSet<PathBuf> = recipe
            .files
            .iter()
            .filter_map(|file| match &file.content {
                Content::Source(path) => Some(path.clone()),
                Content::Text(_) => None,
            })
            .collect();
        // What every package of the host's programs holds has a folder, and tests, of its own.
        let (shared, sources): (BTreeSet<_>, BTreeSet<_>) =
            sources.into_iter().partition(|source| source.starts_with(recipe.folder.join(PACKAGED)));
        assert!(shared.iter().all(|source| source.is_file()), "{shared:?}");
        let folder = recipe.folder.join(&recipe.variant);
        let there: BTreeSet<PathBuf> = fs::read_dir(&folder)
            .map_or_else(|_| BTreeSet::new(), |all| all.map(|it| it.unwrap().path()).collect());
        assert_eq!(sources, there, "{}", recipe.variant);
    }
}

#[test]
fn units_that_are_enabled_are_written_or_packaged_and_none_is_masked_too() {
    let (_, recipe) = variants().into_iter().find(|(_, recipe)| recipe.variant == "container").unwrap();
    for unit in &recipe.units.enabled {
        assert!(!recipe.units.masked.contains(unit), "{unit}");
    }
    let own: Vec<&str> = recipe
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix("usr/lib/systemd/system/"))
        .filter(|name| !name.contains('/'))
        .collect();
    for name in ["updog-check.service", "updog-check.timer", "updog-health.service", "updog-report.service"] {
        assert!(own.contains(&name), "{name}");
    }
    assert!(
        recipe
            .units
            .enabled
            .iter()
            .filter(|unit| unit.starts_with("updog-"))
            .all(|unit| own.contains(&&**unit))
    );
}

#[test]
fn exceptions_name_checks_and_give_reasons() {
    for (_, recipe) in variants() {
        for exception in &recipe.audit {
            exception.check.parse::<Check>().unwrap();
            assert!(exception.reason.len() > 20, "{}: {}", exception.path, exception.reason);
        }
    }
}

#[test]
fn every_image_of_ours_restarts_by_itself() {
    for (_, recipe) in variants() {
        for &arch in &recipe.arch {
            let cmdline = recipe.cmdline(arch, "");
            for word in ["panic=10", "softlockup_panic=1", "hung_task_panic=1", "gpt"] {
                assert_eq!(cmdline.split(' ').filter(|given| *given == word).count(), 1, "{cmdline}");
            }
            assert!(recipe.has_watchdog(arch), "{} {arch}", recipe.variant);
        }
    }
}

const PACKAGED: &str = "../../updater/packaging";
