"""The controls: ledger, counts, records by a person, reset; and the kernel's own answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.process import SandboxProcess


def test_the_ledger_comes_in_pages_over_all_systems(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    for n in range(5):
        client.post("/things", json={"n": n}, headers={"x-correlation-id": "run-7"})
        httpx.post(f"{sandbox.url}/other/things", json={"n": n}, trust_env=False, verify=trusted())

    rows: list[dict[str, Any]] = []
    after, pages = 0, 0
    while after is not None:
        page = sandbox.control.get(f"/_sandbox/ledger?object=thing&limit=4&after={after}").json()
        rows += page["rows"]
        after, pages = page["next"], pages + 1

    assert (pages, len(rows)) == (3, 10)
    assert [row["system"] for row in rows] == ["tiny", "other"] * 5
    assert {"run-7", ""} == {row["correlation"] for row in rows}
    assert [row for row in rows if row["system"] == "tiny"] == sandbox.ledger("tiny", "thing")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/_sandbox/ledger?after=-1", 422, id="after"),
        pytest.param("/_sandbox/ledger?limit=x", 422, id="limit"),
        pytest.param("/_sandbox/ledger?system=nobody", 404, id="ledger-of-nobody"),
        pytest.param("/_sandbox/nobody/faults", 404, id="faults-of-nobody"),
        pytest.param("/_sandbox/tiny/records/thing/9", 404, id="no-record"),
        pytest.param("/_sandbox/nothing", 404, id="no-control"),
        pytest.param("/nobody/things", 404, id="no-system"),
        pytest.param("/", 404, id="root"),
    ],
)
def test_what_is_not_there_is_refused(sandbox: SandboxProcess, path: str, status: int) -> None:
    assert status == sandbox.control.get(path).status_code


def test_calls_are_counted_by_operation_and_status(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    for _ in range(2):
        client.post("/things", json={"ref": "k"})
    client.get("/nowhere")
    sandbox.faults("tiny", {"kind": "lose_answer"})
    with pytest.raises(httpx.ReadError):
        client.get("/things")
    calls = sandbox.calls("tiny")

    assert calls["counts"] == [
        {"operation": "thing.create", "status": "201", "count": 1},
        {"operation": "thing.create", "status": "409", "count": 1},
        {"operation": "thing.list", "status": "reset", "count": 1},
        {"operation": "unknown", "status": "404", "count": 1},
    ]
    assert [one["fault"] for one in calls["last"]] == [None, None, None, "lose_answer"]
    assert sorted(one["at"] for one in calls["last"]) == [one["at"] for one in calls["last"]]


def test_a_person_adds_changes_and_deletes_records(sandbox: SandboxProcess) -> None:
    made = sandbox.plant("tiny", "thing", {"name": "a", "ref": "k"})
    changed = sandbox.amend("tiny", "thing", made["id"], {"name": "b"})

    assert (changed["body"]["name"], changed["version"]) == ("b", 2)
    assert [changed] == sandbox.records("tiny", "thing", key="k", name="b")
    assert sandbox.records("tiny", "thing", name="a") == []
    path = f"/_sandbox/tiny/records/thing/{made['id']}"
    assert changed == sandbox.control.get(path).json()
    assert [sandbox.control.delete(path).status_code for _ in range(2)] == [200, 404]
    assert [row["operation"] for row in sandbox.ledger("tiny", "thing")] == [
        "create",
        "update",
        "delete",
    ]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"null", b""])
def test_a_record_is_a_json_object(sandbox: SandboxProcess, content: bytes) -> None:
    answer = sandbox.control.post("/_sandbox/tiny/records/thing", content=content)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_reset_makes_new_accounts(sandbox: SandboxProcess, client: httpx.Client) -> None:
    client.post("/things", json={"ref": "k"})
    sandbox.faults("tiny", {"kind": "down"})
    sandbox.clear()

    assert [] == sandbox.fired("tiny") == sandbox.ledger("tiny", "thing")
    assert sandbox.calls("tiny")["counts"] == []
    assert client.post("/things", json={"ref": "k"}).json()["id"] == "1"
    assert [one["id"] for one in sandbox.records("tiny", "setting")] == ["account"]


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        pytest.param("POST", "/things", b"{", 400, id="not-json"),
        pytest.param("DELETE", "/things", b"", 405, id="no-such-method"),
        pytest.param("GET", "/nowhere", b"", 404, id="no-such-path"),
        pytest.param("POST", "/crash", b"", 500, id="a-fault-of-the-dialect"),
    ],
)
def test_refusals_are_in_the_vendors_words(
    client: httpx.Client, method: str, path: str, content: bytes, status: int
) -> None:
    answer = client.request(method, path, content=content)

    assert (status, {"tiny": f"broken {status}"}) == (answer.status_code, answer.json())


def test_what_fails_half_way_through_is_taken_back(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    answer = client.post("/pairs", json=[{"name": "a"}, {"no": "name"}])

    assert answer.status_code == 422
    assert sandbox.ledger("tiny", "thing") == []


def test_amounts_and_large_bodies_pass_unharmed(client: httpx.Client) -> None:
    long = "ü" * 300_000
    sent = f'{{"amount": 1200.50, "long": "{long}"}}'.encode()
    id = client.post("/things", content=sent).json()["id"]
    answer = client.get(f"/things/{id}")

    assert '"amount": 1200.50' in answer.text
    assert long == answer.json()["long"]


def test_an_id_may_hold_a_slash(sandbox: SandboxProcess, client: httpx.Client) -> None:
    assert client.get("/things/a%2Fb").status_code == 404
    assert sandbox.calls("tiny")["last"][-1]["operation"] == "thing.read"


def test_no_content_is_no_content(client: httpx.Client) -> None:
    client.post("/things", json={"name": "a"})
    answer = client.patch("/things/1", json={"name": "b"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/things/1").json()["name"] == "b"
