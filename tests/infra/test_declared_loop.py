"""A program is declared whatever became of the thread's event loop before."""

from __future__ import annotations

import asyncio

import pulumi

from infra.declared import declare


def test_a_program_is_declared_after_another_part_has_ended_the_event_loop() -> None:
    asyncio.run(asyncio.sleep(0))

    def program() -> None:
        pulumi.ComponentResource("a:b:C", "one")

    found = declare(program, project="p", stack="s")
    assert [declared.name for declared in found.values()] == ["one"]
