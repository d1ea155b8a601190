"""Whose failure it is what the server says of a table."""

import asyncpg
import pytest

from sink_connector.config.connector import TableConfig
from sink_connector.errors import BadRecordError
from sink_connector.sink.table_changes import blaming_records


@pytest.mark.parametrize("state", ["01000", "02000"])
def test_a_function_that_raises_with_the_code_of_a_warning_is_quoted(state: str) -> None:
    """The driver has a class of its own for these, which is no error of its and takes no traceback."""
    raised = asyncpg.PostgresError.new({"S": "ERROR", "C": state, "M": "too little", "R": "exec_stmt_raise"})
    with pytest.raises(BadRecordError, match="too little"), blaming_records(TableConfig()):
        raise raised
