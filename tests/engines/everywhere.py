"""All tests of PostgreSQL's views, with the other engines: ``make engines`` runs them, the suite a part of them."""

from __future__ import annotations

import pytest

# Imported tests run here with this module's engines.
from tests.engines.test_comparing import (
    test_a_view_is_one_chain_with_its_engine,  # noqa: F401
    test_a_view_that_does_not_fit_is_refused_at_start,  # noqa: F401
)
from tests.engines.test_keys import *  # noqa: F403 - its fixtures as well
from tests.engines.test_owning import (
    test_a_backup_of_a_view_is_restored_as_a_log_of_its_own,  # noqa: F401
    test_a_dead_owner_is_replaced,  # noqa: F401
    test_a_log_is_either_in_its_folder_or_in_an_engine,  # noqa: F401
    test_an_owner_that_lives_is_not_replaced_by_mistake,  # noqa: F401
    test_no_key_is_made_for_a_log_that_exists,  # noqa: F401
    test_what_a_newer_release_may_have_written_is_refused,  # noqa: F401
    test_who_is_replaced_appends_nothing_more,  # noqa: F401
    test_who_is_replaced_while_it_says_nothing_is_told,  # noqa: F401
)
from tests.engines.test_pull import *  # noqa: F403
from tests.engines.test_push import *  # noqa: F403 - its fixtures as well
from tests.engines.test_standby import *  # noqa: F403
from tests.engines.test_views import *  # noqa: F403


@pytest.fixture(params=["dynamodb", "kafka"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name each of those engines in turn."""
    return str(request.param)
