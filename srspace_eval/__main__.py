"""``python -m srspace_eval``, and the program ``srspace-eval``."""

import sys


def main() -> None:
    """Run the command line. An interrupt during its import is reported like a later one, without a traceback."""
    try:
        from srspace_eval.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


if __name__ == "__main__":  # worker processes import this module again
    main()
