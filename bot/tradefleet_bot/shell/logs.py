"""Structured logs: one JSON object a line on stderr, with who speaks; secrets are never handed to a logger."""

import logging
import sys

import structlog


def configure(**who: str) -> None:
    """Log as JSON lines, each with the fields of `who` (namespace, bot, arm, model)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**who)
    # Libraries that use the standard logging speak through one plain handler, warnings and above.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"logger":"%(name)s","event":"%(message)s"}')
