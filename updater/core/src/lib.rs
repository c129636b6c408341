//! next_step: what a host does next, and why.
