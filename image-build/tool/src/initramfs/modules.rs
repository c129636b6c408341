//! Which kernel modules are needed, and in which order they load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use super::modinfo::Modinfo;
use crate::Tool;

/// The modules of one kernel.
#[derive(Clone, Debug)]
pub struct Modules {
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
}

/// A module that is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name, with underscores.
    pub name: String,
    /// Its file, perhaps compressed.
    pub path: PathBuf,
    /// Its bytes, as the kernel loads them.
    pub bytes: Vec<u8>,
}

impl Modules {
    /// All modules below `lib/modules/VERSION` of an unpacked kernel package.
    pub fn of(folder: &Path) -> Result<Modules, Error> {
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Read { path, source }
        };
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.join("kernel")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(read(&folder))? {
                let entry = entry.map_err(read(&folder))?;
                let path = entry.path();
                if entry.file_type().map_err(read(&path))?.is_dir() {
                    folders.push(path);
                } else if let Some(name) = module_name(&path) {
                    files.insert(name, path);
                }
            }
        }
        let list = folder.join("modules.builtin");
        let list = fs::read_to_string(&list).map_err(read(&list))?;
        let built_in = list.lines().filter_map(|line| module_name(Path::new(line))).collect();
        Ok(Modules { folder: folder.to_owned(), files, built_in })
    }

    /// The folder they lie in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The kernel's version, as in `6.12.1-amd64`.
    pub fn version(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Whether the kernel has it without a file.
    pub fn is_built_in(&self, name: &str) -> bool {
        self.built_in.contains(&plain(name))
    }

    /// The modules wanted and all they depend on, each once, each after what it depends on, else in the order wanted. Those that
    /// are built into the kernel are left out.
    pub fn in_load_order(&self, wanted: &[String]) -> Result<Vec<Module>, Error> {
        let mut order = Order { modules: self, done: BTreeSet::new(), loaded: Vec::new() };
        for name in wanted {
            order.visit(&plain(name), None)?;
        }
        Ok(order.loaded)
    }
}

struct Order<'a> {
    modules: &'a Modules,
    done: BTreeSet<String>,
    loaded: Vec<Module>,
}

impl Order<'_> {
    fn visit(&mut self, name: &str, by: Option<&str>) -> Result<(), Error> {
        // Marked before its dependencies are visited, so that a circle ends.
        if self.modules.built_in.contains(name) || !self.done.insert(name.to_owned()) {
            return Ok(());
        }
        let Some(path) = self.modules.files.get(name) else {
            return Err(Error::NoModule {
                name: name.to_owned(),
                by: by.map(str::to_owned),
                nearest: nearest(name, self.modules.files.keys()),
            });
        };
        let bytes = plain_bytes(path)?;
        let info = Modinfo::of(&bytes).ok_or_else(|| Error::NoElf { path: path.clone() })?;
        for needed in info.depends() {
            self.visit(&plain(needed), Some(name))?;
        }
        // A soft dependency is wanted where it exists: alternatives of other machines are listed too.
        for needed in info.soft_before() {
            let needed = plain(needed);
            if self.modules.files.contains_key(&needed) {
                self.visit(&needed, Some(name))?;
            }
        }
        self.loaded.push(Module { name: name.to_owned(), path: path.clone(), bytes });
        Ok(())
    }
}

fn plain_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    if path.extension().is_some_and(|extension| extension == "xz") {
        return Ok(Tool::XZ.run(0, &["--decompress".as_ref(), "--stdout".as_ref(), path.as_os_str()])?);
    }
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".xz").unwrap_or(name).strip_suffix(".ko")?;
    Some(plain(name))
}

/// Files have dashes or underscores, as their authors liked; the kernel takes both for one.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let scored = known.map(|known| (strsim::damerau_levenshtein(name, known), known));
    let (distance, known) = scored.min()?;
    (distance * 3 <= known.len()).then(|| known.clone())
}
