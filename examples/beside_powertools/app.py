"""Headwater beside Powertools for AWS Lambda: its Logger, Tracer and Metrics around a stream app."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from headwater import BatchResponse, Insert, Modify, RecordFinished, RecordStarted, StreamApp

logger = Logger(service="leaderboard")
tracer = Tracer(service="leaderboard")
metrics = Metrics(namespace="GameScores", service="leaderboard")

# Headwater logs failures with `logging`: this gives them the form and the keys of all other lines.
copy_config_to_registered_loggers(logger, include={"headwater"}, ignore_log_level=True)


class GameScore(BaseModel):
    """An item of the table."""

    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


def observe(event: object) -> None:
    """Name the record in each log line, and count what became of it: an observer is any function of one event."""
    match event:
        case RecordStarted():
            logger.append_keys(event_id=event.record.event_id)
        case RecordFinished():
            logger.remove_keys(["event_id", "user_id"])
            metrics.add_metric(name=type(event.outcome).__name__, unit=MetricUnit.Count, value=1)


app = StreamApp(observers=[observe])


@tracer.capture_method(capture_response=False)
def send(user_id: str, text: str) -> None:
    """Stands for a service over the network, which is a subsegment of the trace. It can not reach one of the players."""
    if user_id == "carol":
        raise ConnectionError("the service does not answer")
    logger.info("sent", extra={"text": text})


@app.on_insert
def welcome(record: Insert[GameScore]) -> None:
    """Somebody has played a game for the first time."""
    logger.append_keys(user_id=record.new.user_id)
    send(record.new.user_id, f"welcome to {record.new.game_title}")


@app.on_modify(attribute="TopScore", when=lambda record: record.new.top_score > record.old.top_score)
def congratulate(record: Modify[GameScore]) -> None:
    """A score has become better."""
    logger.append_keys(user_id=record.new.user_id)
    send(record.new.user_id, f"{record.old.top_score} -> {record.new.top_score}")
    metrics.add_metric(name="HighScore", unit=MetricUnit.Count, value=1)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> BatchResponse:
    """Handle a batch: the app is called like any function."""
    return app(event, context)
