//! Staged rollout: who may have a release, and when.
//!
//! A fleet is spread over [`SEEDS`] seeds; each host keeps one [`Seed`]. A [`Rollout`] says when each seed's turn
//! comes, a [`Verdict`] answers for one seed at one time. A [`Policy`] is the reusable shape of a rollout
//! ("1 % after an hour, 5 % after four"); with a start time it becomes a [`Rollout`].
//! A rollout under way can be held, resumed, slowed down and hurried; what has opened stays open.
//! [`compat`] answers as Bottlerocket's client does, defects included, so that an operator can see what old clients
//! will do with the same times.
//!
//! Nothing here reads a clock: the time is an argument.

mod change;
pub mod compat;
mod curve;
mod duration;
mod error;
mod factor;
mod policy;
mod problem;
mod rollout;
mod sample;
mod seed;
mod verdict;

pub use curve::Point;
pub use error::Error;
pub use factor::Factor;
pub use policy::Policy;
pub use problem::Problem;
pub use rollout::{Rollout, paused_until};
pub use sample::{SAMPLES, sample};
pub use seed::{SEEDS, Seed};
pub use verdict::{Verdict, Wave};
