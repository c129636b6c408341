//! A repository on disk, a server before it, and a client with short patience.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fixtures::clock::time;
use fixtures::server::{Faults, Server};
use fixtures::tuf::Repository;
use trust_client::{
    Error, Expiry, Freshness, Mirrors, Store, Target, Transport, TransportConfig, Trusted, refresh,
};

/// Longer than a few socket buffers, and no multiple of anything.
pub(crate) const LENGTH: usize = 300_001;

pub(crate) struct World {
    pub(crate) repository: Repository,
    pub(crate) server: Server,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut repository = Repository::new(time("2026-11-25T10:00:00Z"));
        let targets = &mut repository.roles.entry("targets".into()).or_default().targets;
        targets.insert("os.img".into(), image());
        repository.publish();
        let folder = tempfile::tempdir().expect("a temporary folder");
        repository.write(folder.path()).expect("the repository is written");
        let server = Server::start(folder.path(), Faults::default()).expect("the server starts");
        Self { repository, server, folder }
    }

    pub(crate) fn mirrors(&self) -> Mirrors {
        Mirrors::one(&self.server.url_of("metadata"), &self.server.url_of("targets/")).expect("two URLs")
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        self.folder.path().join("trust")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(self.store_path()).expect("the store opens")
    }

    pub(crate) async fn refresh(&self, transport: &Transport) -> Result<Trusted, Error> {
        self.refresh_from(transport, &self.mirrors()).await
    }

    pub(crate) async fn refresh_from(
        &self,
        transport: &Transport,
        mirrors: &Mirrors,
    ) -> Result<Trusted, Error> {
        refresh(transport, &self.store(), mirrors, &self.repository.root(1), fresh()).await
    }

    /// The path of the image below the targets URL.
    pub(crate) fn image_path(&self) -> String {
        let folder = self.folder.path().join("targets");
        file_ending(&folder, ".os.img")
    }

    /// Refreshes from an honest server, then meets `faults` while it fetches the image.
    pub(crate) fn fetch(
        &self,
        config: TransportConfig,
        faults: Faults,
    ) -> (Result<Vec<u8>, Error>, Transport) {
        run(async {
            let transport = Transport::new(config).expect("settings are good");
            self.server.set(Faults::default());
            let mut trusted = self.refresh(&transport).await.expect("an honest refresh");
            self.server.set(faults);
            self.server.clear();
            let found = trusted.target_bytes(&transport, "os.img", LENGTH as u64).await;
            (found.map(Vec::from), transport)
        })
    }
}

pub(crate) fn fresh() -> Freshness {
    Freshness { now: time("2026-11-26T10:00:00Z"), expiry: Expiry::Enforce }
}

/// Tries soon, waits little.
pub(crate) fn hasty() -> TransportConfig {
    TransportConfig {
        stall: Duration::from_millis(400),
        connect: Duration::from_secs(2),
        retries: 2,
        backoff: Duration::from_millis(2),
        longest_wait: Duration::from_secs(3),
        ..TransportConfig::default()
    }
}

pub(crate) fn image() -> Vec<u8> {
    (0..LENGTH).map(|n| (n * n / 7 + n).to_le_bytes()[0]).collect()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

pub(crate) fn file_ending(folder: &Path, end: &str) -> String {
    let mut entries = std::fs::read_dir(folder).expect("the folder is there").flatten();
    let name =
        entries.find_map(|entry| entry.file_name().into_string().ok().filter(|name| name.ends_with(end)));
    name.expect("the file is there")
}

pub(crate) fn check(target: &Target) {
    assert_eq!(target.length, LENGTH as u64);
    assert!(target.sha256().is_some());
}
