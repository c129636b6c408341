//! The one thing that a host says instead of asking: a report (docs/seen.md).

use url::Url;

use super::error::Error;
use super::online::Online;
use super::repository::transport;
use crate::{Context, Options, Result};

/// Sends it once, within the configured time, and says with which status it was answered. What the answer says is not read.
pub(crate) fn post(ctx: &Context<'_>, url: &Url, body: Vec<u8>) -> Result<u16> {
    let online =
        Online::without_redirects(transport(&ctx.config, &Options::default()), ctx.interrupt.clone())?;
    let sent = online.wait(online.transport().post(url, body, ctx.config.report.timeout))?;
    Ok(sent.map_err(Error::Post)?)
}
