//! `updog` and `updog-repo` take what tuftool made: keys of three kinds, a rotation, a delegated role.

use std::fs;

use anyhow::{Context, Result, ensure};
use fixtures::disk::DiskSpec;
use fixtures::server::Server;
use serde_json::Value;

use super::published::{download, ours};
use super::{Shown, compare, damaged, read, serve};
use crate::shell::Shell;

/// One host keeps its state through all of it; `theirs` is what it is served.
pub(super) fn run(shell: &Shell, shown: &mut Shown) -> Result<()> {
    first(shell)?;
    let server = serve(shell, "theirs")?;
    host(shell, &server)?;
    shell.quiet("updog check")?.says("tiny 1.1.0 is open")?;
    shown.that("updog check: 1.1.0 is open, by signatures of an RSA, an ECDSA and an Ed25519 key");
    shell.quiet("updog stage")?.says("slot B staged: 1.1.0, read back")?;
    shown.that("updog stage: its images are fetched, written to slot B and read back");
    validated(shell, 4)?;
    shown.that("updog-repo validate: no problems, every target read");

    rotate(shell)?;
    shell.quiet("updog check")?.says("tiny 1.1.0 is open")?;
    let version = json(shell, "state/trust/root.json")?["signed"]["version"].as_u64();
    ensure!(version == Some(2), "expected root 2 in the host's store, found {version:?}");
    validated(shell, 4)?;
    shown.that("updog check: root 2 is followed, with another root key and one key less below");

    delegate(shell)?;
    shell.quiet("updog check")?.says("tiny 1.1.0 is open")?;
    validated(shell, 5)?;
    shown.that("updog-repo validate: a delegated role and the target that it signs for are whole");
    shell.quiet("updog-repo mirror theirs copy --root ./1.root.json")?;
    shell.quiet("updog-repo validate copy --root ./1.root.json")?.says("no problems: 5 roles")?;
    shown.that("updog-repo mirror: so is a copy of it all");

    take(shell)?;
    shown.that("updog-repo delegation take: a role that tuftool signed is published, and tuftool reads it from there");
    refused(shell, shown)
}

/// Three keys of three kinds must sign the roles below root; what is signed for is what tuftool downloaded from us.
fn first(shell: &Shell) -> Result<()> {
    let below = "--role targets --role snapshot --role timestamp";
    let lines = [
        "openssl genpkey -algorithm ed25519 -outform DER -out ed.der",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem",
        "openssl pkcs8 -topk8 -nocrypt -in ec.pem -outform DER -out ec.der",
        "tuftool root init ./1.root.json",
        "tuftool root expire ./1.root.json 'in 52 weeks'",
        "tuftool root gen-rsa-key ./1.root.json ./root.pem --role root",
        &format!("tuftool root gen-rsa-key ./1.root.json ./rsa.pem {below}"),
        &format!("tuftool root add-key ./1.root.json --key ./ed.der --key ./ec.der {below}"),
        "tuftool root set-threshold ./1.root.json root 1",
        "for role in targets snapshot timestamp; do tuftool root set-threshold ./1.root.json $role 3; done",
        "tuftool root sign ./1.root.json --key ./root.pem",
        &create("1.root.json", "--key ./rsa.pem --key ./ed.der --key ./ec.der", 1),
    ];
    lines.iter().try_for_each(|line| shell.quiet(line).map(drop))
}

/// Another root key, for which the old one vouches, and one key less below.
fn rotate(shell: &Shell) -> Result<()> {
    let root = &json(shell, "1.root.json")?["signed"];
    let id = |role: &str, kind: &str| {
        let ids = root["roles"][role]["keyids"].as_array().into_iter().flatten();
        let found = ids.filter_map(Value::as_str).find(|id| root["keys"][*id]["keytype"] == kind);
        found.map(str::to_owned).with_context(|| format!("tuftool's root has no {kind} key for {role}"))
    };
    let lines = [
        "cp 1.root.json 2.root.json",
        "tuftool root bump-version ./2.root.json",
        &format!("tuftool root remove-key ./2.root.json {}", id("root", "rsa")?),
        &format!("tuftool root remove-key ./2.root.json {}", id("targets", "ed25519")?),
        "tuftool root gen-rsa-key ./2.root.json ./root-2.pem --role root",
        "for role in targets snapshot timestamp; do tuftool root set-threshold ./2.root.json $role 2; done",
        "tuftool root sign ./2.root.json --key ./root-2.pem",
        "tuftool root sign ./2.root.json --key ./root.pem --cross-sign ./1.root.json",
        &create("2.root.json", TWO, 2),
    ];
    lines.iter().try_for_each(|line| shell.quiet(line).map(drop))
}

