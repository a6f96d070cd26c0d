"""The command line: one small module for each command, imported only when the command runs.

In: arguments. Out: one document or table on stdout, progress and notices on stderr, an exit code.
May be imported by: ``__main__`` only; it may import every package.
"""

from __future__ import annotations

import errno
import sys
import warnings
from importlib import import_module
from typing import TextIO

import click

from srspace_eval import errors
from srspace_eval._utils.documentation import page_reference
from srspace_eval._version import __version__
from srspace_eval.cli._activity import sign_of_life
from srspace_eval.cli._common import say
from srspace_eval.cli._examples import INTERRUPTED, SECTIONS, START, add_examples, ending
from srspace_eval.errors import Notice, SrspaceEvalError

# Command name -> (its module, whose ``command`` it is, and its line in --help). The lines are here so that --help
# imports none of the modules.
COMMANDS = {
    "score": ("score", "Measure a submission: LPIPS, LR-PSNR, diversity score."),
    "rank": ("rank", "Rank the scored submissions of a board into leaderboards."),
    "tracks": ("tracks", "Tracks: which there are, their rules in words, and a file to begin with."),
    "sample": ("sample", "Make a sample set with a model's checkpoint."),
    "check": ("check", "List everything that is wrong with a submission, measuring nothing."),
    "verify": ("verify", "Measure images again and compare them with stored results."),
    "downscale": ("downscale", "Make LRs as MATLAB or the challenge does."),
    "degrade": ("degrade", "Make LRs with a known degradation: blur, noise, JPEG."),
    "likelihood": ("likelihood", "Exact likelihood of a GT under a flow, in bits per pixel."),
    "models": ("models", "Known models, their published numbers, and checkpoint conversion."),
    "codabench": ("codabench", "Competition bundles for Codabench: make, check, dry run."),
    "study": ("study", "The human study that gives the mean opinion rank."),
    "weights": ("weights", "Trunk weights that LPIPS needs: where they are, how to get them."),
    "demo": ("demo", "Run the whole pipeline on built-in pictures."),
    "doctor": ("doctor", "Versions, devices, weights, cores: what an issue report needs."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"srspace_eval.cli.{COMMANDS[cmd_name][0]}").command
        return add_examples(command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {name for names in SECTIONS.values() for name in names}
        more = {"More": tuple(name for name in COMMANDS if name not in listed)}
        for section, names in {**SECTIONS, **more}.items():
            if names:
                with formatter.section(section):
                    formatter.write_dl([(name, COMMANDS[name][1]) for name in names])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=ending(START))
@click.version_option(__version__, prog_name="srspace-eval")
def cli() -> None:
    """Evaluate super-resolution methods that sample many images from one LR image."""


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    kind = "notice" if issubclass(category, Notice) else f"warning ({category.__name__})"
    say(f"{kind}: {message}")


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the work could not be done, 2 wrong use, 130 interrupted.

    If the reader of stdout has closed it (``| head``), click and rich end the process themselves, without a message
    and with exit code 1, because the output is incomplete.
    """
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal whose encoding lacks ≈ or ₁ shows a question mark instead.
        sys.stdout.reconfigure(errors="replace")
    words = sys.argv[1:] if args is None else args
    errors.speak("command line")
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.simplefilter("always", Notice)
        try:
            with sign_of_life(f"{words[0]} is starting" if words and words[0] in COMMANDS else "starting"):
                code = cli.main(args=args, prog_name="srspace-eval", standalone_mode=False)
        except SrspaceEvalError as error:
            say(f"error: {error}")
            entry = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
            say(f"see {page_reference('reference/errors', entry.__name__.lower())}")
            code = 1
        except click.exceptions.Abort:
            kept = next((INTERRUPTED[name] for name in (" ".join(words[:2]), *words[:1]) if name in INTERRUPTED), "")
            say(f"interrupted: {kept}" if kept else "interrupted")
            code = 130
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except OSError as error:
            advice = "; give a shorter path" if error.errno == errno.ENAMETOOLONG else ""
            say(f"error: {error}{advice}")  # such as a full disk, or a folder that was removed
            code = 1
        except MemoryError:
            say("error: not enough memory; give fewer --workers, or smaller pictures")
            code = 1
        finally:
            errors.speak("Python")
    sys.exit(code if isinstance(code, int) else 0)
