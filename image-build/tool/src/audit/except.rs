//! Findings that a recipe knows of.

use globset::{GlobBuilder, GlobMatcher};

use super::{Check, Error, Finding};
use crate::recipe::AuditException;

/// The findings that no exception names, and a finding for each exception that named none.
pub(super) fn apply(findings: Vec<Finding>, exceptions: &[AuditException]) -> Result<Vec<Finding>, Error> {
    let mut meant = exceptions.iter().map(Meant::of).collect::<Result<Vec<Meant<'_>>, Error>>()?;
    let mut left: Vec<Finding> = Vec::new();
    for finding in findings {
        // Every exception that names it is needed for it, also when two do.
        let named =
            meant.iter_mut().filter(|meant| meant.names(&finding)).map(|meant| meant.needed = true).count();
        if named == 0 {
            left.push(finding);
        }
    }
    left.extend(meant.iter().filter(|meant| !meant.needed).map(Meant::unneeded));
    Ok(left)
}

struct Meant<'a> {
    exception: &'a AuditException,
    check: Check,
    path: GlobMatcher,
    needed: bool,
}

impl Meant<'_> {
    fn of(exception: &AuditException) -> Result<Meant<'_>, Error> {
        let path = || exception.path.clone();
        let check = exception.check.parse().map_err(|source| Error::Check { path: path(), source })?;
        let glob = GlobBuilder::new(&exception.path).literal_separator(true).build();
        let glob = glob.map_err(|source| Error::Glob { path: path(), source })?;
        Ok(Meant { exception, check, path: glob.compile_matcher(), needed: false })
    }

    fn names(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && finding.package.as_deref() == Some(&*self.exception.package)
            && self.path.is_match(&finding.path)
    }

    fn unneeded(&self) -> Finding {
        let AuditException { package, path, check, .. } = self.exception;
        let found = format!("nothing of {package} fails {check} there");
        Finding { path: path.clone(), package: Some(package.clone()), check: Check::Exception, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(path: &str, package: &str, check: Check) -> Finding {
        Finding { path: path.to_owned(), package: Some(package.to_owned()), check, found: String::new() }
    }

    fn exception(path: &str, package: &str, check: &str) -> AuditException {
        let owned = str::to_owned;
        AuditException {
            package: owned(package),
            path: owned(path),
            check: owned(check),
            reason: owned("why"),
        }
    }

    #[test]
    fn an_exception_covers_its_package_path_and_check_alone() {
        let excepted = [exception("/usr/lib/*/a.so", "a", "relro")];
        let covered = finding("/usr/lib/x/a.so", "a", Check::Relro);
        assert_eq!(apply(vec![covered.clone()], &excepted).unwrap(), []);
        for other in [
            finding("/usr/lib/x/y/a.so", "a", Check::Relro),
            finding("/usr/lib/x/a.so", "b", Check::Relro),
            finding("/usr/lib/x/a.so", "a", Check::Nx),
        ] {
            assert_eq!(apply(vec![covered.clone(), other.clone()], &excepted).unwrap(), [other]);
        }
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_finding() {
        let left = apply(Vec::new(), &[exception("/usr/bin/a", "a", "pie")]).unwrap();
        assert_eq!(left.iter().map(|it| it.check).collect::<Vec<_>>(), [Check::Exception]);
    }

    #[test]
    fn some_rules_have_no_exceptions() {
        for check in ["script", "interpreter", "setuid", "exception", "nonsense"] {
            assert!(
                matches!(apply(Vec::new(), &[exception("/x", "x", check)]), Err(Error::Check { .. })),
                "{check}"
            );
        }
        assert!(matches!(apply(Vec::new(), &[exception("/[x", "x", "pie")]), Err(Error::Glob { .. })));
    }
}
