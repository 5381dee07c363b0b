"""What has to hold in every render. Each assertion is a function that yields what is wrong."""

from collections.abc import Callable, Iterator

from render import Render
from tree import Tree

Assertion = Callable[[Tree, Render], Iterator[str]]
