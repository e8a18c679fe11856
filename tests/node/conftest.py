"""A node over a folder of its own, whose scorer takes no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from node_parts import Log, fake_score

from atlas_builder.node.inbox import Inbox
from atlas_builder.node.jobs import Node, Rules, prepare
from atlas_builder.node.queue import JobQueue


@pytest.fixture
def make_node(tmp_path: Path) -> Callable[..., Node]:
    """Start a node; called again, the node after a restart."""

    def make(**changes: object) -> Node:
        state = tmp_path / "state"
        state.mkdir(exist_ok=True)
        parts = {
            "state": state,
            "rules": Rules(10.0, 1.0, None),
            "queue": JobQueue(state / "queue.sqlite"),
            "inbox": Inbox(state, 20, 0.0),
            "watcher": None,
            "destination": None,
            "score": fake_score,
            "log": Log(),
        }
        node = Node(**{**parts, **changes})
        prepare(node)
        return node

    return make
