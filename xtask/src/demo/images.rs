//! Three releases of a real root file system: Debian packages, erofs, a dm-verity tree, a boot image.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::release_folder::{self, EPOCH};
use crate::shell::Shell;

/// One release as the demo makes it.
#[derive(Debug)]
pub(super) struct Make {
    pub(super) version: &'static str,
    /// Packages beyond those of the first.
    more: &'static str,
    /// Whether the root is damaged after its hash tree was made.
    broken: bool,
}

pub(super) const RELEASES: [Make; 3] = [
    Make { version: "1.0.0", more: "", broken: false },
    Make { version: "1.1.0", more: ",tzdata", broken: false },
    Make { version: "1.2.0", more: ",tzdata", broken: true },
];

const PACKAGES: &str = "base-files,base-passwd,libc6,libc-bin,coreutils,util-linux,systemd";
const SUITE: &str = "bookworm";
const ROOT_UUID: &str = "00000000-0000-4000-8000-000000000001";
const HASH_UUID: &str = "00000000-0000-4000-8000-000000000002";
const SALT: &str = "5a17000000000000000000000000000000000000000000000000000000000000";

impl Make {
    /// Where its images are, under the demo's folder.
    pub(super) fn folder(&self, demo: &Path) -> PathBuf {
        demo.join("images").join(self.version)
    }

    /// Makes the images unless an earlier run has; shows the tools' lines only for the first release.
    pub(super) fn make(&self, demo: &Path, seen: bool) -> Result<()> {
        let folder = self.folder(demo);
        let recipe = self.recipe();
        let stamp = folder.join("recipe");
        if std::fs::read_to_string(&stamp).is_ok_and(|made| made == recipe.join("\n")) {
            if seen {
                println!("  (kept from an earlier run in {})", process::shown(&folder));
            }
            return Ok(());
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("failed to remove {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder.join("root"))?;
        let shell = Shell::new(folder)?;
        for (at, line) in recipe.iter().enumerate() {
            if seen && SHOWN.contains(&at) {
                shell.show_line(line);
            }
            shell.quiet(line)?;
        }
        if self.broken {
            damage(&shell.folder().join("root.img"))?;
        }
        let root_hash = std::fs::read_to_string(shell.folder().join("root-hash"))?.trim().parse()?;
        release_folder::describe(shell.folder(), "demo", &self.version.parse()?, root_hash)?;
        std::fs::write(stamp, recipe.join("\n"))?;
        Ok(())
    }

    fn recipe(&self) -> Vec<String> {
        let Self { version, more, .. } = self;
        vec![
            format!(
                "mmdebstrap --quiet --mode=chrootless --variant=extract --include={PACKAGES}{more} {SUITE} root.tar"
            ),
            "tar -xf root.tar -C root --exclude=./dev --no-same-owner".to_owned(),
            format!(
                "rm -f root/usr/lib/os-release root/etc/os-release; \
                 printf 'ID=demo\\nVARIANT_ID=demo\\nVERSION_ID={version}\\n' > root/usr/lib/os-release; \
                 ln -s ../usr/lib/os-release root/etc/os-release"
            ),
            format!("mkfs.erofs -T {EPOCH} -U {ROOT_UUID} --all-root root.img root"),
            format!(
                "veritysetup format --salt={SALT} --uuid={HASH_UUID} --root-hash-file=root-hash root.img hash.img"
            ),
            format!(
                "export SOURCE_DATE_EPOCH={EPOCH}; truncate -s 4M boot.img && mformat -i boot.img -N 0 -v BOOT ::"
            ),
            "mcopy -i boot.img root-hash root/usr/lib/os-release ::".to_owned(),
            "rm -r root root.tar".to_owned(),
        ]
    }
}

/// Which lines of the recipe are worth showing.
const SHOWN: [usize; 3] = [0, 3, 4];

/// Changes one byte in the middle, after the hash tree over it was made: dm-verity will refuse its block.
fn damage(image: &Path) -> Result<()> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(image)?;
    let middle = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle)?;
    file.write_all_at(&[!byte[0]], middle)?;
    Ok(())
}
