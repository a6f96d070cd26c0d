"""``srspace-eval study``: create a study, serve it, collect its answers, plan its size. One file a command."""

from __future__ import annotations

import click

from srspace_eval.cli.study import collect, create, plan, serve


@click.group()
def command() -> None:
    """The human study that gives the mean opinion rank (MOR).

    People rank the methods' crops by photo-realism. The MOR of a method is its mean rank. 'create' makes the page,
    'serve' or any static host shows it, 'collect' turns the answers into MOR.csv for 'rank --mor', and 'plan' tells how
    many raters and crops are needed.
    """


command.add_command(create.command, "create")
command.add_command(serve.command, "serve")
command.add_command(collect.command, "collect")
command.add_command(plan.command, "plan")
