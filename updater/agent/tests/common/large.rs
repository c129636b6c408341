//! Images of 1 GiB that nobody holds in memory, and what a run of the program with them takes.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use fixtures::crash::Release;
use release::payload::{FrameWriter, Index};
use release::{Digest, Image, Images, ReleaseId, Version};
use rustix::process::{Pid, WaitId, WaitIdOptions};

use super::Made;
use super::served::{Ran, Served};

pub(crate) const GIB: u64 = 1 << 30;
pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const BLOCK: u64 = 4096;

/// A MiB that is like no other: 32 KiB of noise, repeated.
pub(crate) fn piece(number: u64) -> Vec<u8> {
    let mut state = number + 1;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    });
    noise.take(32 << 10).collect::<Vec<u8>>().repeat(32)
}

/// 1 GiB, piece by piece.
pub(crate) struct Raw<F> {
    at: u64,
    piece: Vec<u8>,
    of: F,
}

impl<F: Fn(u64) -> Vec<u8>> Raw<F> {
    pub(crate) fn of(of: F) -> Raw<F> {
        Raw { at: 0, piece: Vec::new(), of }
    }
}

impl<F: Fn(u64) -> Vec<u8>> Read for Raw<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= GIB {
            return Ok(0);
        }
        let inside = (self.at % MIB) as usize;
        if inside == 0 {
            self.piece = (self.of)(self.at / MIB);
        }
        let length = buffer.len().min(MIB as usize - inside);
        buffer[..length].copy_from_slice(&self.piece[inside..inside + length]);
        self.at += length as u64;
        Ok(length)
    }
}

/// A release with this root image, and small others.
pub(crate) fn release(served: &Served, version: Version, root: impl Fn(u64) -> Vec<u8>) -> Made {
    let writer = FrameWriter { level: 1, ..FrameWriter::default() };
    let small = Release::filled(7, BLOCK as usize, BLOCK as usize, BLOCK as usize);
    let mut root = Raw::of(root);
    let packed: Images<(Index, Vec<u8>)> = Images::from_fn(|image| {
        let path = served.path(image.name());
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let index = match image {
            Image::Root => writer.write(&mut root, &mut file, |_| {}),
            Image::Boot => writer.write(&mut small.boot.as_slice(), &mut file, |_| {}),
            Image::Hash => writer.write(&mut small.hash.as_slice(), &mut file, |_| {}),
        };
        file.flush().unwrap();
        (index.unwrap(), std::fs::read(path).unwrap())
    });
    let indexes = packed.as_ref().map(|_, (index, _)| index.clone());
    let id = ReleaseId::of(&indexes.as_ref().map(|_, index| Digest::of(&index.encode())));
    let files = packed.map(|_, (_, frames)| frames);
    let frames = updog::engine::source::MemoryFrames { files };
    Made { images: small, indexes, frames, release: updog::engine::route::Release { id, version } }
}

/// What a run took: the highest resident memory, and bytes read from the device as the kernel counts them.
#[derive(Debug, Default)]
pub(crate) struct Took {
    pub(crate) peak: u64,
    pub(crate) read: u64,
    pub(crate) written: u64,
}

/// Runs it and looks at `/proc` until it is gone.
pub(crate) fn measure(mut command: Command, mut watch: impl FnMut(&Took, Pid)) -> (Ran, Took) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut took = Took::default();
    let number = |text: &str, key: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line[key.len()..].trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    let mut over = false;
    while !over {
        // Looked at once more after its end and before it is reaped, when its counters are final.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        over = rustix::process::waitid(WaitId::Pid(pid), options).unwrap().is_some();
        let folder = format!("/proc/{}", child.id());
        if let Ok(status) = std::fs::read_to_string(format!("{folder}/status")) {
            took.peak = took.peak.max(number(&status, "VmHWM").unwrap_or(0) * 1024);
        }
        if let Ok(io) = std::fs::read_to_string(format!("{folder}/io")) {
            took.read = took.read.max(number(&io, "read_bytes").unwrap_or(0));
            took.written = took.written.max(number(&io, "write_bytes").unwrap_or(0));
        }
        if !over {
            watch(&took, pid);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    (Ran::of(child.wait_with_output().unwrap()), took)
}
