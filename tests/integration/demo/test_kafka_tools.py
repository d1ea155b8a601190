"""What `./demo topics` and its like say of names that the cluster does not know."""

import argparse

import pytest

from demo.cli import kafka_tools


async def test_a_topic_and_a_group_that_are_not_there_are_said(kafka_bootstrap: str) -> None:
    parser = argparse.ArgumentParser()
    kafka_tools.add_arguments(parser)
    for line in (
        ["consume", "nosuch"],
        ["groups", "nosuch"],
        ["topics", "describe", "nosuch"],
        ["produce", "nosuch"],
    ):
        kind = "group" if line[0] == "groups" else "topic"
        with pytest.raises(kafka_tools.UnknownNameError, match=f"no {kind} is called 'nosuch'; there are: "):
            await kafka_tools.require_known(parser.parse_args(line), kafka_bootstrap)
    await kafka_tools.require_known(parser.parse_args(["topics", "create", "nosuch"]), kafka_bootstrap)
    await kafka_tools.require_known(parser.parse_args(["groups"]), kafka_bootstrap)
