//! x
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    folder: std::path::PathBuf,
}
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("{}", args.folder.display())
}
