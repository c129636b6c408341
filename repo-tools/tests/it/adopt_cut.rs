//! An adoption whose power is cut at every operation: what is left is no working folder yet or the whole one, and the same
//! command makes the same folder of it. Two careless writers must fail the same sweep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixtures::crash_fs::{CrashFs, Lie, View};
use updog_repo::adopt::{Adopting, adopt};
use updog_repo::copy::Writing;
use updog_repo::source::FolderSource;
use updog_repo::{Disk, Error, Folder};

use crate::common::{OnCrashFs, Yard, day};
use crate::delegation_cut::{leave, sign_for};

/// A release, and a role that signs for one target more.
fn published() -> (Yard, PathBuf) {
    let (yard, key) = Yard::with_key();
    let team = yard.key("team");
    leave(&yard, "team", &team, "tools-*");
    sign_for(&yard, "team", &team, ("tools-a", &[]), 1);
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    (yard, dir)
}

fn adopt_on(fs: &CrashFs, public: &Path) -> Result<(), Error> {
    let order = Adopting { root: None, now: day(2), workers: 1, writing: Writing::Really };
    let source = FolderSource::new(&Disk, public);
    adopt(Arc::new(OnCrashFs(fs.clone())), Path::new(NEW), &source, &order, &|_, _| {}).map(|_| ())
}

#[derive(Debug, Default)]
struct Swept {
    unmade: usize,
    made: usize,
    broken: Vec<String>,
}

/// Cuts at every operation of an adoption on `base`, the last first; of a liar, until it is caught.
fn sweep(public: &Path, base: &CrashFs, lie: Lie) -> Swept {
    let uncut = base.fork();
    uncut.lie(lie);
    adopt_on(&uncut, public).unwrap();
    let (whole, reference) = (uncut.ops(), uncut.tree());
    let mut swept = Swept::default();
    for cut in (0..=whole).rev() {
        let fs = base.fork();
        fs.lie(lie);
        fs.cut_at(cut);
        assert_eq!(adopt_on(&fs, public).is_ok(), cut == whole);
        for view in fs.views() {
            match judge(&view, public, &reference) {
                Ok(true) => swept.made += 1,
                Ok(false) => swept.unmade += 1,
                Err(why) => swept.broken.push(format!("cut {cut}, {}: {why}", view.how)),
            }
        }
        if lie != Lie::None && !swept.broken.is_empty() {
            break;
        }
    }
    println!(
        "{whole} operations: {} made, {} unmade, {} wrong ({lie:?})",
        swept.made,
        swept.unmade,
        swept.broken.len()
    );
    swept
}

/// `true`: a working folder, whole; `false`: none yet, and a rerun makes it.
fn judge(view: &View, public: &Path, reference: &BTreeMap<PathBuf, Vec<u8>>) -> Result<bool, String> {
    let made = match Folder::open(Arc::new(OnCrashFs(view.fs.clone())), Path::new(NEW)) {
        Ok(_) => true,
        Err(Error::NoFolder { .. }) => false,
        Err(error) => return Err(format!("{error}: {error:?}")),
    };
    if !made {
        adopt_on(&view.fs, public).map_err(|error| format!("rerun: {error}: {error:?}"))?;
    }
    let tree = view.fs.tree();
    match reference.keys().chain(tree.keys()).find(|file| tree.get(*file) != reference.get(*file)) {
        None => Ok(made),
        Some(file) => Err(format!("{} differs, made {made}", file.display())),
    }
}

#[test]
fn an_adoption_cut_anywhere_makes_no_folder_or_all_of_it_and_a_rerun_completes_it() {
    let (_yard, public) = published();
    let swept = sweep(&public, &CrashFs::new(), Lie::None);
    assert!(swept.broken.is_empty(), "{} of them: {}", swept.broken.len(), swept.broken[0]);
    assert!(swept.unmade > 300 && swept.made > 0, "{swept:?}");
}

#[test]
fn an_adoption_that_does_not_flush_fails_the_sweep() {
    let (_yard, public) = published();
    // The folders are there, as from version control: a name that was not flushed stands alone in one that was.
    let base = CrashFs::new();
    for dir in ["", "root", "draft", "blobs", "signing", "signing/delegated"] {
        base.make_dir(&Path::new(NEW).join(dir)).unwrap();
    }
    let base = base.fork();
    for lie in [Lie::FileSync, Lie::DirSync] {
        assert!(!sweep(&public, &base, lie).broken.is_empty(), "{lie:?}");
    }
}

const NEW: &str = "/new";
