//! Settings of the transport.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach mirrors. [`Default`] suits a host on an ordinary network.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Proxy for http and https alike. `None` leaves it to `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub proxy: Option<String>,
    /// Hosts, domains (`.example.org`) and networks (`10.0.0.0/8`) that [`proxy`](Self::proxy) is not used for; `*` is
    /// all of them.
    pub no_proxy: Vec<String>,
    /// PEM file of the only authorities to trust, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// A transfer ends when less than 1 KiB came in this time. There is no limit on the whole transfer.
    pub stall: Duration,
    /// Time for a connection.
    pub connect: Duration,
    /// Tries after the first, counted anew whenever a transfer gets on by 64 KiB.
    pub retries: u32,
    /// First pause between tries; doubles each time, up to [`longest_wait`](Self::longest_wait), with jitter.
    pub backoff: Duration,
    /// No pause is longer. A server that asks for more is given up.
    pub longest_wait: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Bytes per second over all transfers of one [`Transport`](crate::Transport).
    pub limit_rate: Option<NonZeroU64>,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            proxy: None,
            no_proxy: Vec::new(),
            ca_bundle: None,
            stall: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            retries: 5,
            backoff: Duration::from_millis(250),
            longest_wait: Duration::from_mins(1),
            user_agent: concat!("updog/", env!("CARGO_PKG_VERSION")).to_owned(),
            limit_rate: None,
        }
    }
}
