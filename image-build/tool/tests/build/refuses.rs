//! Bad input: one clear error with what to do, and nothing half-written.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::workshop::{RECIPE, Workshop, elf, pe, refusal, run};

/// Nothing is left of a build that failed.
fn left(out: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(out) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn recipes_that_make_no_image() {
    let cases = [
        (("[size]", "[siez]"), "unknown key siez", "did you mean size?"),
        (("modules =", "module ="), "unknown key kernel.module", "did you mean kernel.modules?"),
        (("esp = \"2M\"", "esp = \"2Q\""), "size.esp: failed to parse a size", "docs/image.md"),
        (("/usr/bin/updog-tiny\"", "usr/bin/updog-tiny\""), "init: expected a path from /", "docs/image.md"),
        (
            ("\"dm_verity\"", "\"dm_verty\""),
            "failed to find kernel module dm_verty",
            "did you mean dm_verity?",
        ),
        (("[\"updog-tiny\"]", "[\"bash\"]"), "failed to install program \"bash\"", "a [[file]] with source"),
        (("text = \"hello\\n\"", "source = \"nowhere\""), ", the source of /etc/motd", "the recipe's folder"),
        (("text = \"hello\\n\"", ""), "expected either text or source for /etc/motd", "docs/image.md"),
        (
            ("text = \"hello\\n\"", "text = \"#!/bin/sh\\n\""),
            "failed the audit of the root",
            "leave the file out, with remove",
        ),
        (
            ("text = \"hello\\n\"", "source = \"large\""),
            "the recipe's size.root is 2M",
            "set size.root to \"4M\"",
        ),
        (
            ("[size]", "[units]\nmasked = [\"../x.service\"]\n[size]"),
            "units.masked: expected units as in \"check.timer\", found \"../x.service\"",
            "docs/image.md",
        ),
        (
            ("data = \"16M\"", "data = \"9000G\""),
            "size.data: expected a size above 0 and at most 8192G, found \"9000G\"",
            "docs/image.md",
        ),
        (
            ("\"erofs\", \"dm_verity\"", "\"erofs\""),
            "expected dm_verity, which checks the root, among them or built into the kernel",
            "add \"dm_verity\" to kernel.modules",
        ),
        (
            ("\"erofs\", \"dm_verity\"", "\"dm_verity\""),
            "expected erofs, which mounts the root",
            "add \"erofs\" to kernel.modules",
        ),
        (
            ("cmdline = \"ro\"", "cmdline = \"updog.watchdog=0\""),
            "expected updog.watchdog to be 1 to 3600 seconds",
            "change cmdline in the recipe",
        ),
        (("boot = \"2M\"", "boot = \"1M\""), "failed to fit the boot image", "set size.boot"),
        (("linux-image-test\" }", "linux-image-new\" }"), "kernel", "--update-lock"),
        (
            ("init = \"/usr/bin/updog-tiny\"", "init = \"/usr/bin/updog-tinny\""),
            "failed to accept init /usr/bin/updog-tinny: it is not in the root",
            "did you mean /usr/bin/updog-tiny?",
        ),
        (
            ("init = \"/usr/bin/updog-tiny\"", "init = \"/etc/motd\""),
            "failed to accept init /etc/motd: it may not be executed",
            "a [[file]] brings",
        ),
        (
            (
                "[size]",
                "[units]\nenabled = [\"chek@a.timer\"]\n[[file]]\npath = \"/usr/lib/systemd/system/check@.timer\"\ntext = \"\"\n[size]",
            ),
            "failed to accept chek@a.timer in units.enabled: no unit of this name",
            "did you mean check@.timer?",
        ),
        (
            ("[size]", "[units]\ndefault = \"multi-user.target\"\n[size]"),
            "failed to accept multi-user.target in units.default",
            "a [[file]] brings",
        ),
        (
            ("path = \"/etc/motd\"", "path = \"/usr/bin\""),
            "failed to write /usr/bin: a folder is in its place",
            "another path",
        ),
        (
            ("path = \"/etc/motd\"", "path = \"/usr/bin/updog-tiny/x\""),
            "failed to write /usr/bin/updog-tiny: a file is in its place",
            "another path",
        ),
        (("[kernel]", "epoch = 4294967296\n[kernel]"), "epoch: expected seconds since 1970", "docs/image.md"),
    ];
    for ((from, to), error, hint) in cases {
        assert!(RECIPE.contains(from), "{from}");
        let recipe = RECIPE.replace(from, to);
        let recipe = if error.contains("size.root") {
            recipe.replace("root = \"8M\"", "root = \"2M\"")
        } else {
            recipe
        };
        let workshop = Workshop::with(&recipe);
        // A kernel too large for a small BOOT.
        if error.contains("boot image") {
            let large = [elf("updog-init"), fs::read(workshop.at("large")).unwrap()].concat();
            fs::write(workshop.at("programs/updog-init"), large).unwrap();
        }
        let out = workshop.at("out");
        let output = workshop.build(&out, &[]);
        let said = refusal(&output, 2);
        assert!(said.contains(error) && said.contains(hint), "{to}: {said}");
        assert!(!out.exists(), "{to}: {:?}", left(&out));
    }
}

#[test]
fn a_missing_tool_is_named_with_its_package() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &[]).status.success());
    let before = fs::read_to_string(out.join("build.json")).unwrap();
    for (program, package) in [("mkfs.erofs", "erofs-utils"), ("mformat", "mtools"), ("mcopy", "mtools")] {
        let tools = workshop.at(program);
        fs::create_dir(&tools).unwrap();
        for other in ["mkfs.erofs", "mformat", "mmd", "mcopy", "xz", "dpkg-deb"]
            .iter()
            .filter(|other| **other != program)
        {
            symlink(Path::new("/usr/bin").join(other), tools.join(other)).unwrap();
        }
        let words = workshop.words(&out);
        let (first, rest) = words.split_first().unwrap();
        let output = Command::new(first).args(rest).env("PATH", &tools).output().unwrap();
        let said = refusal(&output, 50);
        let expected =
            format!("error: failed to find {program}: it is not in PATH\nhint: apt-get install {package}");
        assert_eq!(said, expected);
    }
    assert_eq!(fs::read_to_string(out.join("build.json")).unwrap(), before, "what was built stays");
    assert!(!left(&out).contains(&".partial".to_owned()));
}

