"""What the Microsoft connector can do, and what repeating each of it means.

Names are unique within a SharePoint folder, and a repeat asks for the same name with
`conflictBehavior: fail`: so nothing in a library is made twice (L2). Channels and messages are
only found again (L1); Graph documents no lag for their lists, and no longest processing time.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.microsoft.chat import TeamsChat
from fairlead.connectors.microsoft.documents import SharePointDocuments
from fairlead.connectors.microsoft.graph import connect
from fairlead.connectors.microsoft.settings import MicrosoftSettings

_SETTLED = timedelta(minutes=10)

CONNECTOR = Connector(
    name="microsoft",
    title="Microsoft 365 (SharePoint and Teams)",
    settings=MicrosoftSettings,
    ports={"documents": SharePointDocuments, "chat": TeamsChat},
    operations={
        "documents.ping": Reads(),
        "documents.create_folder": Writes(Level.L2, "documents.find_folder", _SETTLED),
        "documents.find_folder": Reads(),
        "documents.folder_url": Reads(),
        "documents.file_document": Writes(Level.L2, "documents.find_document", _SETTLED),
        "documents.find_document": Reads(),
        "documents.document": Reads(),
        "documents.changed_since": Reads(),
        "documents.placed": Reads(),
        "chat.ping": Reads(),
        "chat.create_channel": Writes(Level.L1, "chat.find_channel", _SETTLED),
        "chat.find_channel": Reads(),
        "chat.channel_url": Reads(),
        "chat.post": Writes(Level.L1, "chat.find_post", _SETTLED),
        "chat.find_post": Reads(),
    },
    # Teams allows one message a second in a channel, and four calls a second per team; SharePoint
    # counts resource units a minute by tenant size
    # (https://learn.microsoft.com/en-us/graph/throttling-limits).
    rate=Rate(per_second=4, at_once=4),
    mapping=Path(__file__).with_name("mapping.yaml"),
    docs="https://learn.microsoft.com/en-us/graph/api/overview?view=graph-rest-1.0",
    connect=connect,
)
