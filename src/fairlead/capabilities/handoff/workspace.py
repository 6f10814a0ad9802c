"""Where people work on an engagement: its folder, its channel, its documents, its messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fairlead.capabilities.handoff.changes import with_document, with_ref
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import ExternalRef, Value
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Policies, decide
from fairlead.ports.messages import Notice
from fairlead.store.tasks import task_id

#: What a statement of work is filed as, and what `document-retention` calls it.
STATEMENT_OF_WORK = "statement_of_work"


class RetentionFacts(Value):
    """What `document-retention` may ask."""

    kind: str
    country: str
    region: str
    contract_type: str


@dataclass(frozen=True)
class Meeting:
    """Who belongs in an engagement's folder and channel, and where its pages are."""

    members: Callable[[Engagement], tuple[str, ...]]  #: e-mail addresses
    approvers: Callable[[str, Engagement], tuple[str, ...]]  #: role → addresses of its holders
    address: str  #: of Fairlead, as a person's browser knows it, without a slash at its end

    def page(self, engagement: Engagement, tab: str = "") -> str:
        return f"{self.address}/engagements/{engagement.number}{tab}"


def register(registry: Registry, policies: Policies, meeting: Meeting) -> None:
    """Add the actions on documents, chat and mail."""

    @registry.action(
        "create_folder",
        on="documents",
        safe="The repository keeps the key with the folder, where it is looked up before a repeat.",
    )
    def create_folder(call: OutwardCall) -> Done:
        """The engagement's folder, with the people who work on it (F020)."""
        engagement: Engagement = call.subject
        code, members = call.results["plan_setup"]["code"], meeting.members(engagement)
        ref = call.once(
            "documents.create_folder",
            request={"code": code, "members": list(members)},
            call=lambda key: call.port.create_folder(
                code=code, name=_title(engagement), members=members, key=key
            ),
            find=call.port.find_folder,
        )
        url = call.port.folder_url(ref)
        return Done({"folder": str(ref), "url": url}, with_ref("folder", ref))

    @registry.action(
        "create_channel",
        on="chat",
        safe="The chat system keeps the key with the channel, and it is looked up before a repeat.",
    )
    def create_channel(call: OutwardCall) -> Done:
        """The engagement's channel, with the people who work on it (F020)."""
        engagement: Engagement = call.subject
        code, members = call.results["plan_setup"]["code"], meeting.members(engagement)
        ref = call.once(
            "chat.create_channel",
            request={"code": code, "members": list(members)},
            call=lambda key: call.port.create_channel(
                code=code, name=_title(engagement), members=members, key=key
            ),
            find=call.port.find_channel,
        )
        url = call.port.channel_url(ref)
        return Done({"channel": str(ref), "url": url}, with_ref("channel", ref))

    @registry.action("fetch_statement_of_work", on="contracts", safe="It only reads.")
    def fetch_statement_of_work(call: OutwardCall) -> Done:
        """The signed statement of work, kept until it is filed."""
        agreement = call.subject.agreement
        kept = [
            {
                "name": document.name,
                "media_type": document.media_type,
                "digest": call.keep(
                    call.port.document(agreement.ref.id, document.id), document.media_type
                ),
            }
            for document in agreement.documents
        ]
        return Done({"documents": kept})

    @registry.action(
        "file_statement_of_work",
        on="documents",
        safe="Each document is an effect of its own, found again by its key and its content.",
    )
    def file_statement_of_work(call: OutwardCall) -> Done:
        """File what was signed, under the retention class of its place (F021)."""
        engagement: Engagement = call.subject
        deal = terms(engagement)
        decision = call.note(
            decide(
                policies.as_of("document-retention", call.now),
                RetentionFacts(
                    kind=STATEMENT_OF_WORK,
                    country=deal.country or "",
                    region=deal.region or "",
                    contract_type=deal.contract_type or "",
                ),
                call.now,
            )
        )
        retention = str(decision.answer["retention"])
        folder: ExternalRef = engagement.refs["folder"]
        filed: list[FiledDocument] = []
        for number, kept in enumerate(call.results["fetch_statement_of_work"]["documents"], 1):
            content = call.kept(kept["digest"])
            ref = call.once(
                "documents.file_document",
                part=str(number),
                request={**kept, "retention": retention, "folder": str(folder)},
                call=lambda key, kept=kept, content=content: call.port.file_document(
                    folder,
                    name=kept["name"],
                    media_type=kept["media_type"],
                    content=content,
                    retention=retention,
                    key=key,
                ),
                find=lambda key: call.port.find_document(folder, key=key),
            )
            filed.append(call.port.document(ref, kind=STATEMENT_OF_WORK))
        return Done(
            {"documents": [str(document.ref) for document in filed], "retention": retention},
            with_document(*filed),
        )

    @registry.action("announce_launch", on="chat", safe="The post carries the key.")
    def announce_launch(call: OutwardCall) -> Done:
        """The kick-off notice in the engagement's channel (F019)."""
        return _post(call, _kick_off(call.subject, meeting))

    @registry.action("ask_in_chat", on="chat", safe="The post carries the key.")
    def ask_in_chat(call: OutwardCall) -> Done:
        """Say in the channel that the launch waits for approval, with the way to its page."""
        return _post(call, _request(call.subject, call.run.id, meeting))

    @registry.action("mail_launch", on="mail", safe="A repeat has the same Message-ID.")
    def mail_launch(call: OutwardCall) -> Done:
        """The kick-off notice by mail to everybody who works on it (F019)."""
        return _mail(call, meeting.members(call.subject), _kick_off(call.subject, meeting))

    @registry.action("mail_approvers", on="mail", safe="A repeat has the same Message-ID.")
    def mail_approvers(call: OutwardCall) -> Done:
        """Tell who may approve the launch; they decide on a signed-in page (F217)."""
        roles = ("pmo_lead", "controller")
        addresses = {a for role in roles for a in meeting.approvers(role, call.subject)}
        notice = _request(call.subject, call.run.id, meeting)
        return _mail(call, tuple(sorted(addresses)), notice)


