//! Staged rollout: seeds, waves and the verdict for one host.
