//! Other clients read what we publish.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::Command;

use futures_util::StreamExt;
use tough::{RepositoryLoader, TargetName};
use updog_repo::Role;
use updog_repo::keys::{KeyKind, Signer, generate};

use crate::common::{Yard, again, python};

/// All three kinds of key on every role, two signatures for each, a rotation behind it, signed at the true time.
fn repository() -> (Yard, PathBuf) {
    let yard = Yard::bare();
    let kinds = [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];
    let keys: Vec<Signer> = kinds
        .iter()
        .map(|kind| generate(*kind, &yard.path(&format!("keys/{kind:?}"))).unwrap().signer)
        .collect();
    yard.edit_root(|next| {
        for role in Role::ALL {
            for key in &keys {
                next.add_key(&key.public(), &[role]).unwrap();
            }
            next.set_threshold(role, NonZeroU64::new(3).unwrap()).unwrap();
        }
    });
    yard.add("1.0.0+build.1");
    let dir = yard.path("pub");
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let all: Vec<Signer> = keys.iter().map(again).collect();
    yard.publish(&all.iter().collect::<Vec<_>>(), now, &dir);
    let new = yard.key("new");
    yard.edit_root(|next| {
        let online = [Role::Targets, Role::Snapshot, Role::Timestamp];
        next.add_key(&new.public(), &online).unwrap();
        next.remove_key(keys[2].id(), &online).unwrap();
        next.set_expires(now + chrono::TimeDelta::days(365)).unwrap();
    });
    yard.add("1.1.0");
    let everyone: Vec<&Signer> = all.iter().chain([&new]).collect();
    yard.publish(&everyone, now, &dir);
    (yard, dir)
}

#[test]
fn tough_reads_it_from_root_1() {
    let (_yard, dir) = repository();
    let url = |sub: &str| url::Url::from_directory_path(dir.join(sub)).unwrap();
    let root = std::fs::read(dir.join("metadata/1.root.json")).unwrap();
    let read = async {
        let repository = RepositoryLoader::new(&root, url("metadata"), url("targets")).load().await.unwrap();
        assert_eq!(repository.root().signed.version.get(), 2);
        let names: Vec<TargetName> = repository.targets().signed.targets.keys().cloned().collect();
        assert_eq!(names.len(), 13);
        for name in names {
            let mut target = repository.read_target(&name).await.unwrap().unwrap();
            while let Some(part) = target.next().await {
                part.unwrap();
            }
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(read);
}

/// Needs python-tuf, and fails without it: a host that lacks it must not look as if this had passed.
#[test]
fn python_tuf_reads_it_from_root_1() {
    let (yard, dir) = repository();
    let python = python();
    let server = fixtures::server::Server::start(&dir, fixtures::server::Faults::default()).unwrap();
    let out = Command::new(python)
        .args(["-c", PYTHON, &server.url()])
        .arg(dir.join("metadata/1.root.json"))
        .current_dir(yard.dir.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "13");
}

const PYTHON: &str = "
import os, sys
from tuf.ngclient import Updater
base = sys.argv[1].rstrip('/')
for folder in ('m', 't'): os.mkdir(folder)
updater = Updater('m', base + '/metadata/', 't', base + '/targets/', bootstrap=open(sys.argv[2], 'rb').read())
updater.refresh()
names = list(updater._trusted_set.targets.targets)
for name in names: updater.download_target(updater.get_targetinfo(name))
print(len(names))
";
