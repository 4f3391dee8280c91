"""`headwater run`: its options, and what it refuses before anything is read."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from headwater.cli.options import FunctionOption, MappingOption, Overrides, ParameterOption, settings_of
from headwater.cli.terminal import INTERRUPTED, check_place, console, errors, needs_local, refuse

STATE: Final = Path(".headwater") / "checkpoints.sqlite"


class Runtime(StrEnum):
    """What runs the function."""

    PROCESS = "process"
    RIC = "ric"


def run(  # noqa: PLR0913 - one for each option
    target: Annotated[str, typer.Argument(metavar="APP", help="path/to/app.py:app or package.module:app")],
    *,
    table: Annotated[str | None, typer.Option(help="The table whose stream is read.")] = None,
    stream: Annotated[
        str | None, typer.Option(metavar="ARN", help="The stream, in place of its table.")
    ] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Of DynamoDB Local, for example.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take the mapping's settings from a template of SAM, CloudFormation or CDK, from Terraform's plan as JSON, "
            "or from what aws lambda get-event-source-mapping has answered.",
        ),
    ] = None,
    function: FunctionOption = None,
    mapping: MappingOption = None,
    parameters: ParameterOption = None,
    batch_size: Annotated[int | None, typer.Option(help="BatchSize.")] = None,
    window: Annotated[int | None, typer.Option(help="MaximumBatchingWindowInSeconds.")] = None,
    parallelization_factor: Annotated[int | None, typer.Option(help="ParallelizationFactor.")] = None,
    bisect: Annotated[bool | None, typer.Option(help="BisectBatchOnFunctionError.")] = None,
    max_retries: Annotated[int | None, typer.Option(help="MaximumRetryAttempts.")] = None,
    max_age: Annotated[int | None, typer.Option(help="MaximumRecordAgeInSeconds.")] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="PATTERN", help="A pattern of FilterCriteria; may be given several times."
        ),
    ] = None,
    tumbling_window: Annotated[int | None, typer.Option(help="TumblingWindowInSeconds.")] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Start with what comes now, not with what is there.")
    ] = False,
    on_failure: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|ARN", help="Where word of discarded records goes; without, it is only shown."
        ),
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="A process of its own, or Lambda's real runtime client in one.")
    ] = Runtime.PROCESS,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=900, help="Seconds that an invocation may take.")
    ] = 3.0,
    memory: Annotated[
        int, typer.Option(min=64, max=10240, help="MB that the function's process may use.")
    ] = 512,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="Load the app's code anew when it changes.")
    ] = True,
    state: Annotated[Path, typer.Option(metavar="FILE", help="Where checkpoints are kept.")] = STATE,
    name: Annotated[
        str | None, typer.Option(help="The mapping's name, where several use one stream; APP unless given.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget where the last run stopped, and start anew.")
    ] = False,
    until_idle: Annotated[
        float | None, typer.Option(min=0, help="Stop when there was nothing to do for so many seconds.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print lines of JSON, for machines.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page of HTML that shows what happened.")
    ] = None,
) -> None:
    """Hand a table's stream to an app, live, until Ctrl-C, as Lambda's event source mapping would.

    Batches, retries, filters and discards are as the mapping is set. The next run goes on where this one stopped.

    Exits with 0, with 2 when the stream can not be read, and with 130 after a second Ctrl-C.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError

        from headwater.cli.check import check_function
        from headwater.cli.connect import ConnectError, connect_stream, connect_table, explain
        from headwater.cli.environment import Function, UnavailableError
        from headwater.cli.live import Run, function_arn, run_live
        from headwater.cli.loader import LoadError
        from headwater.cli.process import ProcessEnvironment
        from headwater.cli.runtime import runtime_environment
        from headwater.cli.views import JsonView, LinesView, TerminalView
        from headwater.errors import HeadwaterError
        from headwater.mapping.limits import check_destination
    except ImportError:
        needs_local()
    to_aws = on_failure is not None and on_failure.startswith("arn:")
    check_place(Path(on_failure) if on_failure and not to_aws else None)
    check_place(report)
    overrides = Overrides(
        batch_size=batch_size,
        maximum_batching_window_in_seconds=window,
        parallelization_factor=parallelization_factor,
        bisect_batch_on_function_error=bisect,
        maximum_retry_attempts=max_retries,
        maximum_record_age_in_seconds=max_age,
        filter_criteria=filters,
        tumbling_window_in_seconds=tumbling_window,
        starting_position="LATEST" if latest else None,
    )
    arn = ""
    try:
        if to_aws:
            check_destination(on_failure)
        chosen = settings_of(
            settings, overrides, function=function, mapping=mapping, parameters=parameters or ()
        )
        arn = stream or chosen.event_source_arn or ""
        if table and not stream:
            connection = connect_table(table, endpoint_url=endpoint_url)
        elif arn and "${" not in arn:
            connection = connect_stream(arn, endpoint_url=endpoint_url)
        else:
            refuse("nothing says which stream to read: give --table, or --stream with its ARN")
        configured = Function(
            target=target,
            arn=function_arn(chosen, target, connection.stream_arn),
            timeout=timeout,
            memory_mb=memory,
        )
        make = runtime_environment if runtime is Runtime.RIC else ProcessEnvironment
        make(configured)  # says what is missing before anything is read
        check_function(configured)
        _prepare_folder(state)
        planned = Run(
            connection=connection,
            settings=chosen,
            function=configured,
            make=lambda: make(configured),
            name=name or target,
            state=state,
            forget=forget,
            on_failure=on_failure,
            reload=reload,
            until_idle=until_idle,
            report=report,
        )
        view = JsonView() if as_json else TerminalView(console) if console.is_terminal else LinesView(console)
        run_live(planned, view)
    except KeyboardInterrupt:
        errors.print("stopped at once: what was under way comes again with the next run")
        raise typer.Exit(INTERRUPTED) from None
    except (ConnectError, HeadwaterError, LoadError, UnavailableError, ValueError) as error:
        refuse(str(error))
    except (ClientError, BotoCoreError) as error:
        refuse(explain(error, f"the stream of {table or arn}"))


def _prepare_folder(state: Path) -> None:
    """Make the default folder, and keep it out of version control."""
    if state != STATE or state.parent.is_dir():
        return
    try:
        state.parent.mkdir()
        (state.parent / ".gitignore").write_text(f"*{os.linesep}")
    except OSError as error:
        refuse(
            f"the folder {state.parent} for checkpoints can not be made here ({error.strerror}): give --state another file"
        )
