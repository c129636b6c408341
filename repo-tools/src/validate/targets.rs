//! Every byte of every target.

use std::collections::BTreeSet;

use release::names;
use trust_core::{Session, Target};

use super::{Kind, Report};
use crate::copy::all_names;
use crate::error::{Result, chain};
use crate::host_check::find;
use crate::parallel::{Meter, Tell, each};
use crate::source::Source;
use crate::stream::{Fault, stream};

impl Report {
    /// Reads every target that any role signs for. Returns the names of those that are right.
    pub(super) fn targets(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        workers: usize,
        tell: &Tell<'_>,
    ) -> Result<BTreeSet<String>> {
        let mut targets = Vec::new();
        for name in all_names(session) {
            if let Err(error) = names::check(&name) {
                self.add(Kind::Name, error.to_string());
            }
            match find(source, session, &name) {
                Ok(Some(target)) => targets.push(target),
                Ok(None) => {
                    self.add(
                        Kind::Metadata,
                        format!("{name} is listed by a role to which no delegation leads"),
                    );
                }
                Err(error) if error.is_refusal() => self.add(Kind::Metadata, chain(&error)),
                Err(error) => return Err(error),
            }
        }
        let total = targets.iter().fold(0_u64, |sum, target| sum.saturating_add(target.length));
        let meter = Meter::new(total, tell);
        let found = each(&targets, workers, &|target: &Target| {
            let mut length = 0_u64;
            let judged = stream(source, target, &mut |part| {
                length = length.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
                meter.add(part.len());
                Ok(())
            });
            match judged {
                // One that is missing in a bucket that may not be listed; the others are still to be looked at.
                Err(error) if error.may_mean_absent() => Ok((Err(Fault::Denied(chain(&error))), length)),
                judged => Ok((judged?, length)),
            }
        })?;
        let mut whole = BTreeSet::new();
        for (target, (judged, length)) in targets.into_iter().zip(found) {
            if self.judge(&target, judged, length, source.is_part()) {
                whole.insert(target.name);
            }
        }
        Ok(whole)
    }

    fn judge(
        &mut self,
        target: &Target,
        judged: std::result::Result<(), Fault>,
        length: u64,
        is_part: bool,
    ) -> bool {
        let name = &target.name;
        if judged == Err(Fault::Missing) && is_part {
            self.left_out += 1;
            return false;
        }
        self.targets += 1;
        self.bytes = self.bytes.saturating_add(length);
        match judged {
            Ok(()) => return true,
            Err(Fault::Missing) => self.add(Kind::Missing, format!("{name} is not there")),
            Err(Fault::Denied(why)) => self.add(Kind::Missing, format!("{name}: {why}")),
            Err(Fault::Differs(why)) => self.add(Kind::Differs, format!("{name}: {why}")),
        }
        false
    }
}
