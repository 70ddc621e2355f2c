from collections.abc import AsyncIterator

import pytest

from tests.unit.serving.http_client import Here


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    made = Here()
    async with made.http:
        yield made
