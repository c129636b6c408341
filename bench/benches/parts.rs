//! The parts that an update is made of, each alone: `cargo xtask bench`.

#![expect(clippy::unwrap_used, reason = "a bench stops where something fails")]

use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::disk::DiskSpec;
use partition_core::{Flags, Slot, SlotSet, Slots, choose};
use partition_disk::{Access, Disk, Edit};
use release::manifest::Manifest;
use release::payload::{Decoder, encode_frame};
use release::{Digest, Images, ReleaseId};
use updater_core::records::Failed;
use updater_core::{Host, Plan, PlanInput, Policy, candidates, offer};
use updog_bench::{ARCH, VARIANT, index, manifest, piece, version};
use waves::Seed;

/// Long after every wave has closed.
fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(10_000)
}

fn host(seed: u32) -> Host {
    Host {
        variant: VARIANT.to_owned(),
        arch: ARCH.to_owned(),
        version: version(1),
        seed: Seed::new(seed).unwrap(),
    }
}

fn pieces(c: &mut Criterion) {
    let raw = piece();
    let frame = encode_frame(&raw, 9).unwrap();
    let mut group = c.benchmark_group("piece of 1 MiB");
    group.throughput(Throughput::Bytes(raw.len() as u64));
    let (mut decoder, mut out) = (Decoder::new().unwrap(), vec![0; raw.len()]);
    group.bench_function("decode", |b| b.iter(|| decoder.decode(black_box(&frame), &mut out).unwrap()));
    group.bench_function("hash", |b| b.iter(|| Digest::of(black_box(&raw))));
    group.finish();
}

fn decisions(c: &mut Criterion) {
    let slots = Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)));
    c.bench_function("choose", |b| b.iter(|| choose(black_box(&slots), SlotSet::EMPTY)));

    let rollout = manifest(1).updates.remove(0).rollout();
    let seed = Seed::new(1000).unwrap();
    c.bench_function("wave verdict", |b| b.iter(|| rollout.verdict(black_box(seed), black_box(now()))));

    // A release of three images, 1 GiB in all but the boot image.
    let indexes =
        Images::from_fn(|image| index(if image == release::Image::Root { 1024 } else { 16 }).unwrap());
    let digests = indexes.as_ref().map(|_, index| Digest::of(&index.encode()));
    let mut releases = manifest(3);
    for update in &mut releases.updates {
        update.updog.as_mut().unwrap().release = ReleaseId::of(&digests);
    }
    let (host, policy) = (host(1000), Policy::default());
    let open = candidates(&releases, &host, &policy, &Failed::default(), now());
    let open = offer(&open, &host, &policy).unwrap();
    let input = PlanInput {
        offer: &open,
        running: Slot::A,
        tries: 3,
        indexes: Some(Images::from_fn(|image| (*digests.get(image), indexes.get(image)))),
        deltas: Images::from_fn(|_| None),
        held: None,
        room: None,
    };
    c.bench_function("plan of 1 GiB", |b| b.iter(|| Plan::new(black_box(&input)).unwrap()));
}

fn table(c: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("disk.img");
    std::fs::write(&path, DiskSpec::default().build()).unwrap();
    let disk = Disk::open(&path, Access::Write).unwrap();
    let mut tries = 0;
    // Both copies, each flushed to the disk below the target folder.
    c.bench_function("table commit", |b| {
        b.iter(|| {
            tries = tries % 7 + 1;
            let slots = Slots::new(Some(Flags::of(1, tries, true)), Some(Flags::default()));
            disk.change(|_| Ok::<_, std::convert::Infallible>(Edit::slots(slots))).unwrap()
        });
    });
}

fn manifests(c: &mut Criterion) {
    // As many as fit into what a host reads.
    let bytes = manifest(4_000).encode().unwrap();
    let mut group = c.benchmark_group("manifest of 4,000 updates");
    group.sample_size(10);
    group.bench_function("read", |b| {
        b.iter(|| Manifest::parse(black_box(&bytes)).unwrap());
    });
    group.finish();

    let many = manifest(10_000);
    let mut group = c.benchmark_group("manifest of 10,000 updates");
    group.sample_size(10);
    group.bench_function("check", |b| b.iter(|| assert!(black_box(&many).check().is_empty())));
    let (host, policy, failed) = (host(1000), Policy::default(), Failed::default());
    group.bench_function("offer", |b| {
        b.iter(|| {
            let all = candidates(black_box(&many), &host, &policy, &failed, now());
            offer(&all, &host, &policy).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, pieces, decisions, table, manifests);
criterion_main!(benches);
