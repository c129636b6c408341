//! P9 and the I/O that P2 asks for, measured on the real program with a 1 GiB image over HTTP: memory does not grow with the image, the
//! read-back reads the device, a rerun writes nothing, a killed download goes on.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of small disks fit every type")]

mod common;

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::served::{Ran, Served};
use fixtures::crash::Release;
use fixtures::disk::DiskSpec;
use release::payload::FrameWriter;
use release::{Digest, Image, Images, ReleaseId, Version};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
const BLOCK: u64 = 4096;

/// 1 GiB in which no piece is like another: each MiB is 32 KiB of noise, repeated.
struct Raw {
    at: u64,
    piece: Vec<u8>,
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= GIB {
            return Ok(0);
        }
        let inside = (self.at % MIB) as usize;
        if inside == 0 {
            let mut state = self.at / MIB + 1;
            self.piece = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as u8
            })
            .take(32 << 10)
            .collect();
            self.piece = self.piece.repeat(32);
        }
        let length = buffer.len().min(MIB as usize - inside);
        buffer[..length].copy_from_slice(&self.piece[inside..inside + length]);
        self.at += length as u64;
        Ok(length)
    }
}

/// What a run took: the highest resident memory, and bytes read from the device as the kernel counts them.
#[derive(Debug, Default)]
struct Took {
    peak: u64,
    read: u64,
    written: u64,
}

/// Runs it and looks at `/proc` until it is gone.
fn measure(mut command: Command, mut watch: impl FnMut(&Took, Pid)) -> (Ran, Took) {
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

#[test]
fn a_gibibyte_takes_48_mib_and_is_read_back_from_the_device() {
    // A real file system, not one in memory: the kernel must count what is read.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let spec = DiskSpec { boot: 2 * BLOCK, root: GIB, hash: 2 * BLOCK, ..DiskSpec::default() };
    let served = Served::sparse(folder, &spec);

    let writer = FrameWriter { level: 1, ..FrameWriter::default() };
    let small = Release::filled(7, BLOCK as usize, BLOCK as usize, BLOCK as usize);
    let packed = Images::from_fn(|image| {
        let path = served.path(image.name());
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let index = match image {
            Image::Root => writer.write(&mut Raw { at: 0, piece: Vec::new() }, &mut file, |_| {}),
            Image::Boot => writer.write(&mut small.boot.as_slice(), &mut file, |_| {}),
            Image::Hash => writer.write(&mut small.hash.as_slice(), &mut file, |_| {}),
        };
        file.flush().unwrap();
        (index.unwrap(), std::fs::read(path).unwrap())
    });
    let indexes = packed.as_ref().map(|_, (index, _)| index.clone());
    let id = ReleaseId::of(&indexes.as_ref().map(|_, index| Digest::of(&index.encode())));
    let frames = release::Images::from_fn(|image| packed.get(image).1.clone());
    let total: u64 = indexes.iter().map(|(_, index)| index.frames_length()).sum();
    let made = common::Made {
        images: small,
        indexes,
        frames: updog::engine::source::MemoryFrames { files: frames },
        release: updog::engine::route::Release { id, version: Version::new(1, 1, 0) },
    };
    let served = served.publish(&made);

    // Killed once half is written.
    let (_, took) = measure(served.command(common::served::NOW, &["stage"]), |took, pid| {
        if took.written >= GIB / 2 {
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
    });
    assert!(took.written < GIB, "the run was over before it was killed");

    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage after a kill at half: {} of {total} bytes fetched, {took:?}", ran.data("fetched_bytes"));
    assert!(ran.data("fetched_bytes") * 100 <= total * 52);
    assert!(took.peak <= 48 * MIB, "{took:?}");

    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage again: {took:?}");
    assert_eq!((ran.data("fetched_bytes"), ran.data("written_bytes")), (0, 0));
    assert!(took.peak <= 48 * MIB && took.read >= GIB && took.written < MIB, "{took:?}");

    let (ran, took) = measure(served.command(common::served::NOW, &["verify"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("verify: {took:?}");
    assert!(took.peak <= 48 * MIB && took.read >= GIB, "{took:?}");

    // From nothing, in one go.
    let disk = File::options().write(true).open(served.path("disk.img")).unwrap();
    let layout = served.layout();
    let root = layout.b.unwrap().root.first_lba * 512;
    for piece in 0..1024 {
        disk.write_all_at(&[0; 512], root + piece * MIB).unwrap();
    }
    std::fs::remove_dir_all(served.path("state")).unwrap();
    let (ran, took) = measure(served.command(common::served::NOW, &["stage"]), |_, _| {});
    assert_eq!(ran.exit, 0, "{ran:#?}");
    println!("stage from nothing: {took:?}");
    assert_eq!(ran.data("written_bytes"), GIB);
    assert!(took.peak <= 48 * MIB && took.read >= 2 * GIB && took.written >= GIB, "{took:?}");
}
