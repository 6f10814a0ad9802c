"""The parts of Graph's answers that we rely on. Unknown fields are tolerated."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True)


class Access(_Shape):
    """A token; `lasts_s` seconds from the moment in which it was asked for."""

    token: str = Field(alias="access_token", min_length=1)
    lasts_s: int = Field(alias="expires_in", gt=0)
    refresh_token: str | None = None


class Identity(_Shape):
    id: str | None = None


class Identities(_Shape):
    application: Identity | None = None


class Parent(_Shape):
    id: str | None = None


class FileFacet(_Shape):
    media_type: str | None = Field(default=None, alias="mimeType")


class ListItem(_Shape):
    """What a library keeps of an item in its columns."""

    fields: dict[str, Any] = Field(default_factory=dict[str, Any])


class Columns(RootModel[dict[str, Any]]):
    """The columns that were written, as they are now."""


class DriveItem(_Shape):
    """A folder or a file of a library."""

    id: str = Field(min_length=1)
    name: str
    size: int | None = None  #: bytes
    web_url: str = Field(alias="webUrl")
    created_at: AwareDatetime = Field(alias="createdDateTime", strict=False)
    created_by: Identities | None = Field(default=None, alias="createdBy")
    parent: Parent | None = Field(default=None, alias="parentReference")
    file: FileFacet | None = None
    folder: dict[str, Any] | None = None
    list_item: ListItem | None = Field(default=None, alias="listItem")
    download_url: str | None = Field(default=None, alias="@microsoft.graph.downloadUrl")
    content_tag: str | None = Field(default=None, alias="cTag")
    tag: str | None = Field(default=None, alias="eTag")


class Changed(_Shape):
    """An item of a library as its changes tell it."""

    id: str = Field(min_length=1)
    file: FileFacet | None = None
    deleted: dict[str, Any] | None = None
    content_tag: str | None = Field(default=None, alias="cTag")
    tag: str | None = Field(default=None, alias="eTag")

    @property
    def revision(self) -> str | None:
        """Of the content; where the library does not tell that, of all of it."""
        return self.content_tag or self.tag


class Uploaded(_Shape):
    """What the last range of an upload is answered with."""

    id: str = Field(min_length=1)
    size: int


class Carrier(ListItem):
    """A row of the library, with its item."""

    item: DriveItem = Field(alias="driveItem")


class UploadSession(_Shape):
    url: str = Field(alias="uploadUrl")


class Grant(_Shape):
    """One permission of an invitation; `error` where that person could not be given it."""

    error: dict[str, Any] | None = None


class Grants(_Shape):
    value: tuple[Grant, ...] = Field(strict=False)


class Label(_Shape):
    name: str | None = None


class User(_Shape):
    id: str = Field(min_length=1)


class Member(_Shape):
    user_id: str | None = Field(default=None, alias="userId")


class Channel(_Shape):
    id: str = Field(min_length=1)
    description: str | None = None
    web_url: str | None = Field(default=None, alias="webUrl")


class Attachment(_Shape):
    id: str | None = None


class Message(_Shape):
    id: str = Field(min_length=1)
    deleted_at: str | None = Field(default=None, alias="deletedDateTime")
    attachments: tuple[Attachment, ...] = Field(default=(), strict=False)


class Page(_Shape):
    value: list[Any]
    next: str | None = Field(default=None, alias="@odata.nextLink")


def where(bad: ValidationError) -> str:
    """The paths at which an answer is not of our shape, without what stood there."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in bad.errors()
    )
