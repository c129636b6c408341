//! Other clients read what we publish.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::Command;

use futures_util::StreamExt;
use release::Digest;
use release::delta::DeltaWriter;
use tough::{RepositoryLoader, TargetName};
use updog_repo::delta::{self, Adding, Bases};
use updog_repo::keys::{KeyKind, Signer, generate};
use updog_repo::{Choice, Role};

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
    yard.add_similar("1.0.0+build.1", 1);
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
    yard.add_similar("1.1.0", 2);
    delta::add(&yard.folder, &from_the_last(), &mut |_, _, _| {}).unwrap();
    let everyone: Vec<&Signer> = all.iter().chain([&new]).collect();
    yard.publish(&everyone, now, &dir);
    (yard, dir)
}

/// Deltas of the newest release from the one before it.
fn from_the_last() -> Adding<'static> {
    let writer = DeltaWriter { level: 3, ..DeltaWriter::default() };
    Adding { choice: Choice::default(), bases: Bases::Last(1), writer, raw: None, source: None }
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
        assert_eq!(names.len(), 16);
        for name in names {
            let mut target = repository.read_target(&name).await.unwrap().unwrap();
            while let Some(part) = target.next().await {
                part.unwrap();
            }
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(read);
}

/// Roots and targets signed by requests, two of three each; then a rotation of a root key and of the online keys in its
/// two commits. Every state that a client can meet is read from root 1: before, between the commits, and after.
#[test]
fn interop_ceremony_and_rotation_in_two_commits() {
    let (yard, states) = ceremony();
    for (state, version, targets) in &states {
        let root = state.join("metadata/1.root.json");
        let url = |sub: &str| url::Url::from_directory_path(state.join(sub)).unwrap();
        let bytes = std::fs::read(&root).unwrap();
        let read = async {
            let repository =
                RepositoryLoader::new(&bytes, url("metadata"), url("targets")).load().await.unwrap();
            assert_eq!(repository.root().signed.version.get(), *version);
            let names: Vec<TargetName> = repository.targets().signed.targets.keys().cloned().collect();
            assert_eq!(names.len(), *targets);
            for name in names {
                let mut target = repository.read_target(&name).await.unwrap().unwrap();
                while let Some(part) = target.next().await {
                    part.unwrap();
                }
            }
        };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(read);

        let cache = tempfile::tempdir_in(yard.dir.path()).unwrap();
        let server = fixtures::server::Server::start(state, fixtures::server::Faults::default()).unwrap();
        let mut client = Command::new(python());
        client.args(["-c", PYTHON, &server.url()]).arg(&root).current_dir(cache.path());
        let out = client.output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), targets.to_string());
    }
}

/// The states, each with the root and the number of targets that a client finds.
fn ceremony() -> (Yard, [(PathBuf, u64, usize); 3]) {
    use updog_repo::{Rotation, request};
    let yard = Yard::bare();
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let [a, b, c, d] = ["ann", "ben", "cem", "dora"].map(|name| yard.key(name));
    let (online, fresh) = (yard.key("online"), yard.key("fresh"));
    let two = NonZeroU64::new(2).unwrap();
    let gather = |role: Role, keys: &[&Signer]| {
        let papers = yard.folder.papers().unwrap();
        let ask = if role == Role::Root {
            request::for_root(papers.clone(), now).unwrap()
        } else {
            let manifest = yard.folder.draft().unwrap().manifest.encode().unwrap();
            request::for_targets(papers.clone(), Rotation::OldAndNew, manifest, None).unwrap()
        };
        let answers = keys.iter().map(|key| {
            let mut answer = request::Request::parse(&ask.encode().unwrap()).unwrap();
            assert!(crate::common::wait(answer.sign(key)).unwrap());
            (PathBuf::from("answer"), answer)
        });
        let answers: Vec<_> = answers.collect();
        let collected = request::collect(papers, role, &answers, Rotation::OldAndNew, now).unwrap();
        assert!(collected.missing.is_empty(), "{:?}", collected.missing);
        yard.folder.save_papers(&collected.papers).unwrap();
    };
    yard.edit_root(|next| {
        for (key, name) in [(&a, "ann"), (&b, "ben"), (&c, "cem")] {
            next.add_key(&key.public(), &[Role::Root, Role::Targets]).unwrap();
            next.name_key(key.id(), name).unwrap();
        }
        next.set_threshold(Role::Root, two).unwrap();
        next.set_threshold(Role::Targets, two).unwrap();
        next.add_key(&online.public(), &[Role::Snapshot, Role::Timestamp]).unwrap();
        next.set_expires(now + chrono::TimeDelta::days(365)).unwrap();
    });
    gather(Role::Root, &[&c, &a]);
    yard.add("1.0.0");
    yard.missing(&[], now);
    gather(Role::Targets, &[&b, &c]);
    let dir = yard.path("pub");
    yard.publish(&[&online], now, &dir);
    let before = yard.path("before");
    copy(&dir, &before);

    yard.edit_root(|next| {
        next.remove_key(a.id(), &[Role::Root, Role::Targets]).unwrap();
        next.add_key(&d.public(), &[Role::Root, Role::Targets]).unwrap();
        next.remove_key(online.id(), &Role::ALL).unwrap();
        next.add_key(&fresh.public(), &[Role::Snapshot, Role::Timestamp]).unwrap();
    });
    gather(Role::Root, &[&d, &b, &c]);
    yard.add("1.1.0");
    yard.missing(&[], now);
    gather(Role::Targets, &[&c, &b]);
    let published = yard.publish(&[&online, &fresh], now, &dir);
    assert_eq!(published.plan.roots_after, [2]);
    let between = yard.path("between");
    copy(&dir, &between);
    std::fs::remove_file(between.join("metadata/2.root.json")).unwrap();
    (yard, [(before, 1, 7), (between, 1, 13), (dir, 2, 13)])
}

fn copy(from: &Path, to: &Path) {
    for sub in ["metadata", "targets"] {
        std::fs::create_dir_all(to.join(sub)).unwrap();
        for entry in std::fs::read_dir(from.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, to.join(sub).join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Needs python-tuf, and fails without it: a host that lacks it must not look as if this had passed.
#[test]
fn python_tuf_reads_it_from_root_1() {
    let (yard, dir) = repository();
    assert_eq!(read_by_python_tuf(&dir, yard.dir.path()), 16);
    // A delta comes under the name that the manifest gives it, as it was made.
    let draft = yard.folder.draft().unwrap();
    let deltas = &draft.manifest.updates[1].updog.as_ref().unwrap().deltas;
    assert_eq!(deltas.len(), 3);
    for delta in deltas {
        let read = std::fs::read(yard.path("t").join(&delta.target)).unwrap();
        assert_eq!(Digest::of(&read), draft.targets[&delta.target].sha256);
        assert!(delta.target.contains(".from-"), "{}", delta.target);
    }
}

/// How many targets python-tuf downloads, from root 1 on; it works in this folder.
pub(crate) fn read_by_python_tuf(dir: &Path, work: &Path) -> usize {
    let server = fixtures::server::Server::start(dir, fixtures::server::Faults::default()).unwrap();
    let out = Command::new(python())
        .args(["-c", PYTHON, &server.url()])
        .arg(dir.join("metadata/1.root.json"))
        .current_dir(work)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap()
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
