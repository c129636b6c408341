//! The target that every look reads is fetched once.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use trust_client::{Class, Files, NewFile, Role, Store, Transport};
use trust_core::Change;

use crate::host::{LENGTH, World, hasty, image, run};

/// Asks for the image as an own run of a host would; the bytes, and how many requests the target took.
fn look(world: &World) -> (Result<Vec<u8>, trust_client::Error>, usize) {
    run(async {
        let transport = Transport::new(hasty()).expect("settings are good");
        let mut trusted = world.refresh(&transport).await.expect("an honest refresh");
        world.server.clear();
        let found = trusted.kept_target_bytes(&transport, "os.img", LENGTH as u64).await;
        (found.map(Vec::from), world.server.log().len())
    })
}

fn kept(world: &World) -> PathBuf {
    world.store_path().join("kept.target")
}

#[test]
fn it_is_not_fetched_again() {
    let world = World::new();
    for requests in [1, 0, 0] {
        let (found, asked) = look(&world);
        assert_eq!((found.unwrap() == image(), asked), (true, requests));
    }
    // Nor asked of a mirror that has lost it.
    fs::remove_file(world.folder.path().join("targets").join(world.image_path())).unwrap();
    assert_eq!(look(&world).0.unwrap(), image());
}

/// What lies there is believed for what is signed now and for nothing else.
#[test]
fn what_is_not_it_to_the_byte_is_fetched() {
    let world = World::new();
    look(&world).0.unwrap();
    let mut other = image();
    other[LENGTH / 2] ^= 1;
    for bytes in [other, image()[1..].to_vec(), Vec::new()] {
        fs::write(kept(&world), bytes).unwrap();
        let (found, asked) = look(&world);
        assert_eq!((found.unwrap() == image(), asked), (true, 1));
        assert_eq!(fs::read(kept(&world)).unwrap(), image());
    }
}

/// A limit holds whether it is there or not.
#[test]
fn one_that_is_too_long_is_refused_all_the_same() {
    let world = World::new();
    look(&world).0.unwrap();
    let error = run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh(&transport).await.unwrap();
        trusted.kept_target_bytes(&transport, "os.img", 99).await.unwrap_err()
    });
    assert_eq!(error.classify(), Class::Untrusted, "{error}");
}

/// A folder in its place stands for all that keeps it from being written.
#[test]
fn one_that_cannot_be_kept_is_no_error() {
    let world = World::new();
    fs::create_dir_all(kept(&world)).unwrap();
    for _ in 0..2 {
        let (found, asked) = look(&world);
        assert_eq!((found.unwrap() == image(), asked), (true, 1));
    }
    assert!(!kept(&world).with_extension("json.partial").exists());
}

/// Nor is the role read again that lists it, unless what was found there is lost.
#[test]
fn what_was_found_of_it_stands_for_the_role() {
    let world = World::new();
    look(&world).0.unwrap();
    let (found, targets) = (world.store_path().join("kept.found"), world.store_path().join("targets.json"));
    let mut damaged = fs::read(&found).unwrap();
    damaged[100] ^= 1;
    let asks = |stored: bool| {
        if !stored {
            fs::remove_file(&targets).unwrap();
        }
        world.server.clear();
        let trusted = run(async {
            let transport = Transport::new(hasty()).unwrap();
            let mut trusted = world.refresh(&transport).await.unwrap();
            let known = trusted.session().known("os.img");
            let bytes = trusted.kept_target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap();
            assert_eq!(Vec::from(bytes), image());
            (known.is_some(), trusted.roles().unwrap().targets.version)
        });
        (trusted, world.server.log().len())
    };
    assert_eq!(asks(true), ((true, 2), 2));
    assert_eq!(asks(false), ((true, 2), 2));
    // A changed byte: the role is read again, and fetched where it is lost too.
    fs::write(&found, &damaged).unwrap();
    assert_eq!(asks_of_targets(&world), 1);
    assert_eq!(asks(true), ((true, 2), 2));
    fs::write(&found, &damaged).unwrap();
    assert_eq!(asks(true), ((false, 2), 2));
    assert_eq!(asks(true), ((true, 2), 2));
}

/// How often the role was fetched by one look.
fn asks_of_targets(world: &World) -> usize {
    world.server.clear();
    run(async {
        let transport = Transport::new(hasty()).expect("settings are good");
        let mut trusted = world.refresh(&transport).await.expect("an honest refresh");
        trusted.kept_target_bytes(&transport, "os.img", LENGTH as u64).await.expect("an honest server");
    });
    world.server.log().iter().filter(|line| line.target.ends_with("targets.json")).count()
}

/// What only saves requests makes room for what is trusted.
#[test]
fn in_a_full_folder_it_goes_before_a_role_is_refused() {
    let world = World::new();
    look(&world).0.unwrap();
    let room = Room::over(&world.store_path());
    let store = Store::over(Arc::new(room), world.store_path()).unwrap();
    let keep = |role| store.apply(&[Change::Keep { role, bytes: b"newer".to_vec() }]);
    keep(Role::Snapshot).unwrap();
    assert_eq!(store.read(&Role::Snapshot).unwrap(), b"newer");
    assert!(!kept(&world).exists() && !world.store_path().join("kept.found").exists());
    // Nothing is left to give up.
    let error = keep(Role::Targets).unwrap_err();
    assert_eq!(error.classify(), Class::Broken, "{error}");
    assert_ne!(store.read(&Role::Targets).unwrap(), b"newer");
}

/// A folder that is full until a file is removed, and full again after one write.
#[derive(Debug)]
struct Room {
    writes: AtomicU32,
    folder: PathBuf,
}

impl Room {
    fn over(folder: &Path) -> Self {
        Self { writes: AtomicU32::new(0), folder: folder.to_owned() }
    }
}

impl Files for Room {
    fn is_dir(&self, dir: &Path) -> bool {
        dir == self.folder
    }
    fn make_dirs(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn length(&self, file: &Path) -> Option<u64> {
        Some(fs::metadata(file).ok()?.len())
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        if self.writes.load(Relaxed) == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.writes.fetch_sub(1, Relaxed);
        Ok(Box::new(Plain(fs::File::create(file)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)?;
        self.writes.store(1, Relaxed);
        Ok(())
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

struct Plain(fs::File);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Plain {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