#[test]
fn all_missing_tools_are_named_at_once() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let words = workshop.words(&out);
    let (first, rest) = words.split_first().unwrap();
    let output = Command::new(first).args(rest).arg("--qcow2").env("PATH", "").output().unwrap();
    let expected = "error: failed to find mkfs.erofs, veritysetup, mke2fs, mformat, mmd, mcopy, xz, dpkg-deb, qemu-img: they are not in PATH\n\
                    hint: apt-get install cryptsetup-bin dpkg e2fsprogs erofs-utils mtools qemu-utils xz-utils";
    assert_eq!(refusal(&output, 50), expected);
    assert!(!out.exists());
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let workshop = Workshop::with(&RECIPE.replace("text = \"hello\\n\"", "source = \"large\""));
    let full = workshop.at("full");
    fs::create_dir(&full).unwrap();
    // Sizes at which different steps fail: the tree, mkfs.erofs, the disk. The root has a file of 3 MiB.
    let steps = ["tree/", "mkfs.erofs", "write the boot image"];
    for (size, step) in ["64k", "4m", "6500k"].into_iter().zip(steps) {
        let build: Vec<String> =
            workshop.words(&full.join("out")).iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "mount -t tmpfs -o size={size} none '{0}' && {{ {1}; code=$?; ls -A '{0}'; exit $code; }}",
            full.display(),
            build.join(" ")
        );
        let words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script];
        let output = run(&words.map(str::to_owned), &[]);
        let said = refusal(&output, 40);
        let hint = "hint: make room on the file system of --out";
        assert!(said.contains(step) && said.contains(hint), "{size}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{size}: left behind");
    }
}

#[test]
fn a_release_takes_no_test_key() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let said = refusal(&workshop.build(&out, &["--release"]), 30);
    assert!(said.contains("expected a signing key, found none"), "{said}");
    let test = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot/keys/test-1.pem");
    let said = refusal(&workshop.build(&out, &["--release", "--signing-key", test]), 30);
    assert!(said.contains("it is a test key"), "{said}");

    let own = workshop.at("own.pem");
    let openssl =
        Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&own).output();
    assert!(openssl.unwrap().status.success());
    let key = ["--signing-key", own.to_str().unwrap()];
    let said = refusal(&workshop.build(&out, &key), 30);
    assert!(said.contains("it holds no key of those that sign"), "{said}");

    // A selector that holds the key, but a test key too.
    let public =
        Command::new("openssl").args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&own).output();
    let public = public.unwrap().stdout;
    let public = &public[public.len() - 32..];
    let selector = workshop.at("programs/updog-boot.efi");
    let both = [&fs::read(&selector).unwrap(), public].concat();
    fs::write(&selector, both).unwrap();
    let with_both = workshop.build(&out, &["--release", key[0], key[1]]);
    assert!(refusal(&with_both, 30).contains("a selector with key "));
    fs::write(&selector, [&*pe("selector"), public].concat()).unwrap();
    assert!(workshop.build(&out, &["--release", key[0], key[1]]).status.success());
    assert!(!fs::read_to_string(out.join("build.json")).unwrap().contains("\"test_keys\": true"));
}

#[test]
fn programs_of_another_machine_are_refused() {
    let workshop = Workshop::new();
    let mut arm_elf = elf("");
    arm_elf[18] = 183;
    let mut arm_pe = pe("");
    arm_pe[0x45] = 0xaa;
    let cases = [
        ("updog", arm_elf, "a program for x86_64, found one for aarch64"),
        ("updog-boot.efi", arm_pe, "a program for x86_64, found one for aarch64"),
        ("updog-boot.efi", elf(""), "an EFI program for x86_64"),
        ("updog-init", b"#!/bin/sh\n".to_vec(), "an ELF program for x86_64"),
    ];
    for (name, program, expected) in cases {
        let path = workshop.at("programs").join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, program).unwrap();
        let said = refusal(&workshop.build(&workshop.at("out"), &[]), 2);
        assert!(said.contains(&format!("{name}: expected {expected}")), "{said}");
        fs::write(&path, before).unwrap();
    }
}

