//! `updog serve`: what its socket answers, to whom, and what it does by itself.

mod bottlerocket;
mod client;
mod described;
mod door;
mod events;
mod life;
