//! The tool that everybody has reads what we publish.

use std::io::Write;
use std::process::Stdio;

use release::payload::FrameWriter;

use crate::images::image;

#[test]
#[expect(clippy::disallowed_types, reason = "the point is another program")]
fn zstd_gives_the_raw_image() {
    let raw = image(3 * (1 << 20) + 4096);
    let mut frames = Vec::new();
    let writer = FrameWriter { level: 3, ..FrameWriter::default() };
    writer.write(&mut raw.as_slice(), &mut frames, |_| {}).unwrap();
    let mut zstd = std::process::Command::new("zstd")
        .args(["-d", "-c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the zstd tool is needed: cargo xtask setup installs it");
    let mut stdin = zstd.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(&frames));
    let output = zstd.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success());
    assert!(output.stdout == raw, "zstd -d gives other bytes");
}
