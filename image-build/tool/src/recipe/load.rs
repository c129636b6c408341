//! Text → [`Recipe`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use release::names;

use super::{AuditException, Content, Error, Extra, File, Group, Kernel, Link, Recipe, Units, User};
use super::{keys, typed};
use crate::{Arch, ByteCount, Sizes};

impl Recipe {
    /// Reads a recipe from a file.
    pub fn load(path: &Path) -> Result<Recipe, Error> {
        let text =
            fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Recipe::parse(&text, path)
    }

    /// What a recipe's text means; `path` is for messages and for relative paths in it.
    pub fn parse(text: &str, path: &Path) -> Result<Recipe, Error> {
        let parse = |source| Error::Parse { path: path.to_owned(), source };
        let table: toml::Table = text.parse().map_err(parse)?;
        if let Some((key, nearest)) = keys::unknown(&table) {
            return Err(Error::UnknownKey { path: path.to_owned(), key, nearest });
        }
        let typed: typed::Typed = toml::from_str(text).map_err(parse)?;
        meant(typed, path.parent().unwrap_or(Path::new(""))).map_err(|Wrong { key, problem }| Error::Value {
            path: path.to_owned(),
            key,
            problem,
        })
    }

    /// That the recipe is for this architecture.
    pub fn is_for(&self, arch: Arch) -> Result<(), Error> {
        if self.arch.contains(&arch) {
            return Ok(());
        }
        let known = self.arch.iter().map(|arch| arch.name().to_owned()).collect();
        Err(Error::NotFor { variant: self.variant.clone(), arch, known })
    }
}

/// A key and what is wrong with its value.
struct Wrong {
    key: String,
    problem: String,
}

fn wrong(key: impl Into<String>, problem: impl Into<String>) -> Wrong {
    Wrong { key: key.into(), problem: problem.into() }
}

fn meant(typed: typed::Typed, folder: &Path) -> Result<Recipe, Wrong> {
    let variant = typed.variant.ok_or_else(|| wrong("variant", "expected a name, found none"))?;
    // Variants are part of target names.
    names::check(&variant).map_err(|error| wrong("variant", error.to_string()))?;
    let arch = arches(&typed.arch)?;
    let package = by_arch("kernel.package", typed.kernel.package)?;
    if let Some(arch) = arch.iter().find(|arch| !package.contains_key(arch)) {
        return Err(wrong("kernel.package", format!("expected a package for {arch}, found none")));
    }
    let init = typed.init.ok_or_else(|| wrong("init", "expected the path of a program, found none"))?;
    let kernel = Kernel {
        package,
        modules: typed.kernel.modules,
        root_modules: typed.kernel.root_modules,
        load: typed.kernel.load,
    };
    let links = typed
        .link
        .into_iter()
        .map(|link| Ok(Link { path: path_in_root("link.path", &link.path)?, target: link.target }));
    let extra = |extra: typed::Extra| Extra {
        packages: extra.packages,
        modules: extra.modules,
        root_modules: extra.root_modules,
        cmdline: extra.cmdline,
    };
    Ok(Recipe {
        variant,
        suite: typed.suite.unwrap_or_else(|| "trixie".to_owned()),
        arch,
        packages: typed.packages,
        without: typed.without,
        remove: typed.remove,
        epoch: epoch(typed.epoch)?,
        init: format!("/{}", path_in_root("init", &init)?),
        cmdline: cmdline(typed.cmdline)?,
        keys: typed.keys.map(|path| folder.join(path)),
        kernel,
        programs: typed.programs.install,
        files: typed.file.into_iter().map(|given| file(given, folder)).collect::<Result<_, _>>()?,
        links: links.collect::<Result<_, _>>()?,
        units: Units {
            enabled: unit_names("units.enabled", typed.units.enabled)?,
            masked: unit_names("units.masked", typed.units.masked)?,
            default: unit_names("units.default", typed.units.default.into_iter().collect())?.pop(),
        },
        users: typed.user.into_iter().map(user).collect::<Result<_, _>>()?,
        groups: typed.group.into_iter().map(group).collect::<Result<_, _>>()?,
        size: sizes(&typed.size)?,
        audit: typed.audit.into_iter().map(exception).collect(),
        on: by_arch("on", typed.on)?.into_iter().map(|(arch, given)| (arch, extra(given))).collect(),
        folder: folder.to_owned(),
    })
}

fn arches(typed: &[String]) -> Result<Vec<Arch>, Wrong> {
    let arches: Result<Vec<Arch>, _> = typed.iter().map(|name| name.parse()).collect();
    let mut arches = arches.map_err(|error| wrong("arch", format!("{error}")))?;
    arches.sort();
    arches.dedup();
    if arches.is_empty() { Err(wrong("arch", "expected one at least, found none")) } else { Ok(arches) }
}

