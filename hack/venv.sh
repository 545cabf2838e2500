#!/bin/bash
# The workbench: .venv with the locked dependencies and this project, editable. Does nothing when it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/.locked want=$(cat requirements/dev.txt pyproject.toml hack/venv.sh | sha256sum)
[ "$(cat $stamp 2>/dev/null)" = "$want" ] && exit 0
echo "[$(date +%T)] workbench: locked dependencies into .venv (a minute or two the first time)"
python=${PYTHON:-python3.11}
command -v "$python" >/dev/null || { echo "Python 3.11 is missing: install it, or name one with PYTHON=…" >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv || { echo "python venv is missing: apt-get install python3-venv" >&2; exit 1; }
[ -x .venv/tools/bin/uv ] || { "$python" -m venv .venv/tools && .venv/tools/bin/pip install -q "uv==0.13.9"; }
export UV_HTTP_TIMEOUT=180 VIRTUAL_ENV="$PWD/.venv"
.venv/tools/bin/uv pip sync -q --compile-bytecode --require-hashes requirements/dev.txt
.venv/tools/bin/uv pip install -q --no-deps -e .
echo "$want" >$stamp
