"""``python -m srspace_eval``, and the program ``srspace-eval``."""

import sys


def main() -> None:
    """Run the command line; an interrupt while it is still being imported is as quiet as a later one."""
    try:
        from srspace_eval.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


if __name__ == "__main__":  # spawn-safe: worker processes import this module again
    main()
