# shellcheck shell=bash
# Everything, in reading order: one file a concern.
lib=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib/common.sh
. "$lib/common.sh"
# shellcheck source=lib/engine.sh
. "$lib/engine.sh"
# shellcheck source=lib/binaries.sh
. "$lib/binaries.sh"
# shellcheck source=lib/images.sh
. "$lib/images.sh"
# shellcheck source=lib/registry.sh
. "$lib/registry.sh"
# shellcheck source=lib/kind.sh
. "$lib/kind.sh"
