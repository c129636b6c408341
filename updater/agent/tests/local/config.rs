//! Configuration: three files, the later wins, each value says where it came from.

use std::path::Path;

use updog::config::{Error, Strictness, load};

use crate::host::{Host, write};

#[test]
fn show_names_every_value_and_its_origin() {
    let host = Host::new();
    write(
        host.config(),
        "seed = 7\nstall = \"45s\"\nmirrors = [{ metadata_base_url = \"http://m/\", targets_base_url = \"http://t/\" }]\n",
    );
    let answer = host.json(&["config", "show"]);
    assert_eq!(answer["exit"], 0);
    let from = host.config().display().to_string();
    assert_eq!(answer["data"]["seed"], serde_json::json!({ "value": 7, "origin": from }));
    assert_eq!(answer["data"]["stall"]["value"], "45s");
    assert_eq!(answer["data"]["mirrors"]["value"][0]["metadata_base_url"], "http://m/");
    assert_eq!(answer["data"]["tries"], serde_json::json!({ "value": 3, "origin": "default" }));
    let said = host.updog(&["config", "show"]);
    assert!(said.stdout.contains(&format!("seed                 = 7  # {from}\n")), "{}", said.stdout);
    assert!(said.stdout.contains("metadata_base_url    = (not set)  # default\n"), "{}", said.stdout);
}

#[test]
fn no_secret_of_a_url_is_said() {
    let whole = r#"
metadata_base_url = "https://u:secret@a.example/m?token=secret"
targets_base_url = "https://u:secret@a.example/t"
https_proxy = "u:secret@proxy.example:3128"
mirrors = [{ metadata_base_url = "http://u:secret@b.example/m/", targets_base_url = "http://u:secret@b.example/t/" }]

[report]
url = "https://u:secret@c.example/r?token=secret"
"#;
    let host = Host::new();
    write(host.config(), whole);
    let (answer, said) = (host.json(&["config", "show"]), host.updog(&["config", "show"]));
    assert_eq!((&answer["exit"], said.code), (&0.into(), 0));
    for (key, place) in [
        ("metadata_base_url", "https://a.example/m"),
        ("targets_base_url", "https://a.example/t"),
        ("https_proxy", "proxy.example:3128"),
        ("report.url", "https://c.example/r"),
    ] {
        assert_eq!(answer["data"][key]["value"], place);
        assert!(said.stdout.contains(&format!(" = \"{place}\"  # ")), "{}", said.stdout);
    }
    assert_eq!(answer["data"]["mirrors"]["value"][0]["targets_base_url"], "http://b.example/t/");
    assert!(!answer.to_string().contains("secret") && !said.stdout.contains("secret"), "{}", said.stdout);
    // Nor what is wrong with one, however the file is wrong.
    for wrong in [
        "metadata_base_url = \"https://u:secret@a example/\"",
        "targets_base_url = \"ftp://u:secret@a.example/\"",
        "mirrors = \"https://u:secret@a.example/\"",
        "mirrors = [{ metadata_base_url = \"https://u:secret@/\", targets_base_url = \"x\" }]",
        "https_proxy = \"u:secret@proxy.example",
        "https_proxy = u:secret@proxy.example",
        "seed = \"https://u:secret@a.example/\"",
        "mode = \"https://u:secret@a.example/\"",
        "[reboot]\nendpoints = [\"https://u:secret@d.example:2379\"]",
        "[report]\nurl = \"ftp://u:secret@c.example/r\"",
        "[report]\nurl = \"https://u:secret@c example/r\"",
    ] {
        write(host.config(), wrong);
        for words in [&["config", "show"], &["check"] as &[_]] {
            let (answer, said) = (host.json(words), host.updog(words));
            assert_eq!((&answer["exit"], said.code), (&2.into(), 2), "{wrong}");
            let all = format!("{answer}{}{}", said.stdout, said.stderr);
            assert!(!all.contains("secret"), "{wrong}: {all}");
        }
    }
}

