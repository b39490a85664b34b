#!/usr/bin/env bash
# Builds the Dockerfile where no registry of images can be reached, labels the demo's files in what
# it gives, without a network, by the command line and by a pool of workers, hands a night over as
# the launcher does, and holds the results against one that was made outside.
#
# Needs root, buildah, debootstrap and Go. Three stand-ins take the places of its bases:
#   Python     Debian bookworm and its Python 3.11, by debootstrap
#   Beam       /opt/apache/beam/boot, built from the same version's source
#   launcher   launcher.sh beside this file
#
#   prove.sh OUTSIDE     OUTSIDE is the output of `emonet label` over the demo, with its night 0
set -euo pipefail
outside=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
beam=2.77.0
image=localhost/emonet
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

image_of() { # NAME FOLDER: an image of nothing but a folder's content
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$2" / > "$made/added"
  buildah commit --quiet --rm "$container" "$1" > "$made/committed"
}

if ! buildah inspect --type image localhost/python > "$made/inspected" 2>&1; then
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
    bookworm "$made/python" > "$made/debootstrap.log"
  image_of localhost/python "$made/python"
fi
GOBIN="$made/boot" go install "github.com/apache/beam/sdks/v2/python/container@v$beam"
install -D "$made/boot/container" "$made/beam/opt/apache/beam/boot"
image_of localhost/beam "$made/beam"
install -D "$here/launcher.sh" "$made/launcher/opt/google/dataflow/python_template_launcher"
image_of localhost/launcher "$made/launcher"

# how this machine reaches PyPI is lent to the build and is not kept
lent=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
[[ -f /etc/pip.conf ]] && lent+=(--volume /etc/pip.conf:/etc/pip.conf:ro)
buildah build --quiet --isolation chroot --layers "${lent[@]}" --tag "$image" \
  --build-arg PYTHON=localhost/python --build-arg BEAM=localhost/beam \
  --build-arg LAUNCHER=localhost/launcher "$root"

mkdir "$made/inside"
cp "$here/inside.sh" "$made/inside"
chown 10001 "$made/inside"
container=$(buildah from "$image")
trap 'buildah rm "$container" > /dev/null; rm -rf "$made"' EXIT
# a network namespace of its own has no way out, and needs its loopback for the engine alone
unshare --net sh -c 'ip link set lo up && exec "$@"' - buildah run --isolation chroot \
  --hostname localhost --volume "$root/demo:/home/emonet/demo:ro" --volume "$made/inside:/out" \
  "$container" -- bash /out/inside.sh
"$root/.venv/bin/python" - "$outside" "$made/inside/alone" "$made/inside/pool" << 'END'
import sys
from beam_pipeline.output.manifest import read_manifests, written_bytes
from beam_pipeline.storage import storage_of
manifests = {output: read_manifests(output)["0"] for output in sys.argv[1:]}
outside, *inside = (written_bytes(storage_of(output), one) for output, one in manifests.items())
assert all(one == outside for one in inside), "the image gives other bytes"
utterances = manifests[sys.argv[1]]["counts"]["utterances"]
print(f"{utterances} utterances in the image: the same bytes as outside")
END
