//! What a host does next, and why. Nothing here touches a file, a disk, a network or a clock: what is, what is wanted and
//! the time come in; one answer with its reason comes out.
//!
//! * [`candidates`], [`offer()`]: which release of a manifest this host may have, and for every other the rule against it.
//!   [`excerpt`]: what of a manifest can change that answer.
//! * [`Plan`]: an offer with no choice left open.
//! * [`Likeness`]: whether the running slot is still worth trying as the base of a delta.
//! * [`Still`]: whether what was open at the last look may be had still.
//! * [`next_step`]: looks at what is and names one step; doing it and asking again is the whole engine.
//! * [`settle`]: what became of an update, from the flags and the record of what was meant; [`record()`] keeps the answer.
//! * [`cause()`]: why a slot was left, from what its boots left behind; [`health`]: what the gate does about a verdict.
//! * [`may_restart_by`]: when the host may restart by itself; [`turn`]: whether its group lets it, and
//!   [`held`]: for how long; [`backoff()`]: how long it waits after asking in vain.
//! * [`Status`]: five lines that say all of it.
//! * [`records`]: what the state folder keeps.
//! * [`Exit`], [`Reason`]: every refusal has a word and a code.

mod armed;
mod backoff;
mod cause;
mod coordination;
mod exit;
pub mod health;
mod hold;
mod host;
mod likeness;
mod offer;
mod outcome;
mod plan;
mod policy;
mod range;
mod reason;
mod record;
pub mod records;
mod shown;
mod status;
mod step;
mod still;
mod window;

pub use backoff::backoff;
pub use cause::{Cause, Evidence, Kept, Why, cause};
pub use coordination::{Group, Holder, ParseStrategy, Permit, Strategy, Turn, turn};
pub use exit::Exit;
pub use hold::held;
pub use host::Host;
pub use likeness::{Likeness, Next, Unlike};
pub use offer::{Candidate, NoOffer, Offer, Verdict, against, candidates, excerpt, explain, no_index, offer};
pub use outcome::{Question, Settled, settle};
pub use plan::{DeltaPlan, HeldPlan, ImagePlan, Payload, Plan, PlanInput, Room};
pub use policy::{Mode, ParseLock, ParseMode, Policy, VersionLock};
pub use reason::{Reason, Refusal};
pub use record::{Recorded, record};
pub use shown::{plain, seconds};
pub use status::Status;
pub use step::{Health, Observed, Sight, Step, may_still_restart, next_step};
pub use still::Still;
pub use window::{Window, again, may_restart_by};
