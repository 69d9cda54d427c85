"""Asking the running service: where it answers, and what to say when it does not."""

import argparse
import sys
from typing import Any

import orjson

from collector.cli.config_arguments import read_config
from collector.workers import control_socket

EXIT_NO_ANSWER, EXIT_MISTAKES = 1, 2


class NoAnswerError(Exception):
    """No service answers, or it cannot; the text says where and why."""


def add_socket_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says where the service answers."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--socket",
        metavar="PATH",
        help=f"control socket of the service (default: {control_socket.default_path()})",
    )
    where.add_argument("--config", metavar="FILE", help="take the socket that this file names")


def ask(args: argparse.Namespace, question: dict[str, Any]) -> dict[str, Any]:
    """Ask the service that the arguments name.

    Raises:
        NoAnswerError: nobody answers, or with an error.
        ConfigError: the file that should name the socket has mistakes.
    """
    path = args.socket
    if args.config is not None:
        path = read_config(args.config).collector.control_socket
    path = path or control_socket.default_path()
    try:
        answer = control_socket.ask(path, question)
    except FileNotFoundError:
        raise NoAnswerError(f"no service answers at {path}: there is no such socket") from None
    except ConnectionRefusedError:
        raise NoAnswerError(f"no service answers at {path}: it has ended") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise NoAnswerError(f"no service answers at {path}: {reason}") from error
    except orjson.JSONDecodeError:
        raise NoAnswerError(f"the service at {path} ended before it had answered") from None
    if "error" in answer:
        raise NoAnswerError(f"the service at {path} cannot answer: {answer['error']}")
    return answer


def print_error(command: str, error: Exception) -> None:
    """Print an error on standard error, the way all subcommands do."""
    print(f"collector {command}: {error}", file=sys.stderr)
