//! Chance, from the kernel.

/// Anything from 0 to 1, each as likely as any other. Where the kernel has no random source, 1: the longest wait.
pub(crate) fn share() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}
