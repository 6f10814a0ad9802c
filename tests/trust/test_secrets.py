"""A secret is read where it is named, again when it changes, and shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.errors import InvalidDefinition
from fairlead.trust.secrets import Secrets, SecretSource

KEY = SecretSource(file=Path("keys/erp.pem"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "erp.pem").write_text("hunter2\n")
    return tmp_path


def test_a_rotated_file_is_read_again_without_a_restart(data: Path) -> None:
    secrets = Secrets(data, {})
    assert secrets.get(KEY).get_secret_value() == "hunter2"

    fresh = data / "keys" / "next"
    fresh.write_text("hunter3\n")  # as long as the old one, and within the same moment
    fresh.replace(data / "keys" / "erp.pem")

    assert secrets.get(KEY).get_secret_value() == "hunter3"


def test_an_absolute_path_and_the_environment_serve_too(data: Path) -> None:
    secrets = Secrets(Path("/nowhere"), {"TOKEN": "abc"})

    assert secrets.get(SecretSource(env="TOKEN")).get_secret_value() == "abc"
    absolute = SecretSource(file=data / "keys" / "erp.pem")
    assert secrets.get(absolute).get_secret_value() == "hunter2"


def test_a_secret_is_not_shown(data: Path) -> None:
    assert "hunter2" not in repr(Secrets(data, {}).get(KEY))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param("\n", "is empty", id="empty"),
        pytest.param("x" * 70_000, "longer than", id="no-secret-is-so-long"),
    ],
)
def test_a_file_that_cannot_serve_is_named(data: Path, content: str | None, words: str) -> None:
    file = data / "keys" / "erp.pem"
    file.unlink() if content is None else file.write_text(content)

    with pytest.raises(InvalidDefinition, match=words) as caught:
        Secrets(data, {}).get(KEY)

    assert str(file) in str(caught.value)


def test_a_variable_that_is_not_set_is_named(data: Path) -> None:
    with pytest.raises(InvalidDefinition, match="ERP_TOKEN is not set"):
        Secrets(data, {"ERP_TOKEN": ""}).get(SecretSource(env="ERP_TOKEN"))
