"""`tradefleet crds`: write what is generated from the resource types, or check that what is written is current."""

import argparse
import sys
from pathlib import Path
from typing import Final

from tradefleet_console.cli import Subparsers

_HEADER: Final = "# Generated from the types in crds/tradefleet_api/ by `make crds`; do not edit.\n"


def add_commands(groups: Subparsers) -> None:
    """Add `tradefleet crds`."""
    command = groups.add_parser("crds", help="write the CustomResourceDefinitions and their reference pages")
    command.add_argument("--check", action="store_true", help="write nothing; fail where a file is not current")
    command.add_argument("--out", type=Path, default=Path("crds"), help="folder of the YAML files (default: crds)")
    command.add_argument("--chart", type=Path, help="also write the YAML files to this folder of a Helm chart")
    command.add_argument("--docs", type=Path, help="also write the reference pages to this folder")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write or check; 1 where `--check` finds a file that differs."""
    from tradefleet_api.refusal import RefusedError

    wanted = generated(args.out, args.chart, args.docs)
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    if args.check and stale:
        raise RefusedError(f"{', '.join(map(str, stale))}: not what the types say; run `make crds` and commit it")
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        print(path, file=sys.stderr)
    return 0


def generated(out: Path, chart: Path | None = None, docs: Path | None = None) -> dict[Path, str]:
    """Each generated file with its text."""
    import yaml

    from tradefleet_api.reference import page
    from tradefleet_api.resources import RESOURCES

    files: dict[Path, str] = {}
    for resource in RESOURCES:
        text = _HEADER + yaml.safe_dump(resource.crd(), sort_keys=False, width=120, allow_unicode=True)
        for folder in (out, chart):
            if folder is not None:
                files[folder / f"{resource.plural}.yaml"] = text
        if docs is not None:
            files[docs / f"{resource.kind.lower()}.md"] = page(resource)
    return files
