//! A recipe as it is typed.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub variant: Option<String>,
    pub suite: Option<String>,
    pub arch: Vec<String>,
    pub packages: Vec<String>,
    pub without: Vec<String>,
    pub remove: Vec<String>,
    pub epoch: Option<u64>,
    pub init: Option<String>,
    pub cmdline: String,
    pub keys: Option<String>,
    pub kernel: Kernel,
    pub programs: Programs,
    pub file: Vec<File>,
    pub link: Vec<Link>,
    pub units: Units,
    pub user: Vec<User>,
    pub group: Vec<Group>,
    pub size: BTreeMap<String, String>,
    pub audit: Vec<Audit>,
    pub on: BTreeMap<String, Extra>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kernel {
    pub package: BTreeMap<String, String>,
    pub modules: Vec<String>,
    pub root_modules: Vec<String>,
    pub load: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Programs {
    pub install: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub path: String,
    pub text: Option<String>,
    pub source: Option<String>,
    pub mode: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub path: String,
    pub target: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Units {
    pub enabled: Vec<String>,
    pub masked: Vec<String>,
    pub default: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub name: String,
    pub uid: u32,
    pub home: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub name: String,
    pub gid: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Audit {
    pub package: String,
    pub path: String,
    pub check: String,
    pub reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    pub packages: Vec<String>,
    pub modules: Vec<String>,
    pub root_modules: Vec<String>,
    pub cmdline: String,
}