#[test]
fn values_that_make_no_sense_name_key_file_and_expectation() {
    let cases = [
        ("seed = 2048", "seed", "expected 0 to 2047, found 2048"),
        ("seed = -1", "seed", "expected 0 to 2047, found -1"),
        ("version_lock = \"newest\"", "version_lock", "\"newest\" is no version lock"),
        ("metadata_base_url = \"not a url\"", "metadata_base_url", "expected a URL"),
        (
            "targets_base_url = \"ftp://x/\"",
            "targets_base_url",
            "expected http, https or file, found \"ftp\"",
        ),
        ("tries = 8", "tries", "expected 1 to 7, found 8"),
        ("tries = 3000", "tries", "expected 1 to 7"),
        ("confirmed_tries = 3", "confirmed_tries", "expected more than the 3 of a trial, found 3"),
        ("stall = 0", "stall", "expected 1s to 1h, found 0s"),
        ("stall = \"61m\"", "stall", "expected 1s to 1h, found 3660s"),
        ("connect = 0", "connect", "expected 1s to 1h, found 0s"),
        ("connect = \"2h\"", "connect", "expected 1s to 1h, found 7200s"),
        ("[hooks]\ntimeout = 0", "hooks.timeout", "expected 1s to 1d, found 0s"),
        ("[hooks]\ntimeout = \"25h\"", "hooks.timeout", "expected 1s to 1d, found 90000s"),
        ("[hooks]\ntimeout_all = 0", "hooks.timeout_all", "expected 1s to 1d, found 0s"),
        ("[hooks]\ntimeout_all = 86401", "hooks.timeout_all", "expected 1s to 1d, found 86401s"),
        ("stall = \"soon\"", "stall", "expected seconds, or a text"),
        ("limit_rate = \"fast\"", "limit_rate", "expected bytes a second"),
        ("limit_rate = 0", "limit_rate", "expected bytes a second"),
        ("retries = 1000", "retries", "expected 0 to 100"),
        ("soak = \"1y\"", "soak", "expected seconds"),
        ("build_time = \"yesterday\"", "build_time", ""),
        ("[health]\ntimeout = 0", "health.timeout", "expected at least one second"),
        ("[health]\ntimeout_all = \"x\"", "health.timeout_all", "expected seconds"),
        ("[health]\nsettle = -1", "health.settle", "expected seconds"),
        ("health.units = [\"--now\"]", "health.units", "expected names of units, found \"--now\""),
        ("health.confirmed = \"leave\"", "health.confirmed", "expected \"stay\", found \"leave\""),
    ];
    none_makes_sense(&cases);
}

/// Text that cannot be meant: an empty path is the folder that updog was started in.
#[test]
fn nor_does_text_that_nobody_can_mean() {
    let long = format!("variant = \"{}\"", "x".repeat(101));
    let cases = [
        ("state = \"\"", "state", "expected a path, found \"\""),
        ("state = \"a\\u0000b\"", "state", "expected a path, found \"a\\0b\""),
        ("root = \"\"", "root", "expected a path, found"),
        ("disk = \"\"", "disk", "expected a path, found"),
        ("os_release = \"\\n\"", "os_release", "expected a path, found"),
        ("ca_bundle = \"\"", "ca_bundle", "expected a path, found"),
        ("variant = \"\"", "variant", "expected 1 to 100 of A-Z a-z 0-9 . _ + -, found \"\""),
        ("variant = \"aws k8s\"", "variant", "found \"aws k8s\""),
        (&long, "variant", "expected 1 to 100 of"),
        ("arch = \"../x86_64\"", "arch", "found \"../x86_64\""),
        ("user_agent = \" \"", "user_agent", "expected 1 to 256 printable characters of ASCII"),
        ("user_agent = \"a\\r\\nb: c\"", "user_agent", "found \"a\\r\\nb: c\""),
        ("https_proxy = \"a b:secret@c\"", "https_proxy", "found one with blanks or control characters"),
    ];
    none_makes_sense(&cases);
}

