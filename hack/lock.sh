#!/bin/bash
# Pins every dependency with its hashes: requirements/<set>.txt, one file for each place that installs (two images, one workbench).
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/tools/bin/uv}
lock() { local out=$1; shift; "$uv" pip compile -q pyproject.toml "$@" --generate-hashes --python-version 3.11 --no-header -o "requirements/$out.txt"; }
lock dev --all-extras
lock bot --extra bot --extra sim -c requirements/dev.txt       # the images run what the tests ran
lock operator --extra operator -c requirements/dev.txt
echo "hatchling==1.27.0" | "$uv" pip compile -q - --generate-hashes --python-version 3.11 --no-header -o requirements/build.txt # as pyproject.toml's build-system
