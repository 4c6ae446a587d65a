"""The runs of a method that the replays of a clip ask for, each once, and the frames that each is on show at."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bench.stream.events import Replay

Name = TypeVar("Name", bound=Hashable)


@dataclass
class Node:
    """One run of the method: on a frame, from the state of another node, or from nothing.

    Attributes:
        frame: the frame that it is run on.
        parent: the node whose state it propagates from; None for a key frame.
        last_child: the last frame that is propagated from its state; -1 where none is.
        shown_at: the frames at whose time its label map is on show.

    """

    frame: int
    parent: Node | None
    last_child: int = -1
    shown_at: set[int] = field(default_factory=set)


class Plan(Generic[Name]):
    """The runs that several replays of one clip ask for. Replays that came to a frame by the same frames share it."""

    def __init__(self, replays: Mapping[Name, Replay]) -> None:
        self._nodes: dict[tuple[int, int | None], Node] = {}
        self.shown: dict[Name, list[Node | None]] = {}
        """Of each replay, what is on show at each frame."""
        for name, replay in replays.items():
            shown = [None if step is None else self._node(replay, step) for step in replay.shown]
            for frame, node in enumerate(shown):
                if node is not None:
                    node.shown_at.add(frame)
            self.shown[name] = shown
        self._by_frame: dict[int, list[Node]] = {}
        for node in self._nodes.values():
            self._by_frame.setdefault(node.frame, []).append(node)

    def on(self, frame: int) -> list[Node]:
        """The nodes of a frame."""
        return self._by_frame.get(frame, [])

    def _node(self, replay: Replay, index: int) -> Node:
        """The node of a step; those that it is propagated from are made first, without recursion."""
        chain = [index]
        while (before := replay.steps[chain[-1]].parent) is not None:
            chain.append(before)
        parent: Node | None = None
        for step in reversed(chain):
            frame = replay.steps[step].frame
            node = self._nodes.setdefault((frame, None if parent is None else id(parent)), Node(frame, parent))
            if parent is not None:
                parent.last_child = max(parent.last_child, frame)
            parent = node
        assert parent is not None
        return parent