def _title(engagement: Engagement) -> str:
    client = terms(engagement).client
    return f"{client.name}: {engagement.deal.name}" if client else engagement.deal.name


def _kick_off(engagement: Engagement, meeting: Meeting) -> Notice:
    deal = terms(engagement)
    client = deal.client.name if deal.client else "the client"
    return Notice(
        title=f"{engagement.number} is launched: {_title(engagement)}"[:1000],
        text=f"{engagement.deal.name} for {client} is launched as {engagement.project_code}.\n\n"
        f"{deal.value}, from {deal.starts_on} to {deal.ends_on}. Everything that delivery needs "
        "is in the packet.",
        link=meeting.page(engagement, "/packet"),
        link_text="Open the packet",
    )


def _request(engagement: Engagement, run_id: str, meeting: Meeting) -> Notice:
    task = task_id(run_id, "launch_approval", 1)
    return Notice(
        title=f"{engagement.number} waits for its launch approval"[:1000],
        text=f"{_title(engagement)} is set up: {terms(engagement).value}.\n\nThe decision is made "
        "in Fairlead, with the packet in front of you.",
        link=f"{meeting.address}/approve/{task}",
        link_text="Look at it and decide",
    )


def _post(call: OutwardCall, notice: Notice) -> Done:
    channel: ExternalRef = call.subject.refs["channel"]
    ref = call.once(
        "chat.post",
        request={"channel": str(channel), "title": notice.title},
        call=lambda key: call.port.post(channel, notice, key=key),
        find=lambda key: call.port.find_post(channel, key=key),
    )
    return Done({"post": str(ref)})


def _mail(call: OutwardCall, to: tuple[str, ...], notice: Notice) -> Done:
    if not to:
        return Done({"to": 0})
    ref = call.once(
        "mail.send",
        request={"to": list(to), "title": notice.title},
        call=lambda key: call.port.send(to, notice, key=key),
        find=None,
    )
    return Done({"mail": str(ref), "to": len(to)})
