"""How programs end: after an error, after Ctrl-C, and when standard output is lost.

@programs.reports_errors()
def main(argv=None): ...

if __name__ == "__main__":
    programs.run(main)
"""

from __future__ import annotations

import functools
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT  # as shells have it


class OutputLost(BaseException):
    """Standard output takes no more. `run` alone catches it: an OSError would be taken for one of another file."""


class Output(io.TextIOWrapper):
    """Standard output whose errors are OutputLost."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputLost from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputLost from error


def reports_errors(*kinds: type[Exception]) -> Callable:
    """Makes a `main` print what its user can mend as one line on standard error, and then return 1.

    kinds: errors of this kind too, beside wrong values, files that cannot be read or written, training that diverged
    and libraries that are not installed.
    """

    def decorate(main: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(main)
        def reporting(*given: object) -> int:
            try:
                return main(*given)
            except ImportError as error:
                print(f"error: {error}; pip install -r nn/requirements.txt", file=sys.stderr)
            except (ValueError, OSError, FloatingPointError, *kinds) as error:
                print(f"error: {error}", file=sys.stderr)
            return 1

        return reporting

    return decorate


def run(main: Callable[[], int | None], prints: bool = True) -> NoReturn:
    """Ends the process with the exit code that `main` returns: with INTERRUPTED after Ctrl-C, with 1 when standard
    output was lost. A reader that has seen enough (`| head`) needs no message.

    prints: it is for its standard output that the program is run; a server goes on without one.
    """
    if prints:
        sys.stdout = checked(sys.stdout)
    try:
        code = main()
    except SystemExit as stop:
        code = stop.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OutputLost as lost:
        code = give_up(lost)
    try:
        if prints:
            sys.stdout.flush()
    except OutputLost as lost:
        failed = give_up(lost)
        code = code or failed
    sys.exit(code)


def checked(stdout: io.TextIOWrapper | None) -> Output:
    """Standard output that raises OutputLost; where it was closed, as by `>&-`, with the first character. What its
    encoding lacks, such as a part of a file's name, is written as an escape.
    """
    if stdout is None:
        return Output(io.BufferedWriter(io.FileIO(os.open(os.devnull, os.O_RDONLY), "w")), "utf-8")
    stdout.flush()
    return Output(
        stdout.buffer,
        stdout.encoding,
        "backslashreplace" if stdout.errors == "strict" else stdout.errors,
        line_buffering=stdout.line_buffering,
        write_through=stdout.write_through,
    )


def give_up(lost: OutputLost) -> int:
    """Says why standard output is lost, unless its reader has just gone. What waits to be written goes nowhere."""
    if not isinstance(lost.__cause__, BrokenPipeError):
        print(f"error: standard output cannot be written to: {lost.__cause__.strerror}", file=sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
