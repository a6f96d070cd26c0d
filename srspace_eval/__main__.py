"""``python -m srspace_eval``."""

from srspace_eval.cli import main

if __name__ == "__main__":  # spawn-safe: worker processes import this module again
    main()
