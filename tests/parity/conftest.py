"""Tests beside the library diffusers. They need the extra `parity`, and belong to `make check-all`."""

import pytest


@pytest.fixture(scope="session")
def diffusers():
    library = pytest.importorskip("diffusers")
    library.utils.logging.set_verbosity_error()
    return library


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/parity" in item.path.as_posix():
            item.add_marker(pytest.mark.slow)
