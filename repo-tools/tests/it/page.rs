//! The page about a repository: what it says, that nothing foreign acts in it, and how a browser lays it out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::TimeDelta;
use release::manifest::{Delta, Halt};
use release::{Digest, ReleaseId};
use serde_json::{Map, Value};
use trust_client::Location;
use updog_repo::Disk;
use updog_repo::report::{Model, gather, page};
use updog_repo::source::{FolderSource, Source};

use crate::common::{Yard, day, start};
use crate::pictures::well_formed;

const HOSTILE: &str = "</td></table><script>document.title='owned'</script><img src=//evil.example onerror=alert(1)>\u{202e}\u{0}\"'&";

/// Four releases: rolled out, rolling, paused, taken back; read back by a host's rules.
fn model() -> (Yard, Model) {
    let (yard, key) = Yard::with_key();
    for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0-rc.1"] {
        yard.add(version);
    }
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let source = FolderSource::new(&Disk, &dir);
    let root = source.metadata("1.root.json", 1 << 20).unwrap().unwrap();
    let mut model =
        gather(&source, root, &Location::new("https://u:p@updates.example/stable"), day(5)).unwrap();
    // What the verbs for it will sign; here it is put in afterwards, and so can be worse than they allow.
    let waves = waves::sample("normal").unwrap();
    for release in &mut model.releases {
        let version = release.update.version.to_string();
        let started = if version == "1.0.0" { start() - TimeDelta::days(60) } else { start() };
        release.update.waves = waves.schedule(started).unwrap().keys().clone();
        let ours = release.update.updog.as_mut().unwrap();
        let halt = || Some(Halt { at: day(3), reason: HOSTILE.to_owned(), extra: Map::new() });
        match version.as_str() {
            "1.2.0" => (ours.paused, ours.notes) = (halt(), HOSTILE.to_owned()),
            "1.3.0-rc.1" => ours.yanked = halt(),
            "1.1.0" => {
                ours.from = Some(">=1.0.0".parse().unwrap());
                let from = ReleaseId::new(Digest::of(b"base"));
                ours.deltas.push(Delta {
                    image: "root".to_owned(),
                    from,
                    target: "d".to_owned(),
                    header_length: 136,
                    header_sha256: Digest::of(b""),
                    extra: Map::new(),
                });
                release.deltas.insert(from.short(), 4 << 20);
            }
            _ => {}
        }
    }
    (yard, model)
}

#[test]
fn it_says_what_is_published() {
    let (_yard, model) = model();
    let text = page(&model);
    well_formed(&text);
    for said in [
        "https://updates.example/stable",
        "1.3.0-rc.1",
        "tiny x86_64",
        "<span class=\"now\">60 % of hosts</span>, all by 8 Nov 2026 00:00",
        "all hosts since 9 Sep 2026 00:00",
        "paused since 4 Nov 2026 00:00",
        "taken back since 4 Nov 2026 00:00",
        "from &gt;=1.0.0",
        "4.0 MiB from <code>",
        "1 of 1 key(s)",
        "Ed25519",
        "root, targets, snapshot, timestamp",
        "now 60 %",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert_eq!(text, page(&model), "the same model is the same page");
    let late = page(&Model { now: day(9), ..model });
    assert!(late.contains("<span class=\"alert\">expired</span>"), "a timestamp lives seven days");
}

#[test]
fn an_empty_repository_has_a_page_too() {
    let (_yard, model) = model();
    let text = page(&Model { releases: Vec::new(), roles: Vec::new(), keys: Vec::new(), ..model });
    well_formed(&text);
    assert!(text.contains("There is none yet.") && text.contains("None is under way"));
}

#[test]
fn nothing_foreign_becomes_markup() {
    let (_yard, mut model) = model();
    model.place = HOSTILE.to_owned();
    for release in &mut model.releases {
        release.update.variant = HOSTILE.to_owned();
        release.update.arch = HOSTILE.to_owned();
    }
    let text = page(&model);
    well_formed(&text);
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains(['\u{202e}', '\u{0}']));
    assert!(!text.contains("href=\"http") && !text.contains("url(") && !text.contains("@import"));
}

/// Two widths, two colour schemes: the page, as it is, in frames of the harness, which measures from outside.
#[test]
fn chromium_lays_it_out_on_a_phone_and_a_desktop() {
    let (yard, model) = model();
    let text = page(&model);
    let folder = yard.path("browser");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index.html"), &text).unwrap();
    let quoted = text.replace('&', "&amp;").replace('"', "&quot;");
    let harness = include_str!("page_harness.html").replace("{{page}}", &quoted);
    fs::write(folder.join("harness.html"), harness).unwrap();
    for (scheme, ground) in [("1", "rgb(255, 255, 255)"), ("0", "rgb(20, 24, 28)")] {
        let setting = format!("--blink-settings=preferredColorScheme={scheme}");
        let output = chromium(&folder, "harness.html", &[&setting, "--dump-dom"]);
        let measured = measured(&output);
        for frame in ["phone", "desktop"] {
            let found = &measured[frame];
            assert_eq!(found["ground"], ground, "{frame}");
            assert_eq!(found["overflow"], 0, "{frame}: {found}");
            assert_eq!(found["outside"], serde_json::json!([]), "{frame}");
            assert_eq!(found["overlaps"], serde_json::json!([]), "{frame}");
            assert_eq!(found["requests"], 0, "{frame}");
            assert_eq!(found["scripts"], 0, "{frame}");
            assert_eq!(found["charts"], 3, "{frame}");
            assert_eq!(found["title"], "Updates in https://updates.example/stable", "{frame}");
            assert!(found["smallest"].as_f64().unwrap() >= 10.0, "{frame}: letters of {}", found["smallest"]);
            assert!(
                found["text"].as_str().unwrap().contains("document.title='owned'"),
                "foreign text is text"
            );
        }
        assert_eq!(measured["phone"]["columns"], 1);
        assert_eq!(measured["desktop"]["columns"], 2);
    }
    // Alone, with its own policy in force: no complaint on the console.
    let output = chromium(&folder, "index.html", &["--dump-dom"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("CONSOLE"), "{said}");
    if let Some(out) = std::env::var_os("UPDOG_SCREENSHOTS") {
        screenshots(&folder, Path::new(&out));
    }
}

/// For people: set `UPDOG_SCREENSHOTS` to a folder.
fn screenshots(folder: &Path, out: &Path) {
    for (scheme, name) in [("1", "light"), ("0", "dark")] {
        let setting = format!("--blink-settings=preferredColorScheme={scheme}");
        let file = format!("--screenshot={}", out.join(format!("{name}.png")).display());
        chromium(folder, "harness.html", &[&setting, "--window-size=1720,2400", &file]);
    }
}

fn measured(output: &Output) -> Value {
    let dom = String::from_utf8_lossy(&output.stdout);
    let begin = dom.find("<pre id=\"measured\">").expect("the harness has measured") + 19;
    let json = &dom[begin..begin + dom[begin..].find("</pre>").unwrap()];
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// Fails without a browser: a host that lacks it must not look as if this had passed.
fn chromium(folder: &Path, file: &str, words: &[&str]) -> Output {
    let names =
        ["chromium", "chromium-browser", "google-chrome"].map(|name| PathBuf::from("/usr/bin").join(name));
    let program = names.iter().find(|path| path.exists());
    let program = program.expect("chromium is missing: run `cargo xtask setup test`");
    let profile = tempfile::tempdir().unwrap();
    let quiet = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=4000",
        "--timeout=60000",
    ];
    let output = Command::new(program)
        .args(quiet)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(words)
        .arg(format!("file://{}", folder.join(file).display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}
