"""boto3 clients, made when they are first used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from threading import Lock
from typing import Any

from headwater.errors import DeclarationError


class LazyClient:
    """A client of one AWS service, made once for all threads when it is first asked for."""

    def __init__(self, service: str, given: Any, config: Mapping[str, Any]) -> None:
        """Remember what to make.

        Args:
            service: boto3's name of the service.
            given: A client to use instead.
            config: Settings for `botocore.config.Config`.

        Raises:
            DeclarationError: When there is neither a client nor boto3.
        """
        if given is None and find_spec("boto3") is None:
            raise DeclarationError(
                f"a client of {service} is made with boto3, which is not installed: "
                "pip install 'headwater[aws]', or pass client="
            )
        self._service = service
        self._config = config
        self._client = given
        self._lock = Lock()

    def get(self) -> Any:
        """The client.

        Raises:
            botocore.exceptions.BotoCoreError: When no region is configured, for instance.
        """
        with self._lock:
            if self._client is None:
                # A session of its own: boto3's default one is not for several threads, and a client is.
                # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
                from boto3.session import Session
                from botocore.config import Config

                self._client = Session().client(self._service, config=Config(**self._config))
            return self._client
