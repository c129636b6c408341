//! `repo.toml`: the defaults said aloud, names resolved, and one clear error for everything else.

use std::path::Path;

use chrono::TimeDelta;
use updog_repo::Role;
use updog_repo::intent::{DEFAULT, Intent, IntentError, KeyRef, WaveIntent};
use updog_repo::schedule::named_policy;

use crate::cli::Desk;

fn parse(text: &str) -> Result<Intent, IntentError> {
    Intent::parse(text.as_bytes(), Path::new("/repo"))
}

#[test]
fn the_file_that_init_writes_is_the_golden_one_and_says_the_defaults() {
    assert_eq!(parse(DEFAULT).unwrap(), Intent::default());
    assert_eq!(parse("").unwrap(), Intent::default());
    let desk = Desk::new();
    desk.done("--repo repo init");
    assert_eq!(std::fs::read_to_string(desk.path().join("repo/repo.toml")).unwrap(), DEFAULT);
    // One that is there already, from version control, stays.
    std::fs::create_dir(desk.path().join("other")).unwrap();
    std::fs::write(
        desk.path().join("other/repo.toml"),
        "roles.root.expires = \"100d\"\nroles.root.margin = \"9d\"",
    )
    .unwrap();
    desk.done("--repo other init --clock 2026-01-01T00:00:00Z");
    let root = desk.json("--repo other root show");
    assert_eq!(root["data"]["next"]["expires"], "2026-04-11T00:00:00Z");
}

#[test]
fn every_example_in_the_default_file_is_right_when_its_mark_is_taken_away() {
    let example = |line: &str| line.contains(" = ") || line.starts_with("# [waves") || line == "# ]";
    let text: Vec<&str> = DEFAULT
        .lines()
        .map(|line| if example(line) { line.trim_start_matches("# ") } else { line })
        .collect();
    let text =
        text.join("\n").replace("[\"ann\", \"ben\", \"cem\"]", "[\"ann\", \"release\", \"keys/cem.pub\"]");
    let intent = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(intent.name, "updates");
    assert_eq!(intent.role(Role::Root).threshold.unwrap().get(), 2);
    assert_eq!(intent.waves.len(), 2);
    assert_eq!(intent.place("production"), "/srv/updates");
}

#[test]
fn what_is_said_is_meant_and_paths_are_relative_to_the_file() {
    let id = "AB".repeat(32);
    let intent = parse(&format!(
        "[keys]\nann = \"keys/ann.pub\"\nhsm = \"{id}\"\n\
         [roles.root]\nkeys = [\"ann\", \"hsm\", \"more/ben.pem\"]\nthreshold = 2\n\
         [roles.timestamp]\nexpires = \"36h\"\nmargin = \"12 hours\"\n\
         [stores]\nhere = \"public\"\nthere = \"s3://bucket/prefix\"\n\
         [waves.quick]\nend_after = \"6 hours\"\nwaves = [{{ start_after = \"1 hour\", fleet_percentage = 100 }}]\n\
         [waves.filed]\nfile = \"waves/x.toml\"\n\
         [doctor]\naccept = [\"expiring:timestamp\", \"key_mode\"]\n"
    ))
    .unwrap();
    let root = intent.role(Role::Root).keys.clone().unwrap();
    let keys: Vec<KeyRef> = root.into_iter().map(|named| named.key).collect();
    assert_eq!(
        keys,
        [
            KeyRef::File("/repo/keys/ann.pub".into()),
            KeyRef::Id(id.to_lowercase()),
            KeyRef::File("/repo/more/ben.pem".into()),
        ]
    );
    let timestamp = intent.role(Role::Timestamp);
    assert_eq!((timestamp.expires, timestamp.margin), (TimeDelta::hours(36), TimeDelta::hours(12)));
    assert_eq!(intent.terms().targets, TimeDelta::days(90), "what is not said stays");
    assert_eq!(intent.place("here"), "/repo/public");
    assert_eq!(intent.place("there"), "s3://bucket/prefix");
    assert_eq!(intent.place("elsewhere"), "elsewhere");
    assert!(
        matches!(&intent.waves["filed"], WaveIntent::File(path) if path == Path::new("/repo/waves/x.toml"))
    );
    assert!(named_policy(&intent, "quick").is_ok());
    assert!(named_policy(&intent, "normal").is_ok(), "the samples stay");
    assert!(named_policy(&intent, "filed").is_err());
    assert_eq!(intent.accepted.len(), 2);
    assert_eq!(intent.keys().len(), 3);
}

