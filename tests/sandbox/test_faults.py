"""Each fault, as a real HTTP client meets it."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Thread
from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.process import SandboxProcess


def create(client: httpx.Client, ref: str = "k", **fields: Any) -> httpx.Response:
    return client.post("/things", json={"ref": ref, **fields})


def made(sandbox: SandboxProcess) -> list[str]:
    """The keys of all things that were really created, in order."""
    return [row["key"] for row in sandbox.ledger("tiny", "thing") if row["operation"] == "create"]


def wait_until(true: Callable[[], bool], within_s: float = 5) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("rule", "error", "done"),
    [
        pytest.param({"kind": "lose_request"}, httpx.ReadError, [], id="request-lost"),
        pytest.param({"kind": "lose_answer"}, httpx.ReadError, ["k"], id="answer-lost"),
        pytest.param({"kind": "down"}, httpx.ReadError, [], id="down"),
        pytest.param(
            {"kind": "half_answer"}, httpx.RemoteProtocolError, ["k"], id="body-cut-short"
        ),
        pytest.param(
            {"kind": "half_answer", "how": "chunk"},
            httpx.RemoteProtocolError,
            ["k"],
            id="chunk-broken",
        ),
    ],
)
def test_no_answer(
    sandbox: SandboxProcess,
    client: httpx.Client,
    rule: dict[str, Any],
    error: type[Exception],
    done: list[str],
) -> None:
    sandbox.faults("tiny", {**rule, "times": 1})
    with pytest.raises(error):
        create(client)

    assert done == made(sandbox)
    assert sandbox.fired("tiny") == [1]
    assert create(client, "next").status_code == 201


@pytest.mark.parametrize(
    ("rule", "status", "text", "done"),
    [
        pytest.param({"kind": "status", "status": 422}, 422, "broken 422", [], id="refused"),
        pytest.param({"kind": "status", "status": 503}, 503, "broken 503", [], id="before-work"),
        pytest.param({"kind": "status_after", "status": 502}, 502, "broken 502", ["k"], id="after"),
        pytest.param({"kind": "down", "status": 503}, 503, "broken 503", [], id="down-with-503"),
        pytest.param({"kind": "html"}, 200, "Sign in to this network", [], id="captive-portal"),
        pytest.param({"kind": "html", "after": True}, 200, "<html>", ["k"], id="html-after-work"),
        pytest.param({"kind": "wrong_success"}, 200, '"success": false', [], id="error-in-200"),
        pytest.param(
            {"kind": "wrong_success", "after": True, "body": {"id": "another"}},
            200,
            "another",
            ["k"],
            id="somebody-else's-record",
        ),
        pytest.param(
            {"kind": "status", "status": 400, "body": {"why": "closed period"}},
            400,
            "closed period",
            [],
            id="body-of-our-own",
        ),
    ],
)
def test_a_wrong_answer(
    sandbox: SandboxProcess,
    client: httpx.Client,
    rule: dict[str, Any],
    status: int,
    text: str,
    done: list[str],
) -> None:
    sandbox.faults("tiny", rule)
    answer = create(client)

    assert status == answer.status_code
    assert text in answer.text
    assert done == made(sandbox)


@pytest.mark.parametrize(
    ("rule", "done"),
    [
        pytest.param({"kind": "bad_json"}, ["k"], id="after-work"),
        pytest.param({"kind": "bad_json", "after": False}, [], id="before-work"),
    ],
)
def test_broken_json_is_a_whole_http_answer(
    sandbox: SandboxProcess, client: httpx.Client, rule: dict[str, Any], done: list[str]
) -> None:
    sandbox.faults("tiny", rule)
    answer = create(client)

    assert answer.is_success
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        answer.json()
    assert done == made(sandbox)


def test_a_cut_gzip_stream_does_not_become_a_whole_answer(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "half_answer", "how": "gzip"})
    answer = create(client, name="x" * 200)

    assert answer.headers["content-encoding"] == "gzip"
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        answer.json()


def test_a_late_commit_happens_after_the_client_has_gone(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "late_commit", "delay_s": 0.6})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/things", json={"ref": "late"}, timeout=0.2)
    client.close()  # even the connection is gone

    assert made(sandbox) == []
    wait_until(lambda: made(sandbox) == ["late"])


def test_a_patient_client_gets_the_answer_of_a_late_commit(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "late_commit", "delay_s": 0.2})

    assert create(client).status_code == 201


def test_a_late_commit_from_before_a_reset_never_happens(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "late_commit", "delay_s": 30})
    failed: list[Exception] = []

    def ask() -> None:
        try:
            create(client)
        except httpx.ReadError as reset:
            failed.append(reset)

    asking = Thread(target=ask)
    asking.start()
    wait_until(lambda: sandbox.fired("tiny") == [1])
    sandbox.clear()
    asking.join(5)

    assert len(failed) == 1
    assert made(sandbox) == []


def test_slow_systems_hold_up_nobody_else(sandbox: SandboxProcess, client: httpx.Client) -> None:
    sandbox.faults("tiny", {"kind": "slow", "delay_s": 1})
    with pytest.raises(httpx.ReadTimeout):
        client.get("/things", timeout=0.1)
    began = time.monotonic()
    httpx.get(f"{sandbox.url}/other/things", trust_env=False, verify=trusted())

    assert time.monotonic() - began < 0.5


def test_a_dripping_answer_is_whole_in_the_end(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "slow", "drip_s": 0.01})
    began = time.monotonic()
    answer = create(client)

    assert answer.json()["ref"] == "k"
    assert time.monotonic() - began > 0.01 * len(answer.content)


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [
        pytest.param(7, "7", id="seconds"),
        pytest.param(999999, "999999", id="a-lie"),
        pytest.param("-5", "-5", id="negative"),
        pytest.param("NaN", "NaN", id="not-a-number"),
        pytest.param("none", None, id="no-header"),
        pytest.param(None, None, id="left-to-the-vendor"),
    ],
)
def test_a_rate_limit_speaks_the_vendors_words(
    sandbox: SandboxProcess,
    client: httpx.Client,
    retry_after: float | str | None,
    header: str | None,
) -> None:
    sandbox.faults("tiny", {"kind": "rate_limit", "retry_after": retry_after})
    answer = create(client)

    assert (answer.status_code, answer.json()) == (429, {"tiny": "too many"})
    assert header == answer.headers.get("retry-after")
    assert made(sandbox) == []


def test_a_rate_limit_may_name_a_date(sandbox: SandboxProcess, client: httpx.Client) -> None:
    sandbox.faults("tiny", {"kind": "rate_limit", "retry_after": "date"})

    ahead_s = parsedate_to_datetime(create(client).headers["retry-after"]).timestamp() - time.time()
    assert 0 < ahead_s <= 2


def test_a_quota_lets_so_many_through_and_says_when_to_come_back(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "quota", "limit": 3, "window_s": 0.5})
    answers = [create(client, str(n)) for n in range(5)]

    assert [one.status_code for one in answers] == [201, 201, 201, 429, 429]
    time.sleep(float(answers[-1].headers["retry-after"]) + 0.01)
    assert create(client, "later").status_code == 201


def test_a_rule_may_end_by_itself(sandbox: SandboxProcess, client: httpx.Client) -> None:
    sandbox.faults("tiny", {"kind": "down", "for_s": 0.3})
    with pytest.raises(httpx.ReadError):
        create(client)

    def is_up() -> bool:
        try:
            return create(client, "again").is_success
        except httpx.ReadError:
            return False

    wait_until(is_up)


def test_expired_tokens_want_a_new_sign_in(sandbox: SandboxProcess) -> None:
    with httpx.Client(
        base_url=f"{sandbox.url}/locked", trust_env=False, verify=trusted()
    ) as client:

        def sign_in() -> None:
            token = client.post("/token", data={"secret": "s3cret"}).json()["access_token"]
            client.headers["authorization"] = f"Bearer {token}"

        assert create(client).status_code == 401
        sign_in()
        sandbox.faults("locked", {"kind": "expire_tokens"})
        assert [create(client).status_code, create(client).status_code] == [401, 401]
        sign_in()
        assert [create(client).status_code, client.get("/things").status_code] == [201, 200]
    assert sandbox.fired("locked") == [1]


def test_a_partial_page_still_counts_what_it_lacks(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    for n in range(5):
        create(client, str(n))
    sandbox.faults("tiny", {"kind": "partial_page", "at": "things", "keep": 2})
    page = client.get("/things").json()

    assert (page["total"], len(page["things"])) == (5, 2)


@pytest.mark.parametrize("kind", ["list", "search", "read"])
def test_a_stale_read_misses_what_was_just_written(
    sandbox: SandboxProcess, client: httpx.Client, kind: str
) -> None:
    id = create(client).json()["id"]

    def sees_it() -> bool:
        match kind:
            case "list":
                return client.get("/things").json()["total"] == 1
            case "search":
                return len(client.post("/search", json={"ref": "k"}).json()) == 1
            case _:
                return client.get(f"/things/{id}").status_code == 200

    assert sees_it()
    sandbox.faults("tiny", {"kind": "stale_read", "delay_s": 1})
    assert not sees_it()
    assert create(client).status_code == 409  # writes know the truth
    wait_until(sees_it)


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        pytest.param({"how": "rename", "to": "title"}, {"title": "a", "n": 1200.5}, id="rename"),
        pytest.param({"how": "remove"}, {"n": 1200.5}, id="remove"),
        pytest.param({"how": "retype"}, {"name": ["a"], "n": 1200.5}, id="text-becomes-a-list"),
        pytest.param({"how": "set", "to": "?"}, {"name": "?", "n": 1200.5}, id="unknown-value"),
        pytest.param(
            {"how": "retype", "at": "things.*.n"}, {"name": "a", "n": "1,200.5"}, id="comma"
        ),
    ],
)
def test_drift(
    sandbox: SandboxProcess, client: httpx.Client, rule: dict[str, Any], seen: dict[str, Any]
) -> None:
    create(client, name="a", n=1200.5)
    sandbox.faults("tiny", {"kind": "drift", "at": "things.*.name", **rule})
    thing = client.get("/things").json()["things"][0]

    assert {**seen, "id": "1", "ref": "k"} == thing
    assert sandbox.records("tiny", "thing")[0]["body"]["name"] == "a"


# -- which call a rule strikes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "statuses"),
    [
        pytest.param({"operation": "thing.*"}, [503, 503], id="operation"),
        pytest.param({"operation": "thing.create"}, [503, 200], id="one-operation"),
        pytest.param({"method": "get"}, [201, 503], id="method"),
        pytest.param({"path": "/thing?"}, [503, 503], id="path"),
        pytest.param({"path": "/other/*"}, [201, 200], id="other-path"),
        pytest.param({"key": "EN/7"}, [503, 200], id="key-in-the-body"),
        pytest.param({"key": "EN/8"}, [201, 200], id="other-key"),
    ],
)
def test_a_rule_strikes_what_it_matches(
    sandbox: SandboxProcess, client: httpx.Client, match: dict[str, str], statuses: list[int]
) -> None:
    sandbox.faults("tiny", {"kind": "status", "status": 503, "match": match})

    assert statuses == [create(client, "EN/7").status_code, client.get("/things").status_code]


def test_a_key_is_also_found_in_a_percent_encoded_path(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("tiny", {"kind": "status", "status": 503, "match": {"key": "EN/7"}})

    assert client.get("/things/EN%2F7").status_code == 503


def test_the_first_rule_that_strikes_wins(sandbox: SandboxProcess, client: httpx.Client) -> None:
    sandbox.faults(
        "tiny",
        {"kind": "status", "status": 501, "skip": 2, "times": 1},
        {"kind": "status", "status": 502, "times": 2},
        {"kind": "status", "status": 503, "match": {"method": "DELETE"}},
    )

    assert [create(client).status_code for _ in range(4)] == [502, 502, 501, 201]
    assert sandbox.fired("tiny") == [1, 2, 0]


def test_chance_is_the_same_for_the_same_seed(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    def story(seed: int) -> list[int]:
        sandbox.faults("tiny", {"kind": "status", "status": 503, "chance": 0.5, "seed": seed})
        return [client.get("/things").status_code for _ in range(60)]

    first = story(1)
    assert first == story(1)
    assert first != story(2)
    assert 15 < first.count(503) < 45


def test_faults_of_one_system_leave_the_others_alone(
    sandbox: SandboxProcess, client: httpx.Client
) -> None:
    sandbox.faults("other", {"kind": "down"})

    assert create(client).status_code == 201
    sandbox.clear()
    assert httpx.get(f"{sandbox.url}/other/things", trust_env=False, verify=trusted()).is_success


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"kind": "meteor"}, id="unknown-kind"),
        pytest.param({"kind": "down", "delay": 3}, id="unknown-field"),
        pytest.param({"kind": "late_commit"}, id="no-delay"),
        pytest.param({"kind": "drift", "how": "rename", "at": "a"}, id="no-new-name"),
        pytest.param({"kind": "status", "status": 200}, id="not-an-error"),
        pytest.param({"kind": "slow"}, id="not-slow"),
        pytest.param({"kind": "html", "how": "cut"}, id="a-field-of-another-kind"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(
    sandbox: SandboxProcess, rule: dict[str, Any]
) -> None:
    with pytest.raises(RuntimeError, match="422"):
        sandbox.faults("tiny", rule)
