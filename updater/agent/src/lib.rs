//! Atomic A/B updates: the host's program.
