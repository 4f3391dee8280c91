"""How an app runs its batches: what `StreamApp` was given, checked when it is made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.deadline import MARGIN_SECONDS
from headwater.errors import DeclarationError
from headwater.origins import Declared
from headwater.signatures import refuse_generators

if TYPE_CHECKING:  # what only some apps need is loaded where it is used
    from headwater.conditions import Condition
    from headwater.dead_letters import DeadLetterPolicy, Sink
    from headwater.events import Observer
    from headwater.ledger import Ledger

_REPLICAS: Final = ("handle", "ignore")
_ON_FAILURE: Final = ("stop", "isolate")


class Settings(NamedTuple):
    """How an app runs its batches.

    Attributes:
        concurrency: How many records run at once.
        isolate: After a failure, whether records of other items still start.
        ledger: Where progress is kept, if anywhere.
        dead_letters: Which failures are put aside, if any.
        margin: Seconds to keep for the answer.
        observers: Who is told what happens.
    """

    concurrency: int = 1
    isolate: bool = False
    ledger: Ledger | None = None
    dead_letters: DeadLetterPolicy | None = None
    margin: float = MARGIN_SECONDS
    observers: tuple[Observer, ...] = ()


def read_settings(  # noqa: PLR0913 - one for each option of an app
    *,
    concurrency: Any,
    on_failure: Any,
    ledger: Any,
    dead_letters: Any,
    max_attempts: Any,
    permanent: Any,
    hold_item: Any,
    deadline_margin: Any,
    observers: Any,
) -> Settings:
    """Check the options of an app, which are explained there.

    Raises:
        DeclarationError: When one could not work, or would have no effect.
    """
    if not _is_count(concurrency):
        raise DeclarationError(
            f"StreamApp: concurrency={concurrency!r} is no number of lanes: give 1 or more"
        )
    if on_failure not in _ON_FAILURE:
        raise DeclarationError(
            f"StreamApp: on_failure={on_failure!r} does not exist: say 'stop' or 'isolate'"
        )
    if (
        not isinstance(deadline_margin, int | float)
        or isinstance(deadline_margin, bool)
        or not 0 <= deadline_margin < math.inf
    ):
        raise DeclarationError(f"StreamApp: deadline_margin={deadline_margin!r} is no number of seconds")
    policy = _policy(dead_letters, max_attempts, permanent, hold_item)
    needs_memory = concurrency > 1 or on_failure == "isolate" or max_attempts is not None or hold_item
    return Settings(
        concurrency=concurrency,
        isolate=on_failure == "isolate",
        ledger=_ledger(ledger, needs_memory=needs_memory),
        dead_letters=policy,
        margin=float(deadline_margin),
        observers=_observers(observers),
    )


def read_replicas(replicas: Any) -> tuple[Condition[Any], ...]:
    """What an app asks of every record, for what it does with changes from another region.

    Raises:
        DeclarationError: When there is no such thing to do.
    """
    if replicas not in _REPLICAS:
        raise DeclarationError(f"StreamApp: replicas={replicas!r} does not exist: say 'handle' or 'ignore'")
    if replicas == "handle":
        return ()
    from headwater.exclusions import NotReplicated

    return (NotReplicated(),)


def read_declared(ttl_attribute: Any, origin_attribute: Any) -> Declared:
    """Check what is said of the tables.

    Raises:
        DeclarationError: When one is not the name of an attribute.
    """
    for option, name in (("ttl_attribute", ttl_attribute), ("origin_attribute", origin_attribute)):
        if name is not None and not (isinstance(name, str) and name):
            raise DeclarationError(f"StreamApp: {option}={name!r} is not the name of an attribute")
    return Declared(ttl_attribute, origin_attribute)


def _policy(sink: Any, max_attempts: Any, permanent: Any, hold_item: Any) -> DeadLetterPolicy | None:
    if not isinstance(hold_item, bool):
        raise DeclarationError(f"StreamApp: hold_item={hold_item!r} is neither True nor False")
    if max_attempts is not None and not _is_count(max_attempts):
        raise DeclarationError(
            f"StreamApp: max_attempts={max_attempts!r} is no number of attempts: give 1 or more"
        )
    errors = _errors(permanent)
    if sink is None:
        for name, given in (("max_attempts", max_attempts), ("permanent", errors), ("hold_item", hold_item)):
            if given:
                raise DeclarationError(
                    f"StreamApp: {name}= puts records aside, and there is nowhere to put them: give dead_letters= too"
                )
        return None
    from headwater.dead_letters import DeadLetterPolicy

    return DeadLetterPolicy(_sink(sink), max_attempts, errors, hold_item)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _sink(sink: Any) -> Sink:
    if isinstance(sink, type):
        raise DeclarationError(
            f"StreamApp: dead_letters={sink.__name__} is a class, which would store nothing: give an instance of it"
        )
    from headwater.dead_letters import DeadLetterSink

    if not isinstance(sink, DeadLetterSink) and not callable(sink):
        raise DeclarationError(
            f"StreamApp: dead_letters= takes a sink or a function of one DeadLetter, not a {type(sink).__name__}"
        )
    for called in (getattr(sink, "store", None), sink):
        refuse_generators(called, "StreamApp: what is given as dead_letters=", "and store nothing")
    checked: Sink = sink
    return checked


def _errors(permanent: Any) -> tuple[type[Exception], ...]:
    errors = (
        permanent if isinstance(permanent, Collection) and not isinstance(permanent, str) else (permanent,)
    )
    for error in errors:
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise DeclarationError(f"StreamApp: permanent= takes classes of exceptions, {error!r} is none")
    return tuple(errors)


def _ledger(ledger: Any, *, needs_memory: bool) -> Ledger | None:
    if ledger is None:
        if not needs_memory:
            return None
        from headwater.ledger import MemoryLedger

        return MemoryLedger()
    if isinstance(ledger, type) or not all(
        callable(getattr(ledger, name, None)) for name in ("load", "replace")
    ):
        raise DeclarationError(
            f"StreamApp: ledger= takes a ledger such as MemoryLedger(), with load and replace, not {ledger!r}"
        )
    if inspect.iscoroutinefunction(ledger.load) or inspect.iscoroutinefunction(ledger.replace):
        raise DeclarationError(
            "StreamApp: the methods of ledger= are called, and never awaited, so an async one would keep nothing: write "
            "them as plain functions"
        )
    known: Ledger = ledger
    return known


def _observers(observers: Any) -> tuple[Callable[[Any], object], ...]:
    if not isinstance(observers, Sequence) or not all(callable(observer) for observer in observers):
        raise DeclarationError(
            "StreamApp: observers= takes a list of functions of one event: write observers=[EmfMetrics()]"
        )
    for observer in observers:
        if isinstance(observer, type):
            raise DeclarationError(
                f"StreamApp: the observer {observer.__name__} is a class, so an instance would be made for each event: "
                f"write {observer.__name__}()"
            )
    return tuple(observers)
