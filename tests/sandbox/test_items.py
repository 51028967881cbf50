"""The world: files that a person may edit, whole after any kill, and without secrets."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from core.problem import Refused
from sandbox.items import CREATOR, Item, ItemStore
from sandbox.values import HIDDEN, Secret

TYPE = "aws:ec2/vpc:Vpc"


def _item(id: str = "vpc-1", **inputs: object) -> Item:
    return Item(package="aws", type=TYPE, id=id, name="n", inputs=inputs, computed={"arn": f"arn:{id}", "a": {"x": 1}})


def _file(world: ItemStore) -> Path:
    return next(world.folder.rglob("vpc-*.json"))


def test_an_object_is_found_by_id_name_arn_and_alias_and_its_state_is_inputs_over_computed(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    item = _item(a={"y": 2})
    item.notes["aliases"] = ["sg-0"]
    world.put(item)
    for name in ("vpc-1", "n", "arn:vpc-1", "sg-0"):
        assert [found.id for found in ItemStore(tmp_path).by_id(name)] == ["vpc-1"]
    found = ItemStore(tmp_path).get("aws", TYPE, "vpc-1")
    assert found is not None
    assert found.state == {"a": {"x": 1, "y": 2}, "arn": "arn:vpc-1"}
    assert world.by_id("vpc-2") == []


def test_an_edited_file_is_seen_at_once_and_a_deleted_one_is_gone(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    world.put(_item(size=1))
    document = json.loads(_file(world).read_text())
    document["inputs"]["size"] = 22
    _file(world).write_text(json.dumps(document))
    item = world.get("aws", TYPE, "vpc-1")
    assert item is not None
    assert item.inputs == {"size": 22}
    _file(world).unlink()
    assert world.get("aws", TYPE, "vpc-1") is None
    assert world.all("aws") == []
    assert world.by_id("vpc-1") == []


def test_a_file_that_somebody_adds_is_listed(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    world.put(_item())
    assert len(world.all("aws", TYPE)) == 1
    other = _file(world).read_text().replace("vpc-1", "vpc-2")
    _file(world).with_name("vpc-2.json").write_text(other)
    assert [item.id for item in world.all("aws", TYPE)] == ["vpc-1", "vpc-2"]
    assert [item.id for item in world.by_id("arn:vpc-2")] == ["vpc-2"]


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    world.put(_item())
    _file(world).write_text("{")
    with pytest.raises(Refused) as caught:
        world.get("aws", TYPE, "vpc-1")
    assert "vpc-1.json" in caught.value.problems[0].file


def test_a_secret_is_not_in_any_file_and_comes_back_only_to_who_knows_it(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    world.put(_item(password=Secret("hunter2"), parts=[{"key": Secret("hunter3")}]))
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any("hunter" in text for text in texts)
    stored = world.get("aws", TYPE, "vpc-1")
    assert stored is not None
    known = world.known(stored.inputs, {"password": "hunter2", "parts": [{"key": "wrong"}]})
    assert known["password"].reveal() == "hunter2"
    assert HIDDEN in known["parts"][0]["key"].reveal()
    assert str(known["password"]) == HIDDEN
    assert f"{known['password']!r}" == HIDDEN


def test_the_creator_is_recorded_and_births_outlive_the_process_and_the_object(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    token = CREATOR.set("urn:x")
    world.put(_item())
    CREATOR.reset(token)
    world.put(_item())
    (made,) = (item for item in world.everything() if item.urn == "urn:x")
    assert made.id == "vpc-1"
    world.remove(made)
    again = ItemStore(tmp_path)
    assert again.everything() == []
    assert again.births("urn:x") == 1


def test_ids_with_slashes_and_long_names_get_files_of_their_own(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)
    ids = ["arn:a/b", "arn:a_b", "x" * 300, "x" * 301]
    for id in ids:
        world.put(_item(id))
    assert {item.id for item in ItemStore(tmp_path).all("aws", TYPE)} == set(ids)


def test_only_the_owner_may_read_the_world(tmp_path: Path) -> None:
    world = ItemStore(tmp_path / "w")
    world.put(_item())
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o700
    assert _file(world).stat().st_mode & 0o777 == 0o600


def test_many_threads_write_and_list_without_losing_an_object(tmp_path: Path) -> None:
    world = ItemStore(tmp_path)

    def work(start: int) -> None:
        for number in range(start, start + 20):
            world.put(_item(f"vpc-{number}"))
            world.all("aws", TYPE)

    threads = [threading.Thread(target=work, args=(100 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ItemStore(tmp_path).all("aws", TYPE)) == 80
    assert not list(tmp_path.rglob("*.new"))
