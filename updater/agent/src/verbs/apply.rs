//! `apply`: stage, then arm, under one run lock.

use updater_core::records::Wish;

use super::{arm, flags, stage};
use crate::answer::Answer;
use crate::cli::Restart;
use crate::{Context, Options, Result};

pub(super) fn run(ctx: &Context<'_>, options: &Options, restart: Restart) -> Result<Answer> {
    let staged = match stage::staged(ctx, options)? {
        Ok(staged) => staged,
        Err(answer) => return Ok(answer),
    };
    let (moved, mut data) = (stage::moved(&staged.moved), stage::data(&staged));
    let (message, armed) = arm::arm(ctx, staged.verified, Wish::Hand)?;
    if let (Some(data), Some(armed)) = (data.as_object_mut(), armed.as_object()) {
        data.extend(armed.clone());
    }
    Ok(Answer::done(format!("{moved}\n{}", flags::restart(ctx, restart, message)?), data))
}
