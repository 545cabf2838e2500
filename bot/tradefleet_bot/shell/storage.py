"""What a bot keeps on its volume: ledger, journal, and the state that a restart begins with."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core.carry import Carry
from tradefleet_bot.core.paper import PaperSnapshot
from tradefleet_bot.shell.journal_files import JournalFiles
from tradefleet_bot.shell.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Storage:
    """Open ledger and journal; `carry` and `paper` are what the last run kept, None on the first."""

    ledger: Ledger
    journal: JournalFiles
    carry: Carry | None
    paper: PaperSnapshot | None

    @property
    def fault(self) -> str | None:
        """Why the bot cannot rely on its storage, or None."""
        return self.ledger.fault or self.journal.fault


def open_storage(folder: Path, run: str, stack: ExitStack) -> Storage:
    """Open everything, to be closed by `stack`. Raises OSError, sqlite3.Error, or RefusedError.

    State that cannot be read is refused, not forgotten: it holds the latches that wait for a person.
    """
    ledger, journal = Ledger(folder), JournalFiles(folder, run)
    stack.enter_context(ledger.opened())
    try:
        carry, paper = ledger.kept_carry(), ledger.kept_paper()
    except msgspec.DecodeError as error:
        raise RefusedError(f"the state kept in {ledger.path} cannot be read ({error}): move the file away") from error
    stack.enter_context(journal.opened())
    return Storage(ledger, journal, carry, paper)
