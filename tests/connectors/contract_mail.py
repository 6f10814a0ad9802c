"""What every adapter of the port `mail` must do, against a sandbox over the real wire.

A vendor's test module subclasses `MailContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.errors import SystemRefused
from fairlead.ports.messages import Mail, Notice

KEY = EffectKey("T-H/handoff/006Au00000XyZ1AAI/2/tell_finance/1")
ANA, BO = "ana@tarn-holloway.example", "bo@tarn-holloway.example"


@dataclass(frozen=True)
class ShownMail:
    """A mail as its recipients' server now holds it."""

    to: tuple[str, ...]
    subject: str
    text: str
    links: tuple[str, ...]
    message_id: str


class Bench(ABC):
    """One mail system with its adapter, and a look behind the scenes."""

    mail: Mail

    @abstractmethod
    def received(self) -> list[ShownMail]: ...


def a_notice(**changes: Any) -> Notice:
    values: dict[str, Any] = {
        "title": "TH-2038 waits for your approval",
        "text": "Brindle Mutual signed on 2 March.\n\nThe margin is 31 %, below the policy's 35 %.",
        "link": "https://fairlead.tarn-holloway.example/desk/7?tab=ask&x=1",
    }
    return Notice.model_validate(values | changes)


def key(number: int) -> EffectKey:
    """Keys of which one begins another: …/1 and …/10."""
    return EffectKey(f"T-H/handoff/006Au00000XyZ1AAI/2/step/{number}")


class MailContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    def test_a_notice_reaches_all_in_one_mail(self, bench: Bench) -> None:
        ref = bench.mail.send((ANA, BO), a_notice(), key=KEY)
        [mail] = bench.received()
        assert mail.to == (ANA, BO)
        assert mail.subject == "TH-2038 waits for your approval"
        assert "Brindle Mutual signed on 2 March." in mail.text
        assert "The margin is 31 %, below the policy's 35 %." in mail.text
        assert mail.links == ("https://fairlead.tarn-holloway.example/desk/7?tab=ask&x=1",)
        assert ref.id in mail.message_id

    def test_a_repeat_has_the_same_message_id_and_another_mail_another_one(
        self, bench: Bench
    ) -> None:
        refs = [bench.mail.send((ANA,), a_notice(), key=key(nr)) for nr in (1, 1, 10)]
        ids = [mail.message_id for mail in bench.received()]
        assert ids[0] == ids[1] != ids[2]
        assert refs[0] == refs[1] != refs[2]

    def test_letters_of_every_script_arrive(self, bench: Bench) -> None:
        title = "Übergabe „Größe“ — 引き継ぎ 🚀 " + "é" * 100
        text = "Привет.\n\n" + "一" * 1200 + "\n.\n..\nFrom here\n\nالنهاية"
        bench.mail.send((ANA,), a_notice(title=title, text=text), key=KEY)
        [mail] = bench.received()
        assert mail.subject == title
        assert text in mail.text

    def test_somebody_named_twice_gets_it_once(self, bench: Bench) -> None:
        bench.mail.send((ANA, BO, ANA), a_notice(), key=KEY)
        assert [mail.to for mail in bench.received()] == [(ANA, BO)]

    def test_a_mail_without_a_link_has_none(self, bench: Bench) -> None:
        bench.mail.send((ANA,), a_notice(link=None), key=KEY)
        assert [mail.links for mail in bench.received()] == [()]

    def test_a_mail_to_nobody_is_refused(self, bench: Bench) -> None:
        with pytest.raises(SystemRefused, match="nobody"):
            bench.mail.send((), a_notice(), key=KEY)

    @pytest.mark.parametrize("bad", ["", "ana", "ana@", "@b.example", "a b@c.example",
                                     "ana@b.example\r\nBcc: x@y.example", "a@b@c.example",
                                     "<ana@b.example>", "ana@b..example"])  # fmt: skip
    def test_what_is_no_address_is_refused_by_name_and_nobody_gets_it(
        self, bench: Bench, bad: str
    ) -> None:
        with pytest.raises(SystemRefused, match="no mail address"):
            bench.mail.send((ANA, bad), a_notice(), key=KEY)
        assert bench.received() == []

    def test_a_ping_is_answered_and_sends_nothing(self, bench: Bench) -> None:
        bench.mail.ping()
        assert bench.received() == []