#[test]
fn nor_do_values_about_restarts() {
    let cases = [
        (
            "reboot.strategy = \"soon\"",
            "reboot.strategy",
            "expected immediate, window or etcd, found \"soon\"",
        ),
        (
            "reboot.strategy = \"window\"",
            "reboot.strategy",
            "expects at least one of [[windows]], found none",
        ),
        (
            "reboot.strategy = \"etcd\"",
            "reboot.strategy",
            "expects at least one of reboot.endpoints, found none",
        ),
        ("reboot.endpoints = [\"here\"]", "reboot.endpoints", "expected a URL, found \"here\""),
        ("reboot.endpoints = [\"ftp://x\"]", "reboot.endpoints", "expected http or https, found \"ftp\""),
        (
            "reboot.endpoints = [\"http://a:9/v3\"]",
            "reboot.endpoints",
            "expected a scheme, a host and a port",
        ),
        (
            "reboot.endpoints = [\"http://u:secret@a\"]",
            "reboot.endpoints",
            "without user and password, found one with",
        ),
        ("reboot.group = \"a/b\"", "reboot.group", "found \"a/b\""),
        ("reboot.group = \"\"", "reboot.group", "expected 1 to 64 of"),
        ("reboot.slots = 0", "reboot.slots", "expected 1 to 100, found 0"),
        ("reboot.slots = 101", "reboot.slots", "expected 1 to 100, found 101"),
        ("reboot.max_hold = \"4s\"", "reboot.max_hold", "expected 5s to 7d, found 4s"),
        ("reboot.max_hold = \"8d\"", "reboot.max_hold", "expected 5s to 7d, found 691200s"),
        ("reboot.max_hold = \"soon\"", "reboot.max_hold", "expected seconds, or a text"),
        ("reboot.timeout = \"0s\"", "reboot.timeout", "expected 1s to 60s, found 0s"),
        ("reboot.timeout = \"61s\"", "reboot.timeout", "expected 1s to 60s, found 61s"),
        ("reboot.prefix = \"/\"", "reboot.prefix", "expected 1 to 200 printable"),
        ("reboot.prefix = \"a b\"", "reboot.prefix", "found \"a b\""),
        (
            "reboot.client_cert = \"c\"",
            "reboot.client_cert",
            "expected reboot.client_cert and reboot.client_key",
        ),
        ("reboot.client_key = \"k\"", "reboot.client_key", "found one of them"),
        ("reboot.user = \"updog\"", "reboot.user", "expected reboot.user and reboot.password_file"),
        ("reboot.password_file = \"/p\"", "reboot.password_file", "found one of them"),
    ];
    none_makes_sense(&cases);
}

