"""What a handler raises to settle its record, where returning or failing would not say what is meant."""

from __future__ import annotations


class Skip(Exception):  # noqa: N818 - it is a verdict, not an error
    """Raised by a handler that is done with a record on purpose, without having handled it.

    It counts as if the handler had returned: other handlers of the record run, and then it is acknowledged.
    """

    @property
    def reason(self) -> str:
        """Why, in the words it was raised with."""
        return str(self)


class Reject(Exception):  # noqa: N818 - it is a verdict, not an error
    """Raised by a handler for a record that no repetition can mend: it goes to the dead letters at once.

    Where the app has no `dead_letters=`, the record fails as with any other exception.
    """

    @property
    def reason(self) -> str:
        """Why, in the words it was raised with."""
        return str(self)
