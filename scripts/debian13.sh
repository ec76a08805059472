#!/usr/bin/env bash
# Builds Latentloom in a bare Debian 13 and runs the whole suite there (debian-root.sh). Needs root and debootstrap.
set -euo pipefail
exec "$(dirname "$0")/debian-root.sh" trixie scripts/test.sh
