//! What a slot's files must be, and what becomes of a slot whose files are not.

use boot_manifest::Manifest;
use partition_core::{Flags, Slot, Slots};
use updog_boot::{FileError, FileName, StartError};

use crate::machine::{End, Event, Files, Machine, Signer, Stage, boot_files, flags, manifest};

/// B is armed, A confirmed.
fn armed() -> Slots {
    Slots::new(Some(Flags::of(1, 7, true)), Some(Flags::of(2, 3, false)))
}

type Damage = Box<dyn Fn(&mut Files)>;

/// A way to damage B: what it is, the word for it.
type Case = (&'static str, &'static str, Damage);

fn case(name: &'static str, word: &'static str, damage: impl Fn(&mut Files) + 'static) -> Case {
    (name, word, Box::new(damage))
}

/// The file is gone.
fn remove(name: FileName) -> impl Fn(&mut Files) {
    move |files| drop(files.remove(&name))
}

/// The file is something else.
fn put(name: FileName, content: Result<Vec<u8>, FileError>) -> impl Fn(&mut Files) {
    move |files| drop(files.insert(name, content.clone()))
}

/// The file is changed.
fn edit(name: FileName, change: impl Fn(&mut Vec<u8>)) -> impl Fn(&mut Files) {
    move |files| match files.get_mut(&name) {
        Some(Ok(bytes)) => change(bytes),
        _ => panic!("{name} is there"),
    }
}

/// B's manifest, changed, then signed again.
fn resigned<T: Fn(&mut Manifest)>(signer: &Signer, change: T) -> impl Fn(&mut Files) + use<T> {
    let mut manifest = manifest(&[b'B'; 3000], &[b'b'; 2000]);
    change(&mut manifest);
    let bytes = manifest.encode(&[signer.sign(&manifest)]).expect("the manifest can be written");
    put(FileName::Manifest, Ok(bytes))
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8_lossy(bytes).replacen(from, to, 1);
    assert_ne!(text.as_bytes(), bytes, "{from} is there");
    *bytes = text.into_bytes();
}

fn damages(signer: &Signer) -> Vec<Case> {
    use FileName::{Initrd, Kernel};
    let mut cases = manifest_damages(signer);
    for (file, word, length) in [(Kernel, "kernel", 3000), (Initrd, "initrd", 2000)] {
        cases.extend([
            case("a missing file", "unloadable", remove(file)),
            case("a file that ends early", "unloadable", put(file, Err(FileError::Unreadable))),
            case("a file larger than memory", "unloadable", put(file, Err(FileError::Memory))),
            case("an empty file", word, put(file, Ok(Vec::new()))),
            case("garbage of the right length", word, put(file, Ok(vec![0x5a; length]))),
            case("a shorter file", word, edit(file, move |bytes| bytes.truncate(length - 1))),
            case("a longer file", word, edit(file, |bytes| bytes.push(0))),
            case("one bit", word, edit(file, |bytes| bytes[1234] ^= 0x10)),
        ]);
    }
    cases
}

fn manifest_damages(signer: &Signer) -> Vec<Case> {
    let file = FileName::Manifest;
    let long = |manifest: &mut Manifest| {
        manifest.cmdline = "x".repeat(1536);
        manifest.salt = vec![0x5a; 256];
    };
    vec![
        case("no manifest", "manifest", remove(file)),
        case("an empty manifest", "manifest", put(file, Ok(Vec::new()))),
        case("a manifest of zeros", "manifest", put(file, Ok(vec![0; 600]))),
        case(
            "a manifest over its limit",
            "manifest",
            put(file, Ok(vec![b'x'; boot_manifest::MAX_LENGTH + 1])),
        ),
        case("an unreadable manifest", "unloadable", put(file, Err(FileError::Unreadable))),
        case("a manifest that is cut", "manifest", edit(file, |bytes| bytes.truncate(bytes.len() - 1))),
        case("another format", "manifest", edit(file, |bytes| replace(bytes, "format=1", "format=2"))),
        case("no signature", "manifest", edit(file, |bytes| bytes.truncate(bytes.len() - SIGNATURE_LINE))),
        case("another key", "signature", resigned(&Signer::new(9), |_| ())),
        case(
            "a changed signature",
            "signature",
            edit(file, |bytes| {
                let last = bytes.len() - 2;
                bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
            }),
        ),
        case("a changed command line", "signature", edit(file, |bytes| replace(bytes, "quiet", "quieT"))),
        case(
            "another root hash",
            "signature",
            edit(file, |bytes| replace(bytes, "root_hash=ab", "root_hash=ac")),
        ),
        case(
            "another machine",
            "manifest",
            resigned(signer, |manifest| "riscv64".clone_into(&mut manifest.arch)),
        ),
        case("a command line that a kernel would cut", "manifest", resigned(signer, long)),
    ]
}

/// `sig=<16> <128>` and the line's end.
const SIGNATURE_LINE: usize = 4 + 16 + 1 + 128 + 1;

