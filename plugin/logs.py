"""Logs: one line of JSON per event on standard error. Never a token, never the contents of a file."""

import logging
import sys

import structlog

Logger = structlog.typing.FilteringBoundLogger


def configure_logs() -> None:
    """Set up structured logs for the whole process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_logger,
    )


def _logger(*_: object) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.stderr)


def get_logger() -> Logger:
    """Return the logger."""
    logger: Logger = structlog.get_logger()
    return logger
