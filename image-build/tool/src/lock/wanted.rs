//! What a recipe asks for.

/// What a recipe asks for, in the one order that does not matter to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Debian's release, as in `trixie`.
    pub suite: String,
    /// Packages of the root, by name.
    pub packages: Vec<String>,
    /// Packages that are taken as installed, so that they and what they need stay out.
    pub without: Vec<String>,
    /// The package of the kernel; a metapackage will do.
    pub kernel: String,
}

impl Wanted {
    /// The lists sorted, each name once.
    pub fn new(
        suite: impl Into<String>,
        kernel: impl Into<String>,
        packages: impl IntoIterator<Item = String>,
        without: impl IntoIterator<Item = String>,
    ) -> Wanted {
        Wanted {
            suite: suite.into(),
            packages: sorted(packages),
            without: sorted(without),
            kernel: kernel.into(),
        }
    }

    /// The first thing by which `recipe` differs from this, which a lock was made for.
    pub(super) fn difference(&self, recipe: &Wanted) -> Option<String> {
        let changed = |key: &str, locked: &str, now: &str| {
            (locked != now).then(|| format!("{key}: locked {locked}, now {now}"))
        };
        changed("suite", &self.suite, &recipe.suite)
            .or_else(|| list("packages", &self.packages, &recipe.packages))
            .or_else(|| list("without", &self.without, &recipe.without))
            .or_else(|| changed("kernel", &self.kernel, &recipe.kernel))
    }
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    names.dedup();
    names
}

fn list(key: &str, locked: &[String], now: &[String]) -> Option<String> {
    let added = now.iter().find(|name| !locked.contains(name)).map(|name| format!("{key}: {name} is new"));
    added.or_else(|| {
        let gone = locked.iter().find(|name| !now.contains(name))?;
        Some(format!("{key}: {gone} is no longer there"))
    })
}
