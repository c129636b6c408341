//! Contents: what is drafted, signed, staged, and whether the blobs are there.

use release::manifest::{Delta, Update};

use super::{Finding, Kind, Observed};
use crate::delta::dangling;
use crate::document::Document;
use crate::error::Error;
use crate::role::Role;
use crate::signed::Signed;

pub(super) fn check(seen: &Observed) -> Vec<Finding> {
    // Said once: whoever reads the chain finds the hole too.
    let said = seen.troubles.iter().any(|trouble| trouble.kind == Kind::RootChain);
    let mut findings: Vec<Finding> = chain(&seen.root_versions).filter(|_| !said).into_iter().collect();
    findings.extend(seen.blobs.iter().filter_map(|blob| {
        let add = "add the release again with \"updog-repo release add\", or bring the file back";
        match blob.found {
            None => Some(Finding::new(Kind::BlobMissing, format!("blob {} is not there", blob.file), add)),
            Some(found) if found != blob.expected => Some(Finding::new(
                Kind::BlobLength,
                format!("blob {}: expected {} bytes, found {found}", blob.file, blob.expected),
                add,
            )),
            Some(_) => None,
        }
    }));
    if let Some(draft) = &seen.draft {
        let mut problems = draft.manifest.check();
        problems.extend(draft.manifest.missing_targets(|name| draft.targets.contains_key(name)));
        let fix = "mend the draft: nothing of it can be signed like this";
        let problems = problems.iter().map(|problem| Finding::new(Kind::Manifest, problem.to_string(), fix));
        findings.extend(problems);
        findings.extend(dangling(&draft.manifest).into_iter().map(without_base));
    }
    // What could not be read cannot be called unsigned.
    if !seen.troubles.iter().any(|trouble| matches!(trouble.kind, Kind::Unreadable | Kind::RootChain))
        && chain(&seen.root_versions).is_none()
    {
        findings.extend(unsigned(seen));
    }
    findings.extend(stage(seen));
    findings
}

/// Hosts of the base are served by the delta, and nobody can make or check it again.
fn without_base((update, delta): (&Update, &Delta)) -> Finding {
    let release = crate::title(update);
    let what = format!("{} starts from a release that the draft does not have", delta.target);
    let version = &update.version;
    let fix = format!("\"updog-repo delta remove --version {version} --from {}\"", delta.from.short());
    Finding::new(Kind::Manifest, format!("{release}: {what}"), fix)
}

/// The files in `root/` are 1, 2, 3 … without a hole: what lies behind one is not read at all.
fn chain(versions: &[u64]) -> Option<Finding> {
    let (missing, _) = (1_u64..).zip(versions).find(|(expected, found)| expected != *found)?;
    let newest = versions.last().copied().unwrap_or_default();
    Some(
        Finding::new(
            Kind::RootChain,
            format!("root {missing} is missing, and root {newest} is there"),
            format!("bring root/{missing}.root.json back from version control or from what is published"),
        )
        .of(Role::Root),
    )
}

fn unsigned(seen: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sign = "\"updog-repo sign --key KEY\"";
    if let Some(next) = &seen.papers.next_root {
        let version = next.document().version();
        let what = format!("root {version} waits for signatures");
        findings
            .push(Finding::new(Kind::Unsigned, what, "\"updog-repo root sign --key KEY\"").of(Role::Root));
    }
    let targets = seen.papers.targets.as_ref().map(Document::role);
    let Some(draft) = &seen.draft else { return findings };
    let is_signed = targets.is_some_and(|targets| draft.is_signed_by(targets).unwrap_or(false));
    if !is_signed {
        let what = match &seen.papers.targets {
            Some(targets) => {
                format!("the draft has changes that targets {} does not have", targets.version())
            }
            None => "the draft was never signed".to_owned(),
        };
        findings.push(Finding::new(Kind::Unsigned, what, sign).of(Role::Targets));
    } else if seen.papers.next_root.is_none() {
        findings.extend(match Signed::of(seen.papers.clone()) {
            Err(Error::NotSigned { what }) => {
                Some(Finding::new(Kind::Unsigned, format!("{what} lacks signatures"), sign).of(what))
            }
            Err(error @ Error::DelegationUnsigned { .. }) => {
                let sign = "\"updog-repo delegation sign NAME --key KEY\"";
                Some(Finding::new(Kind::Unsigned, error.to_string(), sign).of(Role::Targets))
            }
            _ => None,
        });
    }
    findings
}

fn stage(seen: &Observed) -> Option<Finding> {
    let staged = seen.staged.as_ref()?;
    // While signatures are missing, an older stage is what one expects.
    let signed = Signed::of(seen.papers.clone()).ok()?;
    let timestamp = signed.papers().timestamp.as_ref()?;
    (timestamp.bytes() != staged.as_slice()).then(|| {
        Finding::new(
            Kind::StageStale,
            format!("the stage is another one than timestamp {}, which was signed last", timestamp.version()),
            "\"updog-repo stage\", or \"publish\", which stages by itself",
        )
    })
}
