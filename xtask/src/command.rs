//! What `cargo xtask` can do, and where.

use clap::Subcommand;

use crate::{
    bench, ci, conformance, cuts, deb, demo, deny, firmware, interop, layers, same_bytes, serve, setup, test,
    vm,
};

/// One of the commands, with what was typed after it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Install the Debian packages that the commands need, or say which are missing.
    Setup(setup::Args),
    /// The whole route on a real disk image: publish, update, fail, come back.
    Demo(demo::Args),
    /// All tests of the workspace, doc tests included.
    Test(test::Args),
    /// Everything that must hold before a change lands.
    Ci(ci::Args),
    /// Print the crate graph by level; fail on an arrow that points up.
    Layers,
    /// Check licences, bans and sources; advisories with `--db`.
    Deny(deny::Args),
    /// Cut power at every disk operation; count durable states and the unbootable ones.
    Cuts(cuts::Args),
    /// Measure parts; with a word: the peers, real images, scale, builds and boots, the idle daemon.
    Bench(bench::Args),
    /// Boot the image in an emulator: updates, damage, and the way back.
    Qemu(vm::Args),
    /// What QEMU starts for each connection of a guest.
    #[command(hide = true)]
    Pipe(vm::pipe::Args),
    /// Build an image twice, the second time in another place, and compare the bytes.
    SameBytes(same_bytes::Args),
    /// Run the official TUF conformance suite against our client.
    Conformance(conformance::Args),
    /// Read our repositories with tuftool, and take those that it makes.
    Interop,
    /// Pack updog and signpost for Debian; with `--test`, use them in a clean one.
    Deb(deb::Args),
    /// What the slot selector does on one boot: choose, spend a try, say why.
    Firmware(firmware::Args),
    /// Serve a folder over HTTP, with faults if asked for.
    Serve(serve::Args),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Setup(args) => setup::run(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Ci(args) => ci::run(&args),
            Command::Layers => layers::run(),
            Command::Deny(args) => deny::run(&args),
            Command::Cuts(args) => cuts::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Qemu(args) => vm::run(&args),
            Command::Pipe(args) => vm::pipe::run(&args),
            Command::SameBytes(args) => same_bytes::run(&args),
            Command::Conformance(args) => conformance::run(&args),
            Command::Interop => interop::run(),
            Command::Deb(args) => deb::run(&args),
            Command::Firmware(args) => firmware::run(&args),
            Command::Serve(args) => serve::run(&args),
        }
    }
}
