#!/usr/bin/env python3
"""Makes the next release of a tree of files, always the same one: change.py TREE [FRACTION=0.05] [SEED=1]

That fraction of the regular files is changed; which of them and how follows from path and seed alone:
  55 %  rebuilt in place: a 16-byte edit for each 6 KiB (relocated addresses, build ids), length as before
  25 %  grown: 1 to 4,095 random bytes inserted in one place, so that the rest moves
  10 %  replaced by other content of the same length, which compresses about 3:1
  10 %  removed
and files are added, 1 % of the count. Every time stamp is set to one value.
"""
import hashlib, os, random, sys


def words(rnd, count, length):
    some = [rnd.randbytes(rnd.randrange(4, 24)) for _ in range(count)]
    out = bytearray()
    while len(out) < length:
        out += rnd.choice(some)
    return out[:length]


def files(tree):
    found = []
    for folder, folders, names in os.walk(tree):
        folders.sort()
        paths = (os.path.join(folder, name) for name in sorted(names))
        found += [os.path.relpath(path, tree) for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    return sorted(found)


def change(path, seed, counts):
    rnd = random.Random(seed)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    kind = rnd.random()
    if kind < 0.55:
        for _ in range(max(1, len(data) // 6144)):
            if len(data) < 32:
                break
            at = rnd.randrange(0, len(data) - 16)
            data[at : at + 16] = rnd.randbytes(16)
        counts["patched"] += 1
    elif kind < 0.80:
        at = rnd.randrange(0, len(data) + 1)
        data[at:at] = rnd.randbytes(rnd.randrange(1, 4096))
        counts["grown"] += 1
    elif kind < 0.90:
        data = words(rnd, 2048, len(data))
        counts["replaced"] += 1
    else:
        os.unlink(path)
        counts["removed"] += 1
        return
    mode = os.stat(path).st_mode & 0o7777
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def add(tree, seed, count):
    folder = os.path.join(tree, "usr/share/added")
    os.makedirs(folder, exist_ok=True)
    rnd = random.Random(seed)
    for number in range(count):
        length = min(4 << 20, int(rnd.lognormvariate(9.5, 1.6)))
        with open(os.path.join(folder, f"f{number:04d}"), "wb") as file:
            file.write(words(rnd, 512, length))


def main():
    tree = sys.argv[1]
    fraction = float(sys.argv[2]) if len(sys.argv) > 2 else 0.05
    seed = sys.argv[3] if len(sys.argv) > 3 else "1"
    all_files = files(tree)
    added = max(1, len(all_files) // 100)
    counts = dict(files=len(all_files), patched=0, grown=0, replaced=0, removed=0, added=added)
    for name in all_files:
        own = hashlib.sha256((seed + "\0" + name).encode()).digest()
        if int.from_bytes(own[:4], "big") / 2**32 < fraction:
            change(os.path.join(tree, name), own, counts)
    add(tree, seed, added)
    for folder, folders, names in os.walk(tree, topdown=False):
        for name in names + folders:
            os.utime(os.path.join(folder, name), (1700000000, 1700000000), follow_symlinks=False)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


main()
