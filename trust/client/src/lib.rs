//! HTTP transport, trust store, mirrors and retries.
