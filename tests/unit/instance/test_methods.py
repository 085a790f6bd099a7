# What both interfaces need to open their dashboards
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The minimum replies, each in its shape, and the database that is never the host's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from .house import House, printing


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().start()
    yield house
    await house.stop()


async def test_server_info(house: House) -> None:
    info = await house.result("server.info")
    assert info["klippy_connected"] is True and info["klippy_state"] == "ready"
    assert info["failed_components"] == info["warnings"] == []
    assert info["missing_klippy_requirements"] == []
    assert info["registered_directories"] == ["gcodes"]
    assert info["api_version_string"] == "1.5.0"
    assert "history" not in info["components"]  # advertised only when there is one
    assert not {"update_manager", "power", "machine"} & set(info["components"])


async def test_the_other_minimum_replies(house: House) -> None:
    assert await house.result("server.config") == {"config": {}, "orig": {}, "files": []}
    assert await house.result("machine.system_info") == {"system_info": {}}
    stats = await house.result("machine.proc_stats")
    assert stats["throttled_state"] is None and stats["network"] == {}
    assert await house.result("server.webcams.list") == {"webcams": []}
    assert await house.result("server.gcode_store") == {"gcode_store": []}
    assert await house.result("server.files.list", root="config") == []
    directory = await house.result("server.files.get_directory", path="gcodes", extended=True)
    assert directory["files"] == [] and directory["root_info"]["name"] == "gcodes"
    names = await house.result("server.database.list")
    assert {"mainsail", "fluidd", "maintenance"} <= set(names["namespaces"])
    info = await house.result("printer.info")
    assert info["hostname"] == "My X1C" and info["software_version"].startswith("v0.13")


async def test_subscribe_tells_the_state_and_then_differences(house: House) -> None:
    names = (await house.result("printer.objects.list"))["objects"]
    answer = await house.result("printer.objects.subscribe", objects=dict.fromkeys(names))
    assert answer["status"]["extruder"]["temperature"] == 219.5
    assert set(answer["status"]) == set(names)
    from moonfleet.core.model import Heater

    heaters = {**printing().heaters, "extruder": Heater(221.0, 220.0)}
    house.bridge.host.on_snapshot(printing(heaters=heaters))
    (update,) = house.sink.messages("notify_status_update")
    status, eventtime = update["params"]
    assert status["extruder"] == {"temperature": 221.0}
    assert "heater_bed" not in status and "configfile" not in status
    assert eventtime >= answer["eventtime"]


async def test_query_returns_fields_and_leaves_out_what_is_unknown(house: House) -> None:
    wanted = {"extruder": ["target", "nonsense"], "unknown": None, "gcode": ["commands"]}
    answer = await house.result("printer.objects.query", objects=wanted)
    assert answer["status"]["extruder"] == {"target": 220.0}
    assert "unknown" not in answer["status"]
    assert "M104" in answer["status"]["gcode"]["commands"]


async def test_metadata_only_of_the_running_job(house: House) -> None:
    metadata = await house.result("server.files.metadata", filename="benchy.gcode")
    assert metadata["filename"] == "benchy.gcode" and metadata["layer_count"] == 240
    assert "estimated_time" not in metadata  # it would spoil the interfaces' remaining time
    assert (await house.error("server.files.metadata", filename="../x"))["code"] == -32601


@pytest.mark.parametrize(
    "method", ["server.files.move", "server.files.delete_file", "printer.print.start"]
)
async def test_files_are_managed_on_the_printer(house: House, method: str) -> None:
    fault = await house.error(method, filename="x", path="y")
    assert fault["code"] == 501 and "x1c" in fault["message"]


async def test_the_hosts_folders_do_not_exist(house: House) -> None:
    for path in ("config", "logs", "gcodes/../config", "/etc"):
        assert (await house.error("server.files.get_directory", path=path))["code"] == -32601


async def test_settings_are_kept_per_printer_and_stored() -> None:
    saved: list[tuple[str, Mapping[str, Any]]] = []

    async def save(namespace: str, values: Mapping[str, Any]) -> None:
        saved.append((namespace, values))

    house = await House(save=save).start()
    place = {"namespace": "mainsail"}
    before = await house.result("server.database.get_item", **place)
    assert before["value"]["general"]["printername"] == "My X1C"
    await house.result("server.database.post_item", **place, key="uiSettings.logo", value="#fff")
    await house.result("server.database.post_item", **place, key="general", value={})
    after = await house.result("server.database.get_item", **place)
    assert after["value"]["uiSettings"] == {"logo": "#fff"}
    assert after["value"]["general"]["printername"] == "My X1C"  # a default shows through
    assert saved[-1] == ("mainsail", {"uiSettings": {"logo": "#fff"}, "general": {}})
    one = await house.result("server.database.get_item", **place, key="uiSettings.logo")
    assert one == {"namespace": "mainsail", "key": "uiSettings.logo", "value": "#fff"}
    await house.result("server.database.delete_item", **place, key="uiSettings.logo")
    assert (await house.error("server.database.get_item", **place, key="uiSettings.logo"))[
        "code"
    ] == -32601
    again = House(stored=dict(saved))
    assert again.virtual.overlay.get("mainsail", "general.printername") == "My X1C"
    await house.stop()


async def test_namespaces_have_limits(house: House) -> None:
    big = "x" * 600_000
    fault = await house.error("server.database.post_item", namespace="a", key="k", value=big)
    assert fault["code"] == 413
    codes = {
        (await house.call("server.database.post_item", namespace=f"n{n}", key="k", value=1))
        .get("error", {})
        .get("code")
        for n in range(30)
    }
    assert codes == {None, 403}
    for key in (None, "", [], [1], 5, "a..b", ["x"] * 40):
        wrong = await house.error("server.database.post_item", namespace="a", key=key, value=1)
        assert wrong["code"] == -32602


async def test_unknown_namespaces_are_errors(house: House) -> None:
    for namespace in ("moonraker", "update_manager", "moonfleet"):
        fault = await house.error("server.database.get_item", namespace=namespace)
        assert fault["code"] == -32601


async def test_slicers_find_the_slots(house: House) -> None:
    value = (await house.result("server.database.get_item", namespace="lane_data"))["value"]
    assert value["A1"] == {"lane": "0", "material": "PLA", "color": "#00AE42", "name": "PLA"}
    assert "A4" not in value  # an empty slot


async def test_offline_is_told_with_the_reason() -> None:
    from moonfleet.bridges.base import Connection, Link

    house = await House().start()
    names = (await house.result("printer.objects.list"))["objects"]
    await house.result("printer.objects.subscribe", objects=dict.fromkeys(names))
    house.bridge.host.on_connection(Connection(Link.AUTH_FAILED, "the access code is wrong"))
    assert house.sink.messages("notify_klippy_shutdown")
    assert (await house.result("server.info"))["klippy_state"] == "shutdown"
    info = await house.result("printer.info")
    assert "the access code is wrong" in info["state_message"]
    house.bridge.online(printing())
    assert house.sink.messages("notify_klippy_ready")
    await house.stop()
