//! SPDX 2.3 as JSON: the fields that are required, and those that scanners read.

#![expect(clippy::struct_field_names, reason = "fields are called as in SPDX")]

use std::fmt::Write as _;

use release::Digest;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
}

#[derive(Clone, Debug, Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
    comment: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    version_info: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<String>,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    license_declared: &'static str,
    copyright_text: &'static str,
    primary_package_purpose: Purpose,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub(super) enum Purpose {
    Application,
    File,
    Library,
    OperatingSystem,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

impl Document {
    pub(super) fn new(name: &str, created: String) -> Document {
        Document {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT,
            name: name.to_owned(),
            document_namespace: String::new(),
            creation_info: CreationInfo {
                created,
                creators: [format!("Tool: updog-image-{}", env!("CARGO_PKG_VERSION"))],
                comment: "Of the crates that programs depend on, some are for their tests or for other machines only.",
            },
            packages: Vec::new(),
            relationships: Vec::new(),
        }
    }

    /// Adds what the document is about; returns its id.
    pub(super) fn describe(&mut self, package: Package) -> String {
        self.add(DOCUMENT, "DESCRIBES", package)
    }

    /// Adds a part of a package.
    pub(super) fn contain(&mut self, whole: &str, part: Package) -> String {
        self.add(whole, "CONTAINS", part)
    }

    /// Adds what a package was built from.
    pub(super) fn depend(&mut self, package: &str, on: Package) -> String {
        self.add(package, "DEPENDS_ON", on)
    }

    /// A package that two others relate to is listed once.
    fn add(&mut self, from: &str, kind: &'static str, package: Package) -> String {
        let id = package.id.clone();
        self.relationships.push(Relationship {
            spdx_element_id: from.to_owned(),
            relationship_type: kind,
            related_spdx_element: id.clone(),
        });
        if !self.packages.iter().any(|known| known.id == id) {
            self.packages.push(package);
        }
        id
    }

    /// Gives the document its name among all documents: it follows from what is listed.
    pub(super) fn seal(&mut self) {
        let mut listed = self.creation_info.created.clone();
        for package in &self.packages {
            // Writing to a String cannot fail.
            let _ = write!(listed, "\n{} {}", package.id, package.version_info);
            for checksum in &package.checksums {
                let _ = write!(listed, " {}", checksum.checksum_value);
            }
        }
        let digest = Digest::of(listed.as_bytes());
        self.document_namespace = format!("https://spdx.org/spdxdocs/{}-{digest}", escaped(&self.name));
    }
}

impl Package {
    /// A package of a kind: the kind keeps names apart that are the same elsewhere.
    pub(super) fn new(kind: &str, name: &str, version: &str, purpose: Purpose) -> Package {
        Package {
            id: id(&[kind, name, version]),
            name: name.to_owned(),
            version_info: version.to_owned(),
            package_file_name: None,
            supplier: None,
            download_location: NOASSERTION,
            files_analyzed: false,
            checksums: Vec::new(),
            license_concluded: NOASSERTION,
            license_declared: NOASSERTION,
            copyright_text: NOASSERTION,
            primary_package_purpose: purpose,
            external_refs: Vec::new(),
        }
    }

    pub(super) fn of(mut self, checksum: Checksum) -> Package {
        self.checksums.push(checksum);
        self
    }

    pub(super) fn in_file(self, name: &str) -> Package {
        Package { package_file_name: Some(name.to_owned()), ..self }
    }

    pub(super) fn supplied_by(self, supplier: &str) -> Package {
        Package { supplier: Some(supplier.to_owned()), ..self }
    }

    pub(super) fn licensed(self, licence: &'static str) -> Package {
        Package { license_declared: licence, ..self }
    }

    /// A package URL, by which scanners look it up.
    pub(super) fn found_at(mut self, purl: String) -> Package {
        self.external_refs.push(ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: purl,
        });
        self
    }
}

impl Checksum {
    pub(super) fn sha256(digest: &Digest) -> Checksum {
        Checksum::written(digest.to_string())
    }

    /// 64 hex digits as they stand elsewhere.
    pub(super) fn written(digits: String) -> Checksum {
        Checksum { algorithm: "SHA256", checksum_value: digits }
    }
}

/// `SPDXRef-` and letters, digits, `.` and `-`; what is none of these is written as its number, so that no two names meet.
fn id(parts: &[&str]) -> String {
    let mut id = String::from("SPDXRef");
    for part in parts {
        id.push('-');
        for letter in part.chars() {
            match letter {
                letter if letter.is_ascii_alphanumeric() || letter == '.' || letter == '-' => id.push(letter),
                letter => {
                    let _ = write!(id, ".x{:x}.", u32::from(letter));
                }
            }
        }
    }
    id
}

/// Percent-encoded, as package URLs and namespaces want names and versions.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const NOASSERTION: &str = "NOASSERTION";
