//! What apt prints, as data.

use release::Digest;

use crate::lock::Locked;

/// A package that apt would install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

impl Chosen {
    /// As apt-cache wants it.
    pub(super) fn exact(&self) -> String {
        let Chosen { name, version, architecture } = self;
        // A package for all architectures is listed under the native one.
        if architecture == "all" {
            format!("{name}={version}")
        } else {
            format!("{name}:{architecture}={version}")
        }
    }

    pub(super) fn is(&self, locked: &Locked) -> bool {
        self.name == locked.package
            && self.version == locked.version
            && self.architecture == locked.architecture
    }
}

/// The lines `Inst NAME (VERSION ORIGIN… [ARCH]) …` of a simulation.
pub(super) fn chosen(said: &str) -> Vec<Chosen> {
    let one = |line: &str| {
        let rest = line.strip_prefix("Inst ")?;
        let (name, rest) = rest.split_once(" (")?;
        // `NAME [OLD VERSION]` does not come: the machine is empty.
        let (inside, _) = rest.split_once(')')?;
        let (version, rest) = inside.split_once(' ')?;
        let architecture = rest.rsplit_once('[')?.1.strip_suffix(']')?;
        let name = name.split(':').next()?;
        Some(Chosen {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
        })
    };
    said.lines().filter_map(one).collect()
}

/// The stanzas of `apt-cache show`; those without what a lock needs are left out.
pub(super) fn stanzas(said: &str) -> Vec<Locked> {
    said.split("\n\n").filter_map(stanza).collect()
}

fn stanza(text: &str) -> Option<Locked> {
    let field = |name: &str| {
        let of = |line: &str| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned);
        text.lines().find_map(of)
    };
    Some(Locked {
        package: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        path: field("Filename")?,
        size: field("Size")?.parse().ok()?,
        sha256: field("SHA256")?.parse::<Digest>().ok()?,
    })
}

/// The name in `E: Unable to locate package NAME`, or `E: Package 'NAME' has no installation candidate`.
pub(super) fn unknown_package(said: &str) -> Option<&str> {
    said.lines().find_map(|line| {
        let rest = line.strip_prefix("E: ")?;
        let located = rest.strip_prefix("Unable to locate package ");
        located.or_else(|| rest.strip_prefix("Package '")?.strip_suffix("' has no installation candidate"))
    })
}

/// Errors in one line; without any, the lines after apt's remark on unmet dependencies.
pub(super) fn complaint(stdout: &str, stderr: &str) -> String {
    let unmet = stdout.split_once("unmet dependencies:\n").map_or("", |(_, rest)| rest);
    let errors =
        stderr.lines().filter_map(|line| line.strip_prefix("E: ").or_else(|| line.strip_prefix("W: ")));
    let words: Vec<&str> =
        unmet.lines().map(str::trim).chain(errors).filter(|line| !line.is_empty()).collect();
    if words.is_empty() { stderr.trim().to_owned() } else { words.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation() {
        let said = "Reading package lists...\nInst libc6 (2.41-12+deb13u5 Debian:13.8/stable [amd64]) []\n\
                    Inst zlib1g (1:1.3.1-1 Debian:13.8/stable, Debian-Security:13/stable-security [amd64])\n\
                    Inst base:arm64 (1~b Debian:13.8/stable [all])\nConf libc6 (2.41 x [amd64])\nInst broken\n";
        let names: Vec<String> = chosen(said).iter().map(Chosen::exact).collect();
        assert_eq!(names, ["libc6:amd64=2.41-12+deb13u5", "zlib1g:amd64=1:1.3.1-1", "base=1~b"]);
    }

    #[test]
    fn stanzas_of_a_list() {
        let sum = "a".repeat(64);
        let said = format!(
            "Package: a\nVersion: 1\nArchitecture: all\nFilename: pool/a.deb\nSize: 7\nSHA256: {sum}\n\nPackage: b\n\n"
        );
        let found = stanzas(&said);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].package, found[0].size, found[0].sha256.to_string()), ("a", 7, sum));
    }

    #[test]
    fn complaints() {
        assert_eq!(unknown_package("W: x\nE: Unable to locate package nope"), Some("nope"));
        assert_eq!(unknown_package("E: Package 'nope' has no installation candidate"), Some("nope"));
        assert_eq!(unknown_package("E: Unable to fetch"), None);
        let unmet =
            "The following packages have unmet dependencies:\n a : Depends: b but it is not installable\n";
        assert_eq!(complaint(unmet, "E: Broken."), "a : Depends: b but it is not installable; Broken.");
        assert_eq!(complaint("", "gone wrong\n"), "gone wrong");
    }
}