fn by_arch<T>(key: &str, typed: BTreeMap<String, T>) -> Result<BTreeMap<Arch, T>, Wrong> {
    let each = typed
        .into_iter()
        .map(|(name, value)| Ok((name.parse().map_err(|error| wrong(key, format!("{error}")))?, value)));
    each.collect()
}

/// A path below the root, without its first slash.
fn path_in_root(key: &str, path: &str) -> Result<String, Wrong> {
    let plain = path.strip_prefix('/').unwrap_or_default();
    let parts_good = plain.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if parts_good {
        return Ok(plain.to_owned());
    }
    Err(wrong(key, format!("expected a path from / without . and .., found {path:?}")))
}

fn epoch(typed: Option<u64>) -> Result<u64, Wrong> {
    let epoch = typed.unwrap_or(EPOCH);
    if epoch <= LATEST {
        return Ok(epoch);
    }
    Err(wrong("epoch", format!("expected seconds since 1970, at most {LATEST}, found {epoch}")))
}

fn cmdline(typed: String) -> Result<String, Wrong> {
    if typed.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(typed);
    }
    Err(wrong("cmdline", "expected printable ASCII in one line"))
}

fn file(typed: typed::File, folder: &Path) -> Result<File, Wrong> {
    let path = path_in_root("file.path", &typed.path)?;
    let content = match (typed.text, typed.source) {
        (Some(text), None) => Content::Text(text),
        (None, Some(source)) => Content::Source(folder.join(PathBuf::from(source))),
        _ => return Err(wrong("file", format!("expected either text or source for /{path}"))),
    };
    let typed_mode = typed.mode.as_deref().unwrap_or("0644");
    let mode = u32::from_str_radix(typed_mode, 8).ok().filter(|mode| *mode <= 0o7777);
    let mode = mode.ok_or_else(|| {
        wrong("file.mode", format!("expected octal digits as in \"0755\" for /{path}, found {typed_mode:?}"))
    })?;
    Ok(File { path, content, mode })
}

fn user(typed: typed::User) -> Result<User, Wrong> {
    let home = typed.home.unwrap_or_else(|| "/".to_owned());
    account("user.name", &typed.name)?;
    Ok(User { name: typed.name, uid: typed.uid, home, groups: typed.groups })
}

fn group(typed: typed::Group) -> Result<Group, Wrong> {
    account("group.name", &typed.name)?;
    Ok(Group { name: typed.name, gid: typed.gid })
}

/// A name that cannot break the lines of passwd and group.
fn account(key: &str, name: &str) -> Result<(), Wrong> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(good) {
        return Ok(());
    }
    Err(wrong(key, format!("expected lowercase letters, digits, _ and -, found {name:?}")))
}

fn exception(typed: typed::Audit) -> AuditException {
    let typed::Audit { package, path, check, reason } = typed;
    AuditException { package, path, check, reason }
}

/// A unit's name is no path (systemd.unit(5)).
fn unit_names(key: &str, names: Vec<String>) -> Result<Vec<String>, Wrong> {
    let is_name = |name: &str| name.contains('.') && !name.contains('/') && !name.starts_with('.');
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(wrong(key, format!("expected units as in \"check.timer\", found {name:?}"))),
        None => Ok(names),
    }
}

fn sizes(typed: &BTreeMap<String, String>) -> Result<Sizes, Wrong> {
    let size = |key: &str, default: Option<u64>| {
        let Some(text) = typed.get(key) else {
            let missing = || wrong(format!("size.{key}"), "expected a size as in \"64M\", found none");
            return default.map(ByteCount).ok_or_else(missing);
        };
        let size: Result<ByteCount, _> = text.parse();
        let size = size.map_err(|error| wrong(format!("size.{key}"), error.to_string()))?;
        // Partitions are whole MiB, so that none shares an erase block with another.
        let whole = size.0.checked_next_multiple_of(MIB).filter(|whole| (1..=LARGEST.0).contains(whole));
        let expected = || format!("expected a size above 0 and at most {LARGEST}, found {text:?}");
        whole.map(ByteCount).ok_or_else(|| wrong(format!("size.{key}"), expected()))
    };
    Ok(Sizes {
        esp: size("esp", Some(8 * MIB))?,
        boot: size("boot", None)?,
        root: size("root", None)?,
        hash: size("hash", None)?,
        private: size("private", Some(16 * MIB))?,
        data: size("data", Some(64 * MIB))?,
    })
}

const MIB: u64 = 1 << 20;
/// Half of the largest file that ext4 holds: an image is one.
const LARGEST: ByteCount = ByteCount(8 << 40);
/// The latest time of a build: an initramfs has 32 bits for it.
pub(crate) const LATEST: u64 = u32::MAX as u64;
/// 2025-11-01: recipes that name no time have this one.
const EPOCH: u64 = 1_761_955_200;
