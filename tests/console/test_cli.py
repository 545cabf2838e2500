"""The frame of the command line: groups are lazy, absence is said only when asked for, exit codes are kept."""

import argparse
import importlib
import subprocess
import sys
import types

import pytest

from tradefleet_api.refusal import RefusedError
from tradefleet_console import cli


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A part whose one command does what its argument says."""

    def run(args: argparse.Namespace) -> int:
        match args.what:
            case "refuse":
                raise RefusedError("no: change this")
            case "interrupt":
                raise KeyboardInterrupt
            case "break":
                raise BrokenPipeError
            case "bug":
                raise ZeroDivisionError
            case "library":
                importlib.import_module("library_that_is_gone")
            case "module":
                importlib.import_module("tradefleet_gone")
        return int(args.what)

    def add_commands(groups: cli.Subparsers) -> None:
        command = groups.add_parser("part", help="does as told")
        command.add_argument("what")
        command.set_defaults(run=run)

    module = types.ModuleType("part_cli")
    module.add_commands = add_commands  # type: ignore[attr-defined] # a module made by hand
    monkeypatch.setitem(sys.modules, "part_cli", module)
    monkeypatch.setattr(cli, "PARTS", {"part": "part_cli", "gone": "part_that_is_gone.cli"})
    return module


@pytest.mark.usefixtures("part")
class TestFrame:
    def test_help_lists_what_is_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main(["--help"])
        assert caught.value.code == 0
        out, err = capsys.readouterr()
        assert "does as told" in out
        assert "gone" not in out + err

    @pytest.mark.parametrize("code", [0, 1])
    def test_the_code_is_the_command_s(self, code: int) -> None:
        assert cli.main(["part", str(code)]) == code

    def test_an_absent_part_is_said_to_be_absent(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["gone", "serve", "--port", "1"]) == 1
        assert capsys.readouterr().err == (
            "tradefleet: `tradefleet gone` is not in this installation: it lacks part_that_is_gone\n"
        )

    def test_a_refusal_is_one_sentence(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["part", "refuse"]) == 1
        assert capsys.readouterr().err == "tradefleet: no: change this\n"

    def test_interrupt_is_quiet(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["part", "interrupt"]) == 130
        assert capsys.readouterr() == ("", "")

    def test_a_bug_is_not_hidden(self) -> None:
        with pytest.raises(ZeroDivisionError):
            cli.main(["part", "bug"])

    def test_a_library_that_only_some_installations_have(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["part", "library"]) == 1
        said = "tradefleet: `tradefleet part library` is not in this installation: it lacks library_that_is_gone\n"
        assert capsys.readouterr().err == said

    def test_a_module_of_ours_that_is_gone_is_a_bug(self) -> None:
        with pytest.raises(ModuleNotFoundError):
            cli.main(["part", "module"])

    @pytest.mark.parametrize("argv", [[], ["nonsense"], ["part"], ["part", "0", "--unknown"]])
    def test_wrong_usage(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main(argv)
        assert caught.value.code == 2
        assert "usage: tradefleet" in capsys.readouterr().err


def test_every_registered_part_is_listed_or_absent(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    for group in cli.PARTS:
        try:
            cli.load(group)
        except cli.PartAbsentError:
            continue
        assert f"\n    {group} " in out


def test_help_imports_nothing_heavy() -> None:
    """What would make `tradefleet --help` slow, or fail in an image that lacks it."""
    heavy = "numpy|onnxruntime|aiohttp|fastapi|kopf|kubernetes|torch|xgboost|pydantic|yaml|prometheus_client|websockets"
    script = (
        "import sys; from tradefleet_console import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        f"found = sorted(set(sys.modules) & set('{heavy}'.split('|')))\n"
        "sys.exit(f'help imports {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version_and_pipes() -> None:
    command = [sys.executable, "-m", "tradefleet_console"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tradefleet 0.")
    pipe = subprocess.run(
        f"set -o pipefail; {sys.executable} -m tradefleet_console --help | true", shell=True, executable="/bin/bash",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert pipe.stderr == ""