#[test]
fn every_mistake_is_named_with_what_is_near() {
    let slips = [
        ("nmae = \"x\"", "unknown key \"nmae\"", "did you mean \"name\"?"),
        ("[role.root]\nthreshold = 2", "unknown key \"role\"", "did you mean \"roles\"?"),
        ("[roles.rot]\nthreshold = 2", "unknown key \"roles.rot\"", "did you mean \"roles.root\"?"),
        ("[roles.root]\ntreshold = 2", "unknown key \"roles.root.treshold\"", "\"roles.root.threshold\""),
        (
            "[roles.root]\nexpiry-margin = 2",
            "unknown key \"roles.root.expiry-margin\"",
            "known keys there: keys",
        ),
        ("[waves.x]\nfiel = \"y\"", "unknown key \"waves.x.fiel\"", "\"waves.x.file\""),
        (
            "[waves.x]\nwaves = [{ start_afer = \"1 hour\", fleet_percentage = 1 }]",
            "unknown key \"waves.x.waves.start_afer\"",
            "start_after",
        ),
        ("[doctor]\nacept = []", "unknown key \"doctor.acept\"", "\"doctor.accept\""),
    ];
    for (text, error, hint) in slips {
        let found = parse(text).unwrap_err();
        assert!(found.to_string().contains(error), "{text}: {found}");
        assert!(found.hint().unwrap().contains(hint), "{text}: {:?}", found.hint());
    }
    let mistakes = [
        ("name = ", "line 1: "),
        ("\n\nname = 3", "failed to read name: invalid type: integer `3`, expected a string"),
        ("roles = 3", "failed to read roles"),
        ("[roles.root]\nthreshold = \"two\"", "failed to read roles.root"),
        ("[roles.root]\nthreshold = 0", "roles.root.threshold makes no sense: expected 1 or more"),
        ("[roles.root]\nthreshold = -1", "failed to read roles.root"),
        (
            "[roles.root]\nexpires = \"soon\"",
            "roles.root.expires makes no sense: expected RFC 3339 or a term",
        ),
        (
            "[roles.timestamp]\nexpires = \"1d\"",
            "roles.timestamp.margin makes no sense: expected less than 1 d, found 2 d",
        ),
        ("[roles.root]\nkeys = [\"ann\"]", "roles.root.keys makes no sense: expected a name from [keys]"),
        ("keys.anna = \"a.pub\"\nroles.root.keys = [\"ann\"]", "did you mean \"anna\"?"),
        ("roles.root.keys = []", "expected a key, found none"),
        ("roles.root.keys = [\"a.pub\", \"a.pub\"]", "expected each key once"),
        (
            "roles.root.keys = [\"a.pub\"]\nroles.root.threshold = 2",
            "expected at most 1, the number of its keys, found 2",
        ),
        ("keys.\"a b\" = \"a.pub\"", "keys makes no sense: expected a name of letters"),
        (
            "keys.a = \"deadbeef\"",
            "expected a public key file, a URI or a key id of 64 hex digits, found \"deadbeef\"",
        ),
        ("stores.x = \" \"", "stores.x makes no sense: expected a place, found nothing"),
        ("stores.x = 3", "failed to read stores"),
        ("[waves.x]", "waves.x makes no sense: expected a file or waves, found neither"),
        ("[waves.x]\nfile = \"a\"\nend_after = \"1 hour\"", "found both"),
        (
            "[waves.x]\nwaves = [{ start_after = \"1 hour\", fleet_percentage = 50 }, { start_after = \"2 hours\", fleet_percentage = 20 }]",
            "waves.x makes no sense: wave file has",
        ),
        (
            "doctor.accept = [\"keymode\"]",
            "expected a kind of finding, found \"keymode\" (did you mean \"key_mode\"?)",
        ),
        (
            "doctor.accept = [\"expired:boot\"]",
            "expected root, targets, snapshot or timestamp, found \"boot\"",
        ),
        ("doctor.accept = \"key_mode\"", "failed to read accept"),
    ];
    for (text, expected) in mistakes {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.contains(expected), "{text}: {found}");
        assert!(!found.contains('\n'), "{text}: {found}");
    }
    assert!(Intent::parse(b"name = \"\xff\"", Path::new("")).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_defaults() {
    let desk = Desk::new();
    let clock = |line: &str| format!("{line} --clock 2026-12-01T00:00:00Z");
    for line in ["--repo r init", "--repo r key new k --role all", "--repo r release add release --level 1"] {
        desk.done(&clock(line));
    }
    std::fs::write(
        desk.path().join("r/repo.toml"),
        "roles.targets = { expires = \"30d\", margin = \"5d\" }\nroles.timestamp = { expires = \"3d\", margin = \"1d\" }\n\
         stores.live = \"../public\"\n[waves.two]\nwaves = [{ start_after = \"1 hour\", fleet_percentage = 100 }]",
    )
    .unwrap();
    desk.done(&clock("--repo r waves set two"));
    desk.done(&clock("--repo r sign --key k"));
    let ends = |line: &str| {
        let answer = desk.json(&clock(line));
        let rows = answer["data"]["expirations"].as_array().unwrap().clone();
        let end = |role: &str| {
            rows.iter().find(|row| row["role"] == role).unwrap()["expires"].as_str().unwrap()[..10].to_owned()
        };
        (end("timestamp"), end("targets"), end("snapshot"))
    };
    let days = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(ends("--repo r expirations"), days("2026-12-04", "2026-12-31", "2027-03-01"));
    desk.done(&clock("--repo r sign --key k --renew targets --targets-expire 10d --timestamp-expire 2d"));
    assert_eq!(ends("--repo r expirations"), days("2026-12-03", "2026-12-11", "2026-12-11"));
    desk.done(&clock("--repo r publish ./public"));
    desk.done(&clock("--repo r refresh live --key k"));
    assert_eq!(ends("--repo r expirations live").0, "2026-12-04");
    desk.done(&clock("--repo r refresh live --key k --expires 5d"));
    assert_eq!(ends("--repo r expirations live").0, "2026-12-06");
    // A working folder of old has no repo.toml.
    std::fs::remove_file(desk.path().join("r/repo.toml")).unwrap();
    desk.done(&clock("refresh public --key k"));
    assert_eq!(ends("expirations public").0, "2026-12-08");
    std::fs::write(desk.path().join("r/repo.toml"), "roles.root.treshold = 1").unwrap();
    for verb in ["sign --key k", "waves set normal", "root new", "expirations"] {
        let answer = desk.json(&format!("--repo r {verb}"));
        assert_eq!(answer["exit"], 2, "{verb}: {answer}");
        assert!(answer["data"]["hint"].as_str().unwrap().contains("roles.root.threshold"), "{answer}");
    }
}

#[test]
fn root_apply_makes_the_next_root_what_the_file_says() {
    let desk = Desk::new();
    desk.done("--repo r init");
    for key in ["ann", "ben", "cem", "online"] {
        desk.done(&format!("key new keys/{key}"));
    }
    let write = |root: &str, threshold: u8| {
        let text = format!(
            "[keys]\nann = \"../keys/ann.pub\"\nben = \"../keys/ben.pub\"\ncem = \"../keys/cem.pub\"\nonline = \"../keys/online.pub\"\n\
             [roles.root]\nkeys = [{root}]\nthreshold = {threshold}\n[roles.targets]\nkeys = [\"online\"]\n\
             [roles.snapshot]\nkeys = [\"online\"]\n[roles.timestamp]\nkeys = [\"online\"]\n"
        );
        std::fs::write(desk.path().join("r/repo.toml"), text).unwrap();
    };
    write("\"ann\", \"ben\", \"cem\"", 2);
    assert!(desk.done("--repo r root apply --dry-run").contains("ann may sign for root"));
    desk.done("--repo r root apply");
    assert!(desk.done("--repo r root apply").contains("root 1 is what repo.toml says"));
    desk.done("--repo r root sign --key keys/ann --key keys/ben");
    assert_eq!(desk.json("--repo r root apply")["data"]["changed"], false);
    assert_eq!(desk.json("--repo r root show")["data"]["next"], serde_json::Value::Null);

    write("\"ann\", \"ben\"", 1);
    let answer = desk.json("--repo r root apply");
    assert_eq!(answer["data"]["edits"].as_array().unwrap().len(), 2, "{answer}");
    desk.done("--repo r root sign --key keys/ann --key keys/ben");
    let root = desk.json("--repo r root show")["data"]["signed"].clone();
    assert_eq!(root["version"], 2);
    assert_eq!(root["roles"]["root"]["keys"].as_array().unwrap().len(), 2);
    assert_eq!(root["roles"]["root"]["threshold"], 1);
}