fn none_makes_sense(cases: &[(&str, &str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updog.toml");
    for &(text, key, detail) in cases {
        write(&path, text);
        match load(Some(&path), Strictness::Strict) {
            Err(Error::Value { key: found, origin, detail: said }) => {
                assert_eq!((found, origin.to_string()), (key, path.display().to_string()), "{text}");
                assert!(said.contains(detail), "{text}: {said}");
            }
            other => panic!("{text}: {other:?}"),
        }
        // Local verbs go on without it.
        let loaded = load(Some(&path), Strictness::Lenient).unwrap();
        assert_eq!(loaded.notes.len(), 1, "{text}");
    }
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updog.toml");
    for text in [
        "seed = \"7\"",
        "ignore_waves = 1",
        "no_proxy = \"a,b\"",
        "mirrors = [{ url = \"x\" }]",
        "[seed]\nx = 1",
        "health = 1",
        "[health]\nunits = \"containerd.service\"",
        "[[health]]\ndir = \"/x\"",
        "reboot = \"etcd\"",
        "[reboot]\nslots = \"2\"",
    ] {
        write(&path, text);
        let error = load(Some(&path), Strictness::Strict).unwrap_err();
        assert!(matches!(error, Error::Type { .. }), "{text}: {error}");
    }
}

#[test]
fn a_named_file_must_be_there_and_the_standard_ones_need_not() {
    let missing = Path::new("/nonexistent/updog.toml");
    assert!(matches!(load(Some(missing), Strictness::Strict), Err(Error::Read { .. })));
    assert_eq!(load(Some(missing), Strictness::Lenient).unwrap().notes.len(), 1);
    assert!(load(None, Strictness::Lenient).is_ok());
}

/// Bottlerocket's file, as its host renders it.
#[test]
fn bottlerockets_file_is_understood() {
    let text = r#"
metadata_base_url = "https://updates.example.org/2020-07-07/aws-k8s-1.30/x86_64"
targets_base_url = "https://updates.example.org/targets/"
seed = 1843
version_lock = "v1.20.3"
ignore_waves = false
https_proxy = ""
no_proxy = ["localhost", "127.0.0.1"]
"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updog.toml");
    write(&path, text);
    let settings = load(Some(&path), Strictness::Strict).unwrap().settings;
    let base = settings.metadata_base_url.unwrap();
    assert_eq!(base.as_str(), "https://updates.example.org/2020-07-07/aws-k8s-1.30/x86_64/");
    assert_eq!(settings.version_lock.to_string(), "1.20.3");
    assert_eq!(settings.https_proxy, None);
    assert_eq!(settings.no_proxy.len(), 2);
}

#[test]
fn the_health_gates_keys_have_their_section_before_them() {
    let host = Host::new();
    write(host.config(), "[health]\nsettle = \"5s\"\nunits = [\"containerd.service\"]\n");
    let answer = host.json(&["config", "show"]);
    assert_eq!(answer["data"]["health.settle"]["value"], "5s");
    assert_eq!(answer["data"]["health.units"]["value"][0], "containerd.service");
    assert_eq!(answer["data"]["health.confirmed"]["value"], "stay");
    assert_eq!(answer["data"]["health.timeout"]["origin"], "default");
    for (text, hint) in [("[health]\nsetle = 5", "health.settle"), ("[helth]\nsettle = 5", "health")] {
        write(host.config(), text);
        let said = host.updog(&["check"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(&format!("hint: did you mean \"{hint}\"?")), "{said:?}");
    }
}

/// Else systemd would end the gate of a healthy trial.
#[test]
fn the_gate_ends_before_its_unit_is_ended() {
    let host = Host::new();
    let together = "(twice health.timeout_all and health.settle are at most 1200s together)";
    for (keys, problem) in [
        ("timeout_all = \"9m\"\ntimeout = \"9m\"\nsettle = \"2m\"", None),
        ("timeout_all = \"1s\"\nsettle = 1198", None),
        ("timeout = \"10m\"", Some("health.timeout in #: expected at most 540s, found 600s".to_owned())),
        ("timeout_all = 541", Some("health.timeout_all in #: expected at most 540s, found 541s".to_owned())),
        (
            "settle = \"30m\"",
            Some(format!("health.settle in #: expected at most 600s {together}, found 1800s")),
        ),
        (
            "timeout_all = \"9m\"\nsettle = 121",
            Some(format!("health.settle in #: expected at most 120s {together}, found 121s")),
        ),
    ] {
        write(host.config(), format!("[health]\n{keys}\n"));
        let found =
            load(Some(&host.config()), Strictness::Strict).map(|_| ()).map_err(|error| error.to_string());
        let place = host.config().display().to_string();
        let expected =
            problem.map_or(Ok(()), |problem| Err(problem.replace("#:", &format!("{place} makes no sense:"))));
        assert_eq!(found, expected, "{keys}");
        // A gate that is asked all the same keeps to it too.
        let health = load(Some(&host.config()), Strictness::Lenient).unwrap().settings.health;
        assert!(health.timeout_all * 2 + health.settle <= updog::config::ASKING, "{health:?}");
    }
}

/// A relative folder would be another one for everybody who starts updog.
#[test]
fn folders_of_programs_are_absolute() {
    let host = Host::new();
    let plain = std::fs::read_to_string(host.config()).unwrap();
    for (section, key, value) in [
        ("hooks", "dir", "hooks.d"),
        ("health", "dir", "./health.d"),
        ("metrics", "textfile", "updog.prom"),
        ("metrics", "textfile", "/"),
    ] {
        std::fs::write(host.config(), format!("{plain}\n[{section}]\n{key} = {value:?}\n")).unwrap();
        let said = host.updog(&["auto"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(&format!("{section}.{key} in ")), "{said:?}");
        assert!(
            said.stderr.contains(" path") && said.stderr.contains(&format!("found {value:?}")),
            "{said:?}"
        );
    }
}

#[test]
fn what_nobody_means_is_told_of() {
    let host = Host::new();
    let plain = std::fs::read_to_string(host.config()).unwrap();
    for (line, expected) in [
        ("soak = \"9999999d\"", "too long: expected at most 10 years, found 9999999d"),
        ("delay = \"7 days\"", "did you mean \"soak\"?"),
        ("version_lock = \">=2, <1\"", "\">=2, <1\" matches no version: >=2 and <1 exclude each other"),
    ] {
        std::fs::write(host.config(), format!("{line}\n{plain}")).unwrap();
        let said = host.updog(&["check"]);
        assert!(said.code == 2 && said.stderr.contains(expected), "{said:?}");
    }
    std::fs::write(host.config(), format!("soak = \"7 days\"\n{plain}")).unwrap();
    let week = load(Some(&host.config()), Strictness::Strict).unwrap().settings.soak;
    assert_eq!(week, chrono::TimeDelta::days(7));
}
