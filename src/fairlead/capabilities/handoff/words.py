"""Conditions and messages of the handoff: which steps an engagement needs, and what people hear."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.domain.model.agreement import AgreementStatus
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import terms
from fairlead.flow.calls import Call
from fairlead.flow.registry import Registry

#: Whether a firm has a system for a port, for these facts.
Connected = Callable[[str, Mapping[str, str | None]], bool]

#: Condition → the port whose system it asks about.
_PORTS = {
    "crm_connected": "crm",
    "people_connected": "people",
    "documents_connected": "documents",
    "chat_connected": "chat",
    "mail_connected": "mail",
    "bookkeeping_connected": "bookkeeping",
    "invoicing_connected": "invoicing",
    "procurement_connected": "procurement",
}


def register(
    registry: Registry,
    connected: Connected,
    facts: Callable[[Engagement], Mapping[str, str | None]],
) -> None:
    """Add conditions and notices."""
    for condition, port in _PORTS.items():
        _connection(registry, condition, port, connected, facts)

    @registry.condition("statement_to_file")
    def statement_to_file(call: Call) -> bool:
        """Is there a signed statement of work, and a repository to file it in?"""
        engagement: Engagement = call.subject
        agreement = engagement.agreement
        return (
            agreement is not None
            and agreement.status is AgreementStatus.SIGNED
            and bool(agreement.documents)
            and connected("documents", facts(engagement))
        )

    @registry.condition("buys_work")
    def buys_work(call: Call) -> bool:
        """Does the deal leave work to other firms (F045)?"""
        return bool(terms(call.subject).subcontracting)

    @registry.condition("has_psa_project")
    def has_psa_project(call: Call) -> bool:
        return "psa_project" in call.subject.refs

    @registry.condition("has_ledger_project")
    def has_ledger_project(call: Call) -> bool:
        return "ledger_project" in call.subject.refs

    @registry.notice("engagement_launched")
    def engagement_launched(call: Call) -> str:
        deal = terms(call.subject)
        client = deal.client.name if deal.client else "the client"
        return (
            f"{call.subject.number} {deal.name} for {client} is launched as "
            f"{call.subject.project_code}: {deal.value}, from {deal.starts_on}."
        )

    @registry.notice("staffing_wanted")
    def staffing_wanted(call: Call) -> str:
        count = len(call.results.get("request_staffing", {}).get("requests", []))
        if not count:
            return f"{call.subject.number} {call.subject.deal.name} is staffed in its parts."
        return f"{call.subject.number} {call.subject.deal.name} wants {count} roles filled."

    for event, words in {
        "project_approved": "its project is approved",
        "timesheet_completed": "a timesheet is complete",
        "milestone_accepted": "a milestone is accepted and may be billed",
        "invoice_released": "an invoice is released",
    }.items():
        _status_notice(registry, event, words)


def _connection(
    registry: Registry,
    name: str,
    port: str,
    connected: Connected,
    facts: Callable[[Engagement], Mapping[str, str | None]],
) -> None:
    @registry.condition(name)
    def connection(call: Call) -> bool:
        """Has the firm a system for it? Else the step is left out."""
        return connected(port, facts(call.subject))


def _status_notice(registry: Registry, name: str, words: str) -> None:
    @registry.notice(name)
    def notice(call: Call) -> str:
        """What happened, on which engagement, with the sender's reference (F150)."""
        reference = call.input.get("reference")
        about = f" ({reference})" if reference else ""
        return f"{call.subject.number} {call.subject.deal.name}: {words}{about}."
