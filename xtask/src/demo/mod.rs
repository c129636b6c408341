//! x
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("{args:?}")
}
