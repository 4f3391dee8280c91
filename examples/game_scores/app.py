"""A game's leaderboard, kept up to date from the stream of its GameScores table."""

from __future__ import annotations

from pydantic import BaseModel, Field

from headwater import Insert, Modify, Remove, StreamApp


class GameScore(BaseModel):
    """An item of the table."""

    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


class Leaderboard:
    """Stands for a service over the network, with an outage to come: the next calls about these players fail."""

    def __init__(self, outages: dict[str, int]) -> None:
        self.outages = outages

    async def publish(self, score: GameScore) -> None:
        """Show a score to the world."""
        if self.outages.get(score.user_id, 0) > 0:
            self.outages[score.user_id] -= 1
            raise ConnectionError("the leaderboard does not answer")
        print(f"leaderboard: {score.user_id} has {score.top_score} in {score.game_title}")


app = StreamApp()
leaderboard = Leaderboard(outages={"carol": 2})


@app.on_insert
def welcome(record: Insert[GameScore]) -> None:
    """Somebody has played a game for the first time."""
    print(f"welcome to {record.new.game_title}, {record.new.user_id}")


@app.on_modify(attribute="TopScore")
async def publish(record: Modify[GameScore]) -> None:
    """A score has changed: when the leaderboard does not answer, Lambda delivers the record again."""
    await leaderboard.publish(record.new)


@app.on_modify(attribute="TopScore", when=lambda record: record.new.top_score > record.old.top_score)
def congratulate(record: Modify[GameScore]) -> None:
    """A score has become better."""
    print(f"well done, {record.new.user_id}: {record.old.top_score} -> {record.new.top_score}")


@app.on_remove(expired=True)
def archive(record: Remove[GameScore]) -> None:
    """Time to Live has deleted the item, not a person."""
    print(f"{record.old.user_id} has not played {record.old.game_title} for a year")


@app.on_remove(expired=False)
def forget(record: Remove[GameScore]) -> None:
    """The player has left."""
    print(f"goodbye, {record.old.user_id}")


lambda_handler = app
