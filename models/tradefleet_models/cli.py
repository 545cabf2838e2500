"""`tradefleet models …`: train, evaluate, verify, fetch, inspect and publish bundles.

`verify` and `fetch` run in the bot's image, which holds no training library: every import of one stays in its function.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tradefleet_api.refusal import RefusedError

if TYPE_CHECKING:
    from tradefleet_api.bundle import Bundle


class FileError(RefusedError):
    """A file that cannot be read or written."""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group `models`."""
    group = subparsers.add_parser("models", help="train, verify and publish model bundles")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    train = commands.add_parser("train", help="train a bundle (needs the train extra)")
    train.add_argument("--config", type=Path, required=True, help="TOML file, such as models/configs/demo-v1.toml")
    train.add_argument("--out", type=Path, required=True, help="the bundle to write")
    train.set_defaults(run=_train)

    verify = commands.add_parser("verify", help="check a bundle as the bot does: digests, schema, golden vector")
    verify.add_argument("bundle", type=Path)
    verify.add_argument("--sha256", help="the digest it must have")
    verify.add_argument("--json", action="store_true", help="one line of JSON: digest, features, decisionInterval")
    verify.set_defaults(run=_verify)

    fetch = commands.add_parser("fetch", help="bring a bundle to a file and hold it to its digest")
    fetch.add_argument("--uri", required=True, help="https://…, configmap://NAME/KEY or pvc://CLAIM/PATH")
    fetch.add_argument("--sha256", required=True)
    fetch.add_argument("--out", type=Path, required=True)
    fetch.set_defaults(run=_fetch)

    inspect = commands.add_parser("inspect", help="a bundle's manifest and digest, as JSON")
    inspect.add_argument("bundle", type=Path)
    inspect.set_defaults(run=_inspect)

    manifest = commands.add_parser("manifest", help="ConfigMap and ModelVersion of a bundle, as YAML")
    manifest.add_argument("bundle", type=Path)
    manifest.add_argument("--name", required=True, help="of the ModelVersion; the ConfigMap is model-NAME")
    manifest.add_argument("--namespace")
    manifest.set_defaults(run=_manifest)

    index = commands.add_parser("index", help="verify every bundle in a folder and write their digests to index.json")
    index.add_argument("folder", type=Path)
    index.set_defaults(run=_index)

    evaluate = commands.add_parser("evaluate", help="judge a bundle on a recording, as JSON")
    evaluate.add_argument("--bundle", type=Path, required=True)
    evaluate.add_argument("--data", type=Path, required=True, help="raw frames, such as a recording of the simulator")
    evaluate.add_argument("--symbol", default="BTCUSDT")
    evaluate.add_argument("--fee-bps", type=float, action="append", help="fee for the net profit; may be repeated")
    evaluate.set_defaults(run=_evaluate)


def _train(args: argparse.Namespace) -> int:
    try:
        from tradefleet_models.train import config, pipeline  # noqa: PLC0415 - torch and friends are only for training
    except ModuleNotFoundError as error:
        raise RefusedError(f"training needs the train extra: {error.name} is not installed") from error
    recipe = config.read(args.config)
    data = pipeline.train(recipe, lambda line: _say(f"{recipe.name}: {line}"))
    _write(args.out, data)
    bundle = _read(args.out, None)
    sys.stdout.write(f"{bundle.digest}  {args.out}\n")
    return 0


def _verify(args: argparse.Namespace) -> int:
    bundle = _read(args.bundle, args.sha256)
    from tradefleet_bot.core import inference  # noqa: PLC0415 - onnxruntime takes its time, and a bad tar needs none of it

    inference.load(bundle)
    manifest = bundle.manifest
    if args.json:
        report = {
            "digest": bundle.digest,
            "features": list(manifest.features),
            "decisionInterval": manifest.decision_interval,
        }
        line = json.dumps(report, separators=(",", ":"))
        sys.stdout.write(f"{line}\n")
        if place := os.environ.get("TRADEFLEET_TERMINATION_LOG"):  # Kubernetes hands on what stands in this file
            Path(place).write_text(line)
    else:
        sys.stdout.write(f"{args.bundle}: {manifest.name}, verified, sha256 {bundle.digest}\n")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from tradefleet_api.fetch import fetch  # noqa: PLC0415 - urllib and ssl, for this command only

    fetch(args.uri, args.sha256, args.out)
    sys.stdout.write(f"{args.out}: sha256 {args.sha256}\n")
    return 0


def _inspect(args: argparse.Namespace) -> int:
    bundle = _read(args.bundle, None)
    sizes = {name: len(content) for name, content in bundle.files.items()}
    report = {"digest": bundle.digest, "sizes": sizes, "manifest": bundle.manifest.to_wire()}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


def _manifest(args: argparse.Namespace) -> int:
    from tradefleet_models.publish import objects, yaml  # noqa: PLC0415 - as for the other commands

    bundle = _read(args.bundle, None)
    sys.stdout.write(yaml(objects(bundle, _bytes(args.bundle), args.name, args.namespace)))
    return 0


def _index(args: argparse.Namespace) -> int:
    from tradefleet_bot.core import inference  # noqa: PLC0415 - as for verify

    digests: dict[str, str] = {}
    for path in sorted(args.folder.glob("*.tar")):
        bundle = _read(path, None)
        inference.load(bundle)
        digests[path.stem] = bundle.digest
    _write(args.folder / "index.json", (json.dumps(digests, indent=2) + "\n").encode())
    sys.stdout.write(f"{args.folder / 'index.json'}: {len(digests)} bundles\n")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from tradefleet_models.evaluation import evaluate  # noqa: PLC0415 - numpy and onnxruntime

    report = evaluate(_read(args.bundle, None), args.data, args.symbol, args.fee_bps or [0.1, 5.0])
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


def _read(path: Path, sha256: str | None) -> "Bundle":
    from tradefleet_api.bundle import read_bundle  # noqa: PLC0415 - pydantic; `--help` does without

    return read_bundle(_bytes(path), sha256)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
