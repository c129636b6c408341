//! What the manifest says, and whether indexes fit their frames.

use std::collections::BTreeSet;

use release::manifest::Manifest;
use release::{Image, Images};
use trust_core::Session;

use super::{Kind, Report};
use crate::error::{Error, Result, chain};
use crate::host_check::{check_image, read_manifest, wrong_id};
use crate::source::Source;

impl Report {
    pub(super) fn manifest(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        whole: &BTreeSet<String>,
    ) -> Result<()> {
        let listed: BTreeSet<String> = session.names().map(str::to_owned).collect();
        // A damaged manifest is in the list already; what it says does not count.
        if listed.contains(release::manifest::TARGET_NAME) && !whole.contains(release::manifest::TARGET_NAME)
        {
            return Ok(());
        }
        let manifest = match read_manifest(source, session) {
            Ok(Some(manifest)) => manifest,
            // A role on the way that a host would refuse is in the list already.
            Ok(None) => return Ok(()),
            Err(error) if error.is_refusal() => return Ok(()),
            Err(error @ (Error::Manifest { .. } | Error::HostTarget { .. })) => {
                self.add(Kind::Manifest, chain(&error));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut problems = manifest.check();
        problems.extend(manifest.missing_targets(|name| listed.contains(name)));
        for problem in problems {
            self.add(Kind::Manifest, problem.to_string());
        }
        self.indexes(source, session, &manifest, whole)?;
        self.deltas(source, session, &manifest, whole)
    }

    /// Each index fits its frames, and the three of a release make its id.
    fn indexes(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        manifest: &Manifest,
        whole: &BTreeSet<String>,
    ) -> Result<()> {
        for update in &manifest.updates {
            let Some(ours) = &update.updog else { continue };
            if !ours.index.iter().all(|(_, name)| whole.contains(name)) {
                continue; // in the list already
            }
            let digests = Images::try_from_fn(|image: Image| {
                check_image(source, session, ours.index.get(image), update.images.get(image))
            });
            match digests {
                Ok(digests) => {
                    if let Some(wrong) = wrong_id(update, &digests) {
                        self.add(Kind::Manifest, wrong);
                    }
                }
                Err(error @ Error::HostTarget { .. }) => self.add(Kind::Manifest, chain(&error)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
