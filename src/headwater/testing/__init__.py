"""What a test of stream handlers needs: true records and events from plain values, and a context to pass in.

```python
from headwater.testing import LambdaContext, Table, as_record, event

scores = Table("GameScores", keys=("UserId", "GameTitle"))

def test_a_better_score_is_announced() -> None:
    record = scores.modify(old_score, new_score)
    assert app.run(event([record]), LambdaContext()).response == {"batchItemFailures": []}  # the whole app
    congratulate(as_record(record, Modify[GameScore]))  # or the handler alone
```

`SimulatedMapping` delivers records as Lambda does, with retries, on a clock that does not wait.

Nothing here needs pytest, boto3 or a network.
"""

from __future__ import annotations

from headwater.testing.context import LambdaContext
from headwater.testing.events import as_record, event, pipes_batch
from headwater.testing.simulated import SimulatedMapping
from headwater.testing.simulation_result import SimulatedDelivery, SimulationResult
from headwater.testing.tables import Table, ViewType

__all__ = [
    "LambdaContext",
    "SimulatedDelivery",
    "SimulatedMapping",
    "SimulationResult",
    "Table",
    "ViewType",
    "as_record",
    "event",
    "pipes_batch",
]
