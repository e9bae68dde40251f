#!/bin/sh
# Builds the image with the tools of a machine that has neither Docker nor a container registry, and tries it out.
#
#   scripts/image.sh [ARCHIVE]     writes a docker-archive to ARCHIVE when one is named
#
# Needs root, debootstrap and buildah (Debian: apt-get install debootstrap buildah). The base image is made by debootstrap
# under the name that the Dockerfile's FROM uses, and kept as a tar file outside the tree; everything else is thrown away.
# npm in the build reaches its registry as npm does here: with this user's configuration, cache and certificates.
set -eu

BASE=debian:bookworm-slim
SUITE=bookworm
IMAGE=docker.io/library/sluice:$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$(dirname "$0")/../package.json")
MAX_OWN_MIB=30
ARCHIVE=${1:-}

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
base_tar=$cache/base-$SUITE-$(dpkg --print-architecture 2> /dev/null || echo unknown).tar

fail() {
    echo "image: $1" >&2
    exit 1
}

for tool in debootstrap buildah; do
    command -v "$tool" > /dev/null || fail "'$tool' is missing: apt-get install $tool"
done
[ "$(id -u)" = 0 ] || fail "must run as root: debootstrap and the chroot need it"
mkdir -p "$cache"

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-image.XXXXXX")
buildah() {
    command buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"
}
cleanup() {
    status=$?
    trap - EXIT
    buildah rm --all > /dev/null 2>&1 || true
    # Whatever is still mounted below the working folder goes first, the deepest one before the others.
    awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
        umount -l "$mount" || true
    done
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

started=$(date +%s)
step() {
    echo "image: $1 ($(($(date +%s) - started)) s)"
}

if [ ! -s "$base_tar" ]; then
    step "making the base with debootstrap"
    debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$work/base" > "$work/debootstrap.log" 2>&1 \
        || { tail -20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
    rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
    mkdir -p "$work/base/var/cache/apt/archives/partial" "$work/base/var/lib/apt/lists/partial"
    tar -C "$work/base" --one-file-system -cf "$base_tar.$$" .
    mv "$base_tar.$$" "$base_tar"
    rm -rf --one-file-system "$work/base"
fi
step "loading the base"
container=$(buildah from scratch)
buildah add -q "$container" "$base_tar" / > /dev/null
buildah commit -q "$container" "docker.io/library/$BASE" > /dev/null
buildah rm "$container" > /dev/null

step "building the image"
# RUN steps are root's, whose home in the image is this.
image_home=/root
set -- --volume "$(npm config get cache 2> /dev/null):$image_home/.npm"
[ -f "$HOME/.npmrc" ] && set -- "$@" --volume "$HOME/.npmrc:$image_home/.npmrc:ro"
[ -d /etc/ssl/certs ] && set -- "$@" --volume /etc/ssl/certs:/etc/ssl/certs:ro
buildah bud --isolation chroot --pull-never --layers=false --build-arg "BASE=$BASE" "$@" -t "$IMAGE" "$root" \
    > "$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; fail "the build failed"; }

step "trying it out"
container=$(buildah from --pull-never "$IMAGE")
user=$(buildah inspect --type image --format '{{.OCIv1.Config.User}}' "$IMAGE")
entry=$(buildah inspect --type image --format '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}' "$IMAGE")
command=$(buildah inspect --type image --format '{{range .OCIv1.Config.Cmd}}{{.}} {{end}}' "$IMAGE")
[ "$user" = 65532:65532 ] || fail "the image runs as '$user', not as 65532:65532"
[ "$command" = "serve " ] || fail "the image's command is '$command', not 'serve'"
run() {
    buildah run --isolation chroot "$container" -- "$@"
}
[ "$(run id -u)" = 65532 ] || fail "a process in the image is not user 65532"
# shellcheck disable=SC2086 # the entry point is several words
run $entry serve --help | grep -- --roles > /dev/null || fail "'serve --help' does not explain --roles"
run touch /app/probe 2> /dev/null && fail "the program may change its own folder"
run sh -c 'command -v npm' > /dev/null 2>&1 && fail "the image contains npm"
buildah rm "$container" > /dev/null

step "measuring"
mkdir "$work/image"
buildah push -q --disable-compression "$IMAGE" "dir:$work/image" > /dev/null
# Without layer caching (slow where every layer is a full copy) all that we add is the last layer: told apart by path.
layer=$(tr -d '\n ' < "$work/image/manifest.json" | sed -n 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/p')
tar -tvf "$work/image/$layer" > "$work/files"
sum() {
    awk "$1"' { bytes += $3 } END { print int(bytes / 1024) }' "$work/files"
}
node=$(sum '/usr\/local\/bin\/node$|libatomic\.so/')
own=$(sum '!/(usr\/local\/bin\/node$|libatomic\.so)/')
echo "image: Node and the library it needs: $node KiB; ours: $own KiB, of at most $((MAX_OWN_MIB * 1024)) KiB"
[ "$node" -gt 0 ] && [ "$own" -gt 0 ] || fail "the last layer does not hold Node and the program"
[ "$own" -le $((MAX_OWN_MIB * 1024)) ] || fail "our part of the image is too large"

if [ -n "$ARCHIVE" ]; then
    rm -f "$ARCHIVE"
    buildah push -q "$IMAGE" "docker-archive:$ARCHIVE:$IMAGE" > /dev/null
    step "written to $ARCHIVE"
fi
step "done"
