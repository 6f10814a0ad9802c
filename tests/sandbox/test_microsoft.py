"""The Microsoft dialect is as strict as Graph about who asks, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.microsoft import Microsoft
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

SETTINGS = Microsoft.example_settings()
DRIVE = f"/v1.0/drives/{SETTINGS['drive_id']}"
TEAM = f"/v1.0/teams/{SETTINGS['team_id']}"
GRAPH = "https://graph.microsoft.com"


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    little = {**SETTINGS, "application_roles": ["User.ReadBasic.All"], "sender_scopes": []}
    world = World(
        systems=(
            SystemSpec(id="microsoft", dialect="microsoft", settings=SETTINGS),
            SystemSpec(id="little", dialect="microsoft", settings=little),
        )
    )
    with SandboxProcess(world) as process:
        yield process


@pytest.fixture
def tenant(running: SandboxProcess) -> SandboxProcess:
    running.clear()
    return running


def client(tenant: SandboxProcess, system: str = "microsoft", **form: str) -> httpx.Client:
    """Signed in: as the application, or with another grant."""
    url = f"{tenant.url}/{system}"
    with httpx.Client(base_url=url, timeout=10, trust_env=False, verify=trusted()) as plain:
        got = token(plain, **form)
    assert got.status_code == 200, got.text
    headers = {"authorization": f"Bearer {got.json()['access_token']}"}
    return httpx.Client(
        base_url=url, timeout=10, trust_env=False, verify=trusted(), headers=headers
    )


def token(line: httpx.Client, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": SETTINGS["client_id"],
        "client_secret": SETTINGS["client_secret"],
        "scope": f"{GRAPH}/.default",
    }
    return line.post(f"/{SETTINGS['tenant_id']}/oauth2/v2.0/token", data=form | changes)


def as_sender(tenant: SandboxProcess) -> httpx.Client:
    return client(
        tenant,
        grant_type="refresh_token",
        refresh_token=SETTINGS["refresh_token"],
        scope=f"offline_access {GRAPH}/ChannelMessage.Send {GRAPH}/ChannelMessage.Read.All",
    )


@pytest.fixture
def app(tenant: SandboxProcess) -> Iterator[httpx.Client]:
    with client(tenant) as line:
        yield line


@pytest.fixture
def channel(app: httpx.Client) -> str:
    [general] = app.get(f"{TEAM}/channels").json()["value"]
    return f"{TEAM}/channels/{general['id']}"


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


# -- signing in --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 400, "unauthorized_client"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "gone"}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_sign_in_is_refused(
    app: httpx.Client, changes: dict[str, str], status: int, kind: str
) -> None:
    reply = token(app, **changes)
    assert (reply.status_code, reply.json()["error"]) == (status, kind)


def test_without_a_token_nothing_is_shown(app: httpx.Client) -> None:
    for header in ("", "Bearer made-up", "Basic abc"):
        reply = app.get(f"{DRIVE}/root", headers={"authorization": header})
        assert code(reply) == (401, "InvalidAuthenticationToken")


def test_a_permission_that_was_not_consented_to_is_missed(tenant: SandboxProcess) -> None:
    with client(tenant, "little") as line:
        for path in (f"{DRIVE}/root", f"{TEAM}/members", f"{TEAM}/channels"):
            assert line.get(path).status_code == 403
        refused = token(
            line,
            grant_type="refresh_token",
            refresh_token=SETTINGS["refresh_token"],
            scope=f"{GRAPH}/ChannelMessage.Send",
        )
        assert refused.json()["error"] == "invalid_grant"


def test_a_fresher_refresh_token_is_given_and_the_old_one_stays_good(
    tenant: SandboxProcess,
) -> None:
    with as_sender(tenant) as line:
        scope = f"offline_access {GRAPH}/ChannelMessage.Send"
        form = {"grant_type": "refresh_token", "scope": scope}
        first = token(line, **form, refresh_token=SETTINGS["refresh_token"]).json()
        assert token(line, **form, refresh_token=first["refresh_token"]).status_code == 200
        assert token(line, **form, refresh_token=SETTINGS["refresh_token"]).status_code == 200


# -- the library -------------------------------------------------------------------------------


def folder(app: httpx.Client, name: str = "TH-1", **more: str) -> httpx.Response:
    body: dict[str, Any] = {"name": name, "folder": {}, **more}
    return app.post(f"{DRIVE}/root:/Engagements:/children", json=body)


def test_a_name_is_given_once_whatever_its_case(app: httpx.Client) -> None:
    assert folder(app).status_code == 201
    assert code(folder(app, "th-1")) == (409, "nameAlreadyExists")


@pytest.mark.parametrize("name", ["a/b", "a:b", " a", "a ", "a.", "CON", "_vti_x", "~$a", 'a"'])
def test_a_name_that_sharepoint_does_not_take_is_refused(app: httpx.Client, name: str) -> None:
    assert code(folder(app, name)) == (400, "invalidRequest")


def test_an_unknown_property_is_refused(app: httpx.Client) -> None:
    assert code(folder(app, colour="red")) == (400, "BadRequest")


def test_another_site_or_drive_is_not_found(app: httpx.Client) -> None:
    assert app.get("/v1.0/drives/other/root").status_code == 404
    assert app.get("/v1.0/sites/other/drive/root").status_code == 404
    assert app.get(f"/v1.0/sites/{SETTINGS['site_id']}/drive/root").status_code == 200


def test_an_unknown_column_is_neither_written_nor_searched(app: httpx.Client) -> None:
    item = folder(app).json()["id"]
    written = app.patch(f"{DRIVE}/items/{item}/listItem/fields", json={"Other": "x"})
    assert written.status_code == 400
    asked = {"$filter": "fields/Other eq 'x'"}
    assert app.get(f"{DRIVE}/list/items", params=asked).status_code == 400


def test_ranges_come_in_order_and_in_the_right_lengths(app: httpx.Client) -> None:
    item = folder(app).json()["id"]
    unit = 320 * 1024
    session = app.post(f"{DRIVE}/items/{item}:/a.bin:/createUploadSession", json={}).json()
    with httpx.Client(timeout=10, trust_env=False, verify=trusted()) as plain:

        def put(first: int, length: int, total: int) -> int:
            said = {"content-range": f"bytes {first}-{first + length - 1}/{total}"}
            return plain.put(session["uploadUrl"], content=b"x" * length, headers=said).status_code

        assert put(0, unit - 1, 2 * unit) == 400
        assert put(0, unit, unit + 10) == 202
        assert put(0, unit, unit + 10) == 416
        assert app.get(f"{DRIVE}/items/{item}:/a.bin:").status_code == 404
        assert put(unit, 10, unit + 10) == 201
    assert app.get(f"{DRIVE}/items/{item}:/a.bin:").json()["size"] == unit + 10


def test_an_unknown_label_is_refused_and_a_known_one_is_set_twice(app: httpx.Client) -> None:
    label = f"{DRIVE}/items/{folder(app).json()['id']}/retentionLabel"
    assert app.patch(label, json={"name": "Forever"}).status_code == 400
    assert app.get(label).json()["name"] is None
    known = {"name": SETTINGS["retention_labels"][0]}
    assert [app.patch(label, json=known).status_code for _ in range(2)] == [201, 200]
    assert app.get(label).json()["name"] == known["name"]


def test_a_locked_record_is_not_changed(tenant: SandboxProcess, app: httpx.Client) -> None:
    tenant.plant("microsoft", "retention_labels", {"name": "Record", "is_record": True})
    body = {"name": "a.pdf", "content": "x", "retention": "Record"}
    item = tenant.plant("microsoft", "drive_items", body)["id"]
    reply = app.patch(f"{DRIVE}/items/{item}/listItem/fields", json={"FairleadKey": "k"})
    assert code(reply) == (403, "accessDenied")


# -- the team ----------------------------------------------------------------------------------


def test_an_application_may_not_post(app: httpx.Client, channel: str) -> None:
    reply = app.post(f"{channel}/messages", json={"body": {"content": "Hello"}})
    assert code(reply) == (401, "Unauthorized")
    assert "only for import purposes" in reply.text


def test_a_person_in_the_team_may_post(tenant: SandboxProcess, channel: str) -> None:
    with as_sender(tenant) as line:
        reply = line.post(f"{channel}/messages", json={"body": {"content": "Hello"}})
        assert reply.status_code == 201
        [held] = line.get(f"{channel}/messages").json()["value"]
        assert held["id"] == reply.json()["id"]


def test_a_page_of_messages_has_fifty_at_most(tenant: SandboxProcess, channel: str) -> None:
    with as_sender(tenant) as line:
        assert line.get(f"{channel}/messages", params={"$top": "51"}).status_code == 400


@pytest.mark.parametrize("name", ["a" * 51, "a#b", "_a", ".a", "a.", "a..b", "", "General"])
def test_a_channel_name_that_teams_does_not_take_is_refused(app: httpx.Client, name: str) -> None:
    assert code(app.post(f"{TEAM}/channels", json={"displayName": name})) == (400, "BadRequest")


def test_a_private_channel_wants_an_owner_from_the_team(
    tenant: SandboxProcess, app: httpx.Client
) -> None:
    outside = tenant.plant("microsoft", "users", {"mail": "ada@th.example"})["id"]

    def made(*members: tuple[str, list[str]]) -> int:
        bound = [
            {
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "roles": roles,
                "user@odata.bind": f"{GRAPH}/v1.0/users('{id}')",
            }
            for id, roles in members
        ]
        body = {"displayName": "Secret", "membershipType": "private", "members": bound}
        return app.post(f"{TEAM}/channels", json=body).status_code

    sender = SETTINGS["sender_id"]
    assert made() == 400
    assert made((sender, [])) == 400
    assert made((sender, ["owner"]), (outside, [])) == 400
    assert made((sender, ["owner"]), ("nobody", [])) == 404
    assert made((sender, ["owner"])) == 201