#[test]
fn two_builds_do_not_write_to_one_folder() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    fs::create_dir(&out).unwrap();
    let held = fs::File::open(&out).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let said = refusal(&workshop.build(&out, &[]), 50);
    assert!(said.contains("another build writes there"), "{said}");
}

#[test]
fn words_and_times_that_do_not_fit() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let said = refusal(&workshop.build(&out, &["--cmdline", &"x".repeat(1500)]), 2);
    assert!(said.contains("expected at most 1536 bytes, found 16"), "{said}");
    assert!(said.contains("hint: shorten cmdline"), "{said}");
    let said = refusal(&workshop.build(&out, &["--cmdline", "updog.slot=A"]), 2);
    assert!(said.contains("updog.slot on the command line: only the selector says it"), "{said}");
    let said = refusal(&workshop.build(&out, &["--cmdline", "updog.init=/usr/bin/nothing"]), 2);
    assert!(said.contains("failed to accept init /usr/bin/nothing: it is not in the root"), "{said}");
    for epoch in ["abc", "", "-1", "4294967296", "99999999999999999999"] {
        let words = workshop.words(&out);
        let (first, rest) = words.split_first().unwrap();
        let output = Command::new(first).args(rest).env("SOURCE_DATE_EPOCH", epoch).output().unwrap();
        let said = refusal(&output, 2);
        assert!(
            said.contains("SOURCE_DATE_EPOCH: expected seconds since 1970, at most 4294967295"),
            "{said}"
        );
    }
    assert!(!out.exists());
}

#[test]
fn our_programs_need_their_sources() {
    let workshop = Workshop::new();
    let words = workshop.words(&workshop.at("out"));
    let at = words.iter().position(|word| word == "--programs").unwrap();
    let words = [&words[1..at], &words[at + 2..]].concat();
    let output =
        Command::new(workshop.at("updog-image")).args(words).current_dir(workshop.at("")).output().unwrap();
    let said = refusal(&output, 2);
    assert!(said.contains("failed to find updog's sources") && said.contains("--programs DIR"), "{said}");
}

#[test]
fn what_no_build_made_is_not_replaced() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    fs::create_dir_all(out.join("release")).unwrap();
    fs::write(out.join("release/mine"), "mine").unwrap();
    let said = refusal(&workshop.build(&out, &[]), 50);
    assert!(said.contains("release is there, and no build made it"), "{said}");
    assert!(said.contains("hint: name another folder with --out"), "{said}");
    fs::remove_dir_all(out.join("release")).unwrap();
    assert!(workshop.build(&out, &[]).status.success());
    for mine in ["release/mine", "disk.qcow2"] {
        fs::write(out.join(mine), "mine").unwrap();
        let said = refusal(&workshop.build(&out, &[]), 50);
        assert!(said.contains(&format!("{mine} is there")), "{said}");
        assert_eq!(fs::read_to_string(out.join(mine)).unwrap(), "mine");
        fs::remove_file(out.join(mine)).unwrap();
    }
    assert!(workshop.build(&out, &[]).status.success());
}

/// `--programs` brings a selector that is there already: the recipe's keys are asked for all the same.
#[test]
fn a_given_selector_holds_all_keys_of_the_recipe() {
    let workshop = Workshop::with(&RECIPE.replace("[kernel]", "keys = \"own.keys\"\n[kernel]"));
    let out = workshop.at("out");
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot/keys/test.keys");
    fs::copy(tests, workshop.at("own.keys")).unwrap();
    let said = refusal(&workshop.build(&out, &[]), 30);
    assert!(said.contains("it does not hold key ") && said.contains("UPDOG_BOOT_KEYS"), "{said}");
    fs::write(workshop.at("own.keys"), "release 00\n").unwrap();
    let said = refusal(&workshop.build(&out, &[]), 2);
    assert!(said.contains("line 1: expected test or release"), "{said}");
    let first = format!("test {}\n", hex::encode(crate::workshop::test_key()));
    fs::write(workshop.at("own.keys"), &first).unwrap();
    let said = refusal(&workshop.build(&out, &[]), 2);
    assert!(said.contains("expected two keys at least"), "{said}");
    let second = [0x5a; 32];
    fs::write(workshop.at("own.keys"), format!("{first}release {}\n", hex::encode(second))).unwrap();
    let selector = fs::read(workshop.at("programs/updog-boot.efi")).unwrap();
    fs::write(workshop.at("programs/updog-boot.efi"), [&*selector, &second].concat()).unwrap();
    assert!(workshop.build(&out, &[]).status.success());
}
