"""The start-up configuration: one file, checked once, and one sentence when it is wrong."""

from pathlib import Path

from pydantic import ValidationError

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.refusal import RefusedError, sentence
from tradefleet_bot.venues.binance.auth import Credentials

SIM_SECRET = "tradefleet-sim"  # noqa: S105 - the simulator's public secret: it protects nothing


def load(path: Path) -> BotConfig:
    """The configuration in a YAML (or JSON) file. Raises RefusedError with one sentence."""
    import yaml  # noqa: PLC0415 - only the process that starts a bot needs it

    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"configuration {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise RefusedError(f"configuration {path} is not YAML: {' '.join(str(error).split())}") from error
    try:
        return BotConfig.model_validate(data)
    except ValidationError as error:
        raise RefusedError(f"configuration {path}: {sentence(error)}") from None


def credentials(config: BotConfig) -> Credentials | None:
    """The venue's credentials: mounted files, or the simulator's public ones; None where no order may be sent.

    This release sends orders to the simulator only: it holds no lease yet that keeps two bots from one account. Raises
    RefusedError where live orders are configured elsewhere, or named files cannot be read.
    """
    venue = config.venue
    if venue.type != "sim":
        if config.orders is not None and config.orders.mode != "paper":
            raise RefusedError(
                f"orders.mode {config.orders.mode} needs venue.type sim in this release: set it to paper"
            )
        return None
    if venue.credentials_path is not None:
        folder = Path(venue.credentials_path)
        try:
            return Credentials((folder / "apiKey").read_text().strip(), (folder / "apiSecret").read_text().strip())
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(f"venue credentials: {folder} needs the files apiKey and apiSecret: {error}") from error
    return Credentials(venue.account or f"{config.bot.namespace}.{config.bot.name}", SIM_SECRET)