#[test]
fn a_damaged_slot_is_left_with_its_reason() {
    let signer = Signer::new(1);
    for (name, word, damage) in damages(&signer) {
        let mut machine = Machine::signed(armed(), &signer);
        damage(machine.files(Slot::B));
        let end = machine.boot_up(&[signer.key()]);
        assert_eq!(end.slot(), Some(Slot::A), "{name}");
        let End::Runs(start) = end else { unreachable!() };
        let skipped = format!(" updog.hash_offset=4096 updog.skipped=B:{word}");
        assert!(start.cmdline.ends_with(&skipped), "{name}: {}", start.cmdline);
        assert_eq!(start.initrd, Some(vec![b'a'; 2000]), "{name}");
        assert!(machine.said(&format!("slot B skipped: {word}: ")), "{name}: {:?}", machine.lines);
        // B has lost the try that was spent on it and nothing more; A has spent its own.
        let after = Slots::new(Some(Flags::of(1, 6, true)), Some(Flags::of(2, 2, false)));
        assert_eq!(flags(&machine.durable), Some(after), "{name}");
        // Never more than was signed, or than a manifest may have.
        let bound = |file| match file {
            FileName::Manifest => boot_manifest::MAX_LENGTH,
            FileName::Kernel => 3000,
            FileName::Initrd => 2000,
        };
        assert!(
            machine.handed.iter().all(|&(file, length)| length <= bound(file)),
            "{name}: {:?}",
            machine.handed
        );
        // Nothing of B came near the firmware.
        assert!(
            !machine
                .events
                .iter()
                .any(|event| matches!(event, Event::Load(kernel) if kernel != &[b'A'; 3000])),
            "{name}"
        );
    }
}

#[test]
fn both_damaged_starts_nothing() {
    let signer = Signer::new(1);
    for (name, _, damage) in damages(&signer) {
        let mut machine = Machine::signed(armed(), &signer);
        damage(machine.files(Slot::B));
        // A holds the files of B here, so the same damage fits.
        *machine.files(Slot::A) = boot_files(Slot::B, &signer);
        damage(machine.files(Slot::A));
        assert_eq!(machine.boot_up(&[signer.key()]), End::Restarted, "{name}");
        assert_eq!(machine.starts().count(), 0, "{name}");
    }
}

#[test]
fn any_of_the_keys_will_do_and_one_good_signature_among_others() {
    let (one, two, other) = (Signer::new(1), Signer::new(2), Signer::new(3));
    for signers in [vec![&one], vec![&two], vec![&other, &two], vec![&other, &one, &two]] {
        let mut machine = Machine::signed(armed(), &other);
        let manifest = manifest(&[b'B'; 3000], &[b'b'; 2000]);
        let signatures: Vec<_> = signers.iter().map(|signer| signer.sign(&manifest)).collect();
        machine.files(Slot::B).insert(FileName::Manifest, Ok(manifest.encode(&signatures).unwrap()));
        assert_eq!(machine.boot_up(&[one.key(), two.key()]).slot(), Some(Slot::B));
    }
}

#[test]
fn no_file_system() {
    let signer = Signer::new(1);
    let mut machine = Machine::signed(armed(), &signer).without_file_system(Slot::B);
    let end = machine.boot_up(&[signer.key()]);
    assert_eq!(end.slot(), Some(Slot::A));
    assert!(machine.said("slot B skipped: unloadable: boot.manifest: no file system"), "{:?}", machine.lines);
}

#[test]
fn the_firmware_refuses_a_kernel() {
    let signer = Signer::new(1);
    let cases = [
        (Stage::Load, StartError::Failed(3), "unloadable", "the firmware reports error 3"),
        (Stage::Load, StartError::SecureBoot, "secure_boot", "the firmware refused the kernel's signature"),
        (Stage::Start, StartError::SecureBoot, "secure_boot", "the firmware refused the kernel's signature"),
        (Stage::Start, StartError::Failed(0), "unloadable", "the kernel came back"),
    ];
    for (stage, error, word, detail) in cases {
        let mut machine = Machine::signed(armed(), &signer);
        machine.refuses.insert(b'B', (stage, error));
        let End::Runs(start) = machine.boot_up(&[signer.key()]) else { panic!("{stage:?}: A runs") };
        assert_eq!((start.kernel[0], start.initrd), (b'A', Some(vec![b'a'; 2000])), "{stage:?}");
        assert!(start.cmdline.ends_with(&format!(" updog.skipped=B:{word}")), "{}", start.cmdline);
        assert!(machine.said(&format!("slot B skipped: {word}: {detail}")), "{:?}", machine.lines);
        if stage == Stage::Start {
            // The fake refuses a second offer; here the order is seen as well.
            let at = |wanted: fn(&Event) -> bool| machine.events.iter().position(wanted).unwrap();
            let withdrawn = at(|event| matches!(event, Event::Withdraw));
            assert!(withdrawn < at(|event| matches!(event, Event::Load(kernel) if kernel[0] == b'A')));
        }
    }
}
