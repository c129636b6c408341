//! Releases with the same images under several versions: one release id, and one delta from all of them.

use crate::cli::Desk;
use crate::delta::write_images;

fn same(answer: &serde_json::Value) -> Vec<(&str, &str)> {
    let all = answer["data"]["same"].as_array().unwrap().iter();
    all.map(|one| (one["base"].as_str().unwrap(), one["of"].as_str().unwrap())).collect()
}

fn bases(answer: &serde_json::Value) -> Vec<&str> {
    answer["data"]["deltas"].as_array().unwrap().iter().map(|row| row["base"].as_str().unwrap()).collect()
}

#[test]
fn the_same_images_are_no_base_of_themselves_and_one_base_of_others() {
    let desk = Desk::new();
    for (version, images) in [("1.0.0", 1), ("1.1.0", 1), ("1.2.0", 2), ("1.3.0", 2), ("1.4.0", 3)] {
        write_images(&desk.path().join(version), version, images);
    }
    for line in ["--repo r init", "--repo r key new k --role all", "--repo r release add 1.0.0 --level 3"] {
        desk.done(line);
    }
    let twin = desk.json("--repo r release add 1.1.0 --level 3 --delta-from 1");
    assert_eq!((bases(&twin), same(&twin)), (vec![], vec![("1.0.0", "1.1.0")]), "{twin}");
    let alone = desk.output("--repo r delta add --version 1.1.0 --from 1.0.0");
    assert_eq!(alone.status.code(), Some(10));
    let said = String::from_utf8(alone.stdout).unwrap();
    assert!(said.starts_with("1.0.0 is left out: it has the same images as 1.1.0\n"), "{said}");
    assert!(said.contains("no earlier release with other images to start from"), "{said}");

    let once = desk.json("--repo r release add 1.2.0 --level 3 --delta-from 2");
    assert_eq!((bases(&once), same(&once)), (vec!["1.1.0"; 3], vec![("1.0.0", "1.1.0")]), "{once}");
    let again = desk.json("--repo r delta add --version 1.2.0 --from 1.0.0 1.1.0 --level 3");
    assert_eq!((again["exit"].as_i64(), again["data"]["made"].as_array().unwrap().len()), (Some(10), 0));

    // The last one that has other images, and the one before it: two ways for hosts, whatever lies between.
    let past = desk.json("--repo r release add 1.3.0 --level 3 --delta-from 1");
    assert_eq!((bases(&past), same(&past)), (vec!["1.1.0"; 3], vec![("1.2.0", "1.3.0"), ("1.0.0", "1.1.0")]));
    let two = desk.json("--repo r release add 1.4.0 --level 3 --delta-from 2");
    let mut from = bases(&two);
    from.sort_unstable();
    assert_eq!(from, ["1.1.0", "1.1.0", "1.1.0", "1.3.0", "1.3.0", "1.3.0"]);
    assert_eq!(same(&two), [("1.2.0", "1.3.0"), ("1.0.0", "1.1.0")]);

    // By either version.
    desk.done("--repo r delta remove --version 1.2.0 --from 1.0.0");
    for line in ["--repo r sign --key k", "--repo r publish public", "validate public"] {
        desk.done(line);
    }
}
