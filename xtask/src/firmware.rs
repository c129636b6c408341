//! x
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    disk: std::path::PathBuf,
}
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("{}", args.disk.display())
}
