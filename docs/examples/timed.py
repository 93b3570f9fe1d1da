"""A single-file plugin: an executor."""

import time

import click
from pydantic import Field

import privbench


class Timed(privbench.Executor):
    """Computes tasks in this process, and names the slowest ones at the end."""

    name = "timed"
    top: int = Field(3, ge=1, description="tasks to name")

    def execute(self, tasks):
        seconds = {}
        while tasks.unfinished:
            for task in tasks.ready():
                begin = time.perf_counter()
                tasks.run(task)
                seconds[task.title] = time.perf_counter() - begin
        for title in sorted(seconds, key=seconds.get, reverse=True)[: self.top]:
            click.echo(f"{seconds[title]:.2f} s: {title}", err=True)  # stdout is for results


@privbench.hookimpl
def register_executors(register):
    register(Timed)
