//! tuftool reads what `updog-repo` published: a first root, a rotation of every key, targets that others sign for.

use anyhow::{Context, Result, bail, ensure};
use fixtures::server::Server;

use super::{Shown, compare, damaged, serve};
use crate::shell::{Said, Shell};

/// All clients start from root 1.
pub(super) fn run(shell: &Shell, shown: &mut Shown) -> Result<()> {
    first(shell)?;
    let server = serve(shell, "www")?;
    download(shell, &server, "at-root-1", "")?.expect(0)?;
    let count = compare(shell, "at-root-1", "www/targets")?;
    ensure!(count == 7, "expected 7 targets, found {count}");
    shown.that(format!("{count} targets downloaded, byte for byte what was published"));

    rotate(shell)?;
    download(shell, &server, "at-root-2", "")?.expect(0)?;
    let count = compare(shell, "at-root-2", "www/targets")?;
    ensure!(count == 13, "expected 13 targets, found {count}");
    let clone = format!(
        "tuftool clone --root ours.root.json --metadata-url {} --metadata-dir clone --metadata-only",
        server.url_of("metadata/")
    );
    shell.quiet(&clone)?;
    let copied = shell.quiet("ls clone")?;
    ensure!(copied.out.contains("2.root.json"), "expected 2.root.json in the clone, found\n{}", copied.out);
    shown.that(format!("root 1 to root 2 followed, all keys others by then; {count} targets downloaded"));

    delegate(shell)?;
    download(shell, &server, "delegated", "--target-name tools-1.tar")?.expect(0)?;
    let count = compare(shell, "delegated", "www/targets")?;
    ensure!(count == 1, "expected 1 target, found {count}");
    shown.that("a target downloaded that a delegated role signs, by two of its three keys");

    refused(shell, shown)
}

/// What must not be read is not: else the rest would say little.
fn refused(shell: &Shell, shown: &mut Shown) -> Result<()> {
    for (end, named, what) in [
        (".manifest.json", "manifest.json", "a target"),
        (".tools.json", "tools-1.tar", "the document of the delegated role"),
        ("timestamp.json", "manifest.json", "timestamp.json"),
    ] {
        damaged(shell, "www", "damaged", end)?;
        let server = serve(shell, "damaged")?;
        let said = download(shell, &server, &format!("refused{end}"), &format!("--target-name {named}"))?;
        if said.code == 0 {
            bail!("tuftool took a repository in which a byte of {what} was changed");
        }
        shown.that(format!("refused with a byte of {what} changed"));
    }
    Ok(())
}

fn first(shell: &Shell) -> Result<()> {
    for line in [
        "init",
        "key new root.key --role root",
        "key new online.key --role targets,snapshot,timestamp",
        "release add 1.0.0 --level 1",
        "sign --key root.key --key online.key",
        "publish www",
    ] {
        ours(shell, line)?;
    }
    shell.quiet("cp www/metadata/1.root.json ours.root.json")?;
    Ok(())
}

/// Another root key, and other keys for the roles below; RSA and ECDSA now, with ed25519 before.
fn rotate(shell: &Shell) -> Result<()> {
    for line in [
        "key new root-2.key --type rsa --role root",
        "root remove-key root.key.pub --role root",
        "key new online-2.key --type ecdsa --role targets,snapshot,timestamp",
        "root remove-key online.key.pub --role targets,snapshot,timestamp",
        "root sign --key root.key --key root-2.key",
        "release add 1.1.0 --level 1",
        "sign --key online.key --key online-2.key",
        "publish www",
    ] {
        ours(shell, line)?;
    }
    Ok(())
}

fn delegate(shell: &Shell) -> Result<()> {
    shell.quiet("echo 'first tools' > tools-1.tar")?;
    for line in [
        "key new ann.key",
        "key new ben.key",
        "key new cem.key",
        "delegation add tools --key ann.key.pub --key ben.key.pub --key cem.key.pub --threshold 2 --path 'tools-*'",
        "delegation sign tools --key ann.key --key cem.key --target tools-1.tar",
        "sign --key online-2.key",
        "publish www",
    ] {
        ours(shell, line)?;
    }
    Ok(())
}

/// A verb of `updog-repo` on our working folder.
pub(super) fn ours(shell: &Shell, line: &str) -> Result<Said> {
    shell.quiet(&format!("updog-repo --repo repo {line}"))
}

/// What root 1 of our repository leads tuftool to, in the folder `out`.
pub(super) fn download(shell: &Shell, server: &Server, out: &str, more: &str) -> Result<Said> {
    let (metadata, targets) = (server.url_of("metadata/"), server.url_of("targets/"));
    let line = format!(
        "tuftool download --root ours.root.json --metadata-url {metadata} --targets-url {targets} {more} {out}"
    );
    shell.run(&line).context("failed to run tuftool")
}
