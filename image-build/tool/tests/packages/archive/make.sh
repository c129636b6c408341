#!/bin/sh
# Writes the lists, signs them, exports the key. Needs gpg and faketime.
set -eu
cd "$(dirname "$0")"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
gpg() { faketime '2024-01-02 00:00:00' gpg --homedir "$home" --batch --quiet "$@"; }
gpg --passphrase '' --quick-gen-key 'Archive of the tests' ed25519 sign never
gpg --export >keyring.gpg

stanza() { # name version architecture path-prefix [field…]
    name=$1 version=$2 architecture=$3 prefix=$4
    shift 4
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: nobody\n' "$name" "$version" "$architecture"
    for field; do printf '%s\n' "$field"; done
    file=${version#*:}
    printf 'Filename: %s/%s_%s_%s.deb\nSize: %s\n' "$prefix" "$name" "$file" "$architecture" "$((${#name} * 1000))"
    printf 'SHA256: %s\nDescription: made up\n\n' "$(printf %s "$name $version $architecture" | sha256sum | cut -d' ' -f1)"
}

lists() { # suite folder: writes Packages of each architecture from the function of its name
    for arch in amd64 arm64; do
        mkdir -p "$2/dists/$1/main/binary-$arch"
        "$3" "$arch" >"$2/dists/$1/main/binary-$arch/Packages"
    done
    (
        cd "$2/dists/$1"
        rm -f InRelease
        printf 'Origin: Test\nSuite: %s\nCodename: %s\nDate: Tue, 02 Jan 2024 00:00:00 UTC\n' "$1" "$1" >Release
        printf 'Architectures: amd64 arm64\nComponents: main\nSHA256:\n' >>Release
        for file in main/binary-*/Packages; do
            printf ' %s %s %s\n' "$(sha256sum "$file" | cut -d' ' -f1)" "$(stat -c %s "$file")" "$file" >>Release
        done
        gpg --clearsign --output InRelease Release
        rm Release
    )
}

main() {
    stanza app 1:2.0-1 "$1" pool/main/a 'Depends: libc, awk, shell (>= 5)' 'Recommends: extra'
    stanza libc 2.41-1 "$1" pool/main/l
    stanza data 1.0 all pool/main/d 'Multi-Arch: foreign'
    stanza shell 5.2 "$1" pool/main/s 'Depends: data'
    stanza mawk 1.3 "$1" pool/main/m 'Provides: awk'
    stanza extra 1.0 all pool/main/e
    stanza broken 1.0 all pool/main/b 'Depends: nowhere'
    stanza linux-image-cloud 6.12-1 "$1" pool/main/k "Depends: linux-image-6.12-cloud (= 6.12-1), mawk"
    stanza linux-image-6.12-cloud 6.12-1 "$1" pool/main/k 'Depends: shell'
    if [ "$1" = amd64 ]; then stanza only-amd64 1.0 amd64 pool/main/o; fi
}
updates() { stanza data 1.1 all pool/main/d 'Multi-Arch: foreign'; }
security() {
    stanza libc 2.41-1+deb13u1 "$1" pool/updates/main/l
    stanza shell 5.2 "$1" pool/updates/main/s 'Depends: data'
}

rm -rf debian debian-security
lists trixie debian main
lists trixie-updates debian updates
lists trixie-security debian-security security
