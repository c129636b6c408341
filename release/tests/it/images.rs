//! Images to work on: the same bytes on every machine, no files.

use std::io::Read;

/// A stretch of zeros, then words, then noise, over and over, as file systems have them.
pub(crate) fn image(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    Endless::new().take(length as u64).read_to_end(&mut bytes).unwrap_or_default();
    bytes
}

/// [`image`] without an end, made as it is read.
#[derive(Debug)]
pub(crate) struct Endless {
    at: u64,
    noise: u64,
}

impl Endless {
    pub(crate) fn new() -> Endless {
        Endless { at: 0, noise: 0x2545_F491_4F6C_DD1D }
    }

    fn byte(&mut self) -> u8 {
        let within = self.at % 20_480;
        self.at += 1;
        match within {
            0..8192 => 0,
            8192..16_384 => {
                WORDS[usize::try_from((self.at * self.at / 97) % WORDS.len() as u64).unwrap_or(0)]
            }
            _ => {
                self.noise ^= self.noise << 13;
                self.noise ^= self.noise >> 7;
                self.noise ^= self.noise << 17;
                self.noise.to_le_bytes()[4]
            }
        }
    }
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        out.fill_with(|| self.byte());
        Ok(out.len())
    }
}

const WORDS: &[u8] = b"slot piece frame index wave seed offer plan written verified armed confirmed ";