/// A role of its own key signs for `tools-*`; it is listed empty, then signs for a file.
fn delegate(shell: &Shell) -> Result<()> {
    let role = "tuftool delegation --signing-role";
    let repo = "--root ./2.root.json --metadata-url \"file://$PWD/theirs/metadata/\"";
    let lines = [
        "mkdir tools && echo 'tools of theirs' > tools/tools-2.tar",
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out team.pem",
        &format!(
            "{role} tools create-role --keys ./team.pem --expires 'in 30 days' --version 1 --outdir role"
        ),
        &format!(
            "{role} targets add-role --delegated-role tools --paths 'tools-*' --threshold 1 {repo} {TWO} \
             --incoming-metadata \"file://$PWD/role/metadata/\" --version 3 --expires 'in 30 days' --sign-all {} \
             --outdir listed",
            online(3)
        ),
        "cp listed/metadata/* theirs/metadata/",
        &format!(
            "{role} tools update-delegated-targets {repo} --key ./team.pem --add-targets tools --version 2 \
             --expires 'in 30 days' --outdir signed"
        ),
        &format!(
            "tuftool update {repo} {TWO} --role tools --incoming-metadata \"file://$PWD/signed/metadata/\" \
             --targets-version 4 --targets-expires 'in 30 days' {} --outdir updated",
            online(4)
        ),
        // What a role signs lies there under its plain name; in a repository it has its digest before it.
        "cp signed/targets/tools-2.tar theirs/targets/$(sha256sum tools/tools-2.tar | cut -c1-64).tools-2.tar",
        "cp updated/metadata/* theirs/metadata/",
    ];
    lines.iter().try_for_each(|line| shell.quiet(line).map(drop))
}

/// The document that tuftool made for its role, in our own repository, and by tuftool out of it.
fn take(shell: &Shell) -> Result<()> {
    shell.quiet("openssl pkey -in team.pem -pubout -out team.pub.pem")?;
    for line in [
        "delegation add vendor --key team.pub.pem --path 'tools-2*'",
        "delegation take vendor signed/metadata/*tools.json --targets tools",
        "sign --key online-2.key",
        "publish www",
    ] {
        ours(shell, line)?;
    }
    let server = serve(shell, "www")?;
    download(shell, &server, "vendor", "--target-name tools-2.tar")?.expect(0)?;
    let count = compare(shell, "vendor", "www/targets")?;
    ensure!(count == 1, "expected 1 target, found {count}");
    Ok(())
}

fn refused(shell: &Shell, shown: &mut Shown) -> Result<()> {
    for (end, what) in [("timestamp.json", "timestamp.json"), (".manifest.json", "the manifest")] {
        damaged(shell, "theirs", "damaged", end)?;
        let server = serve(shell, "damaged")?;
        fs::write(shell.folder().join("host.toml"), config(&server))?;
        shell.quiet("rm -rf state && mkdir state")?;
        shell.run("updog check")?.expect(30)?;
        shown.that(format!("updog check: refused as untrusted with a byte of {what} changed"));
    }
    Ok(())
}

fn create(root: &str, keys: &str, version: u32) -> String {
    format!(
        "tuftool create --root ./{root} --add-targets at-root-2 --outdir theirs {keys} --targets-version {version} \
         --targets-expires 'in 30 days' {}",
        online(version)
    )
}

fn online(version: u32) -> String {
    format!(
        "--snapshot-version {version} --snapshot-expires 'in 14 days' --timestamp-version {version} \
         --timestamp-expires 'in 2 days'"
    )
}

fn validated(shell: &Shell, roles: usize) -> Result<()> {
    shell
        .quiet("updog-repo validate theirs --root ./1.root.json")?
        .says(&format!("no problems: {roles} roles"))?;
    Ok(())
}

/// A disk whose slot A runs, shipped with tuftool's root 1.
fn host(shell: &Shell, server: &Server) -> Result<()> {
    let disk = DiskSpec { boot: 64 << 10, root: 512 << 10, hash: 64 << 10, ..DiskSpec::default() };
    let write = |name: &str, bytes: &[u8]| {
        fs::write(shell.folder().join(name), bytes).with_context(|| format!("failed to write {name}"))
    };
    write("disk.img", &disk.build())?;
    write("os-release", b"VARIANT_ID=tiny\nVERSION_ID=1.0.0\n")?;
    write("host.toml", config(server).as_bytes())?;
    fs::create_dir(shell.folder().join("state"))?;
    shell.quiet("updog confirm")?;
    Ok(())
}

fn config(server: &Server) -> String {
    format!(
        "metadata_base_url = \"{}\"\ntargets_base_url = \"{}\"\nroot = \"1.root.json\"\nos_release = \"os-release\"\n\
         disk = \"disk.img\"\nstate = \"state\"\narch = \"x86_64\"\nseed = 7\nretries = 0\n",
        server.url_of("metadata/"),
        server.url_of("targets/")
    )
}

fn json(shell: &Shell, name: &str) -> Result<Value> {
    serde_json::from_slice(&read(&shell.folder().join(name))?)
        .with_context(|| format!("failed to parse {name}"))
}

const TWO: &str = "--key ./rsa.pem --key ./ec.der";
