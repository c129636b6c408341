//! The tests that need what others wrote: by name, with counts, and never none of them.

use std::fmt;

/// Programs and libraries of others, and how the names of the tests that use them begin.
const NEEDS: [Need; 9] = [
    Need { what: "SoftHSM2", of: REPO, tests: &["token::"] },
    Need { what: "moto (AWS KMS)", of: REPO, tests: &["kms::"] },
    Need { what: "moto (S3)", of: REPO, tests: &["s3::"] },
    Need {
        what: PYTHON_TUF,
        of: REPO,
        tests: &["interop::python_tuf_reads", "interop::interop_", "delegation::interop_python_tuf"],
    },
    Need { what: "Chromium", of: REPO, tests: &["page::chromium"] },
    Need { what: "etcd", of: HOST, tests: &["group::", "group_login::", "group_tls::"] },
    Need { what: "schemathesis", of: HOST, tests: &["daemon::described::schemathesis"] },
    Need { what: "journald", of: HOST, tests: &["journald::what_journald"] },
    Need { what: PROMETHEUS, of: HOST, tests: &["metrics::interop_prometheus"] },
];

/// Where their tests lie.
const REPO: &str = "repo-tools/tests/it";
const HOST: &str = "updater/agent/tests/local";
/// In a run of their own in `ci`.
const PYTHON_TUF: &str = "python-tuf";
const PROMETHEUS: &str = "prometheus-client";

#[derive(Debug, PartialEq, Eq)]
struct Need {
    what: &'static str,
    of: &'static str,
    tests: &'static [&'static str],
}

/// Which of them a run must not be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The whole workspace.
    All,
    /// All but the tests against other implementations.
    Own,
    /// Only those.
    Interop,
    /// What somebody named: none of it need be among them.
    Some,
}

/// How many tests of each have passed or failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran([u64; NEEDS.len()]);

impl Ran {
    /// A line of a test's own: `test s3::a ... ok`. One that was skipped has not run.
    pub(crate) fn add(&mut self, line: &str) {
        let Some((name, end)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
            return;
        };
        if !["ok", "FAILED"].iter().any(|word| end.starts_with(word)) {
            return;
        }
        for (need, count) in NEEDS.iter().zip(&mut self.0) {
            *count += u64::from(need.tests.iter().any(|tests| name.starts_with(tests)));
        }
    }

    /// What was asked for and did not run at all.
    pub(crate) fn lacks(&self, asked: Asked) -> Vec<&'static str> {
        let ran = NEEDS.iter().zip(self.0);
        ran.filter(|(need, count)| asked.includes(need) && *count == 0).map(|(need, _)| need.what).collect()
    }
}

impl Need {
    fn is_of_another_run(&self) -> bool {
        [PYTHON_TUF, PROMETHEUS].contains(&self.what)
    }
}

impl Asked {
    fn includes(self, need: &Need) -> bool {
        match self {
            Self::All => true,
            Self::Own => !need.is_of_another_run(),
            Self::Interop => need.is_of_another_run(),
            Self::Some => false,
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> =
            NEEDS.iter().zip(self.0).map(|(need, count)| format!("{} {count}", need.what)).collect();
        write!(f, "with others: {}", counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(lines: &[&str]) -> Ran {
        let mut ran = Ran::default();
        for line in lines {
            ran.add(line);
        }
        ran
    }

    #[test]
    fn tests_are_counted_by_name_when_they_ran() {
        let ran = ran(&[
            "test token::a_repository ... ok",
            "test token::another ... FAILED",
            "test kms::a ... ok",
            "test s3::a ... ignored, no server",
            "test store::s3::tests::a ... ok",
            "test interop::python_tuf_repository_is_read ... ok",
            "test page::chromium_lays_it_out ... ok",
            "test page::it_says ... ok",
            "test group_tls::a ... ok",
            "test group_faults::a ... ok",
            "test daemon::described::schemathesis_finds ... ok",
            "test journald::what_journald_keeps ... ok",
            "test journal::what_happened ... ok",
            "test result: ok. 3 passed; 0 failed",
        ]);
        assert_eq!(
            ran.to_string(),
            "with others: SoftHSM2 2, moto (AWS KMS) 1, moto (S3) 0, python-tuf 0, Chromium 1, etcd 1, schemathesis 1, journald 1, prometheus-client 0"
        );
        assert_eq!(ran.lacks(Asked::All), ["moto (S3)", "python-tuf", "prometheus-client"]);
        assert_eq!(ran.lacks(Asked::Own), ["moto (S3)"]);
        assert_eq!(ran.lacks(Asked::Interop), ["python-tuf", "prometheus-client"]);
        assert!(ran.lacks(Asked::Some).is_empty());
    }

    /// A file or a test that gets another name must be found here again.
    #[test]
    fn the_names_are_those_of_the_tests() {
        for (need, name) in NEEDS.iter().flat_map(|need| need.tests.iter().map(move |name| (need, name))) {
            let (file, test) = name.rsplit_once("::").unwrap();
            let (what, file) = (need.what, format!("{}/{}", need.of, file.replace("::", "/")));
            let source = std::fs::read_to_string(crate::process::root().join(format!("{file}.rs"))).unwrap();
            let there =
                source.split("#[test]\n").skip(1).filter(|rest| rest.contains(&format!("fn {test}"))).count();
            assert!(there > 0, "{what}: no test {name} in {file}.rs");
        }
    }
}
