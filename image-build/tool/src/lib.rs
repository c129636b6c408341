//! Disk layouts and images for updog hosts.
