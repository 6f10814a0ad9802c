"""What every adapter of the port `chat` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `ChatContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import EffectConflict
from fairlead.ports.messages import Chat, Notice


@dataclass(frozen=True)
class ShownChannel:
    """A channel as people now see it."""

    name: str
    members: frozenset[str]  #: e-mail addresses of those who are in


@dataclass(frozen=True)
class ShownPost:
    """A message as people now read it: what looks like markup in it is letters."""

    text: str  #: the title and all paragraphs
    links: tuple[str, ...]


class Bench(ABC):
    """One system with its adapter, and a look behind the scenes."""

    chat: Chat
    people: tuple[str, str, str]  #: e-mail addresses that the system knows
    stranger: str  #: one that it does not know

    @abstractmethod
    def channel(self, ref: ExternalRef) -> ShownChannel: ...

    @abstractmethod
    def posts(self, channel: ExternalRef) -> list[ShownPost]:
        """All messages in a channel, oldest first, without those that the system itself writes."""

    @abstractmethod
    def count(self) -> int:
        """How many channels there are."""

    @abstractmethod
    def crowd(self, count: int) -> None:
        """People add so many channels of other names, without our key."""

    @abstractmethod
    def chatter(self, channel: ExternalRef, count: int) -> None:
        """People post so many messages in a channel."""

    @abstractmethod
    def carry_again(self, key: EffectKey) -> None:
        """Another channel that carries the same key."""

    @abstractmethod
    def post_again(self, channel: ExternalRef, key: EffectKey) -> None:
        """Another message in this channel that carries the same key."""


KEY = EffectKey("T-H/handoff/006Au00000XyZ1AAI/2/create_channel/1")


def key(number: int) -> EffectKey:
    """Keys of which one begins another: …/1 and …/10."""
    return EffectKey(f"T-H/handoff/006Au00000XyZ1AAI/2/post/{number}")


def a_notice(
    title: str = "The baseline is ready",
    text: str = "Please have a look.\n\nIt waits for you until Friday.",
    link: str | None = "https://fairlead.example/engagements/TH-2038",
) -> Notice:
    return Notice(title=title, text=text, link=link)


class ChatContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    @pytest.fixture
    def made(self, bench: Bench) -> ExternalRef:
        return self.create(bench)

    def create(
        self,
        bench: Bench,
        *,
        code: str = "TH-2038",
        name: str = "Claims platform renewal",
        members: tuple[str, ...] | None = None,
        key: EffectKey = KEY,
    ) -> ExternalRef:
        known = bench.people[:2] if members is None else members
        return bench.chat.create_channel(code=code, name=name, members=known, key=key)

    def test_a_system_that_lets_us_in_answers_a_ping(self, bench: Bench) -> None:
        bench.chat.ping()

    # -- channels ----------------------------------------------------------------------------

    def test_a_channel_is_found_again_by_its_key(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.chat.find_channel(KEY) == made

    def test_a_key_that_was_never_used_finds_nothing(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.chat.find_channel(key(99)) is None
        assert bench.chat.find_post(made, key=key(99)) is None

    def test_a_channel_is_named_by_the_code(self, bench: Bench, made: ExternalRef) -> None:
        assert "th-2038" in bench.channel(made).name.casefold()

    def test_those_who_are_asked_in_are_members(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.channel(made).members >= set(bench.people[:2])

    def test_somebody_whom_the_system_does_not_know_is_left_out(self, bench: Bench) -> None:
        members = (bench.stranger, bench.people[2])
        ref = self.create(bench, members=members)
        assert bench.channel(ref).members >= {bench.people[2]}
        assert bench.stranger not in bench.channel(ref).members
        assert bench.chat.find_channel(KEY) == ref

    def test_a_member_may_be_named_twice(self, bench: Bench) -> None:
        person = bench.people[0]
        ref = self.create(bench, members=(person, person.upper(), person))
        assert bench.channel(ref).members >= {person}

    def test_a_channel_may_have_no_members_yet(self, bench: Bench) -> None:
        ref = self.create(bench, members=())
        assert bench.chat.find_channel(KEY) == ref

    @pytest.mark.parametrize(
        "name",
        [
            "Ångström & Søn — «Überführung» №1",
            "東京電力プロジェクト第二期",
            'Quotes " and \\ and <b>tags</b> & 100 % + #more. ~ ',
            "🚀 " + "ß" * 298,
            "a" * 300,
            "_.",
            "'",
        ],
    )
    def test_whatever_the_name_the_channel_is_made_and_found(self, bench: Bench, name: str) -> None:
        ref = self.create(bench, name=name)
        assert bench.chat.find_channel(KEY) == ref
        assert "th-2038" in bench.channel(ref).name.casefold()

    def test_another_key_is_another_channel(self, bench: Bench, made: ExternalRef) -> None:
        other = self.create(bench, code="TH-2039", key=key(2))
        assert other != made
        assert bench.chat.find_channel(KEY) == made
        assert bench.chat.find_channel(key(2)) == other

    def test_keys_that_begin_one_another_are_kept_apart(self, bench: Bench) -> None:
        ten = self.create(bench, code="TH-10", key=key(10))
        assert bench.chat.find_channel(key(1)) is None
        one = self.create(bench, code="TH-1", key=key(1))
        assert bench.chat.find_channel(key(1)) == one
        assert bench.chat.find_channel(key(10)) == ten

    def test_keys_that_differ_in_case_are_kept_apart(self, bench: Bench, made: ExternalRef) -> None:
        lower = EffectKey(KEY.lower())
        assert bench.chat.find_channel(lower) is None
        bench.chat.post(made, a_notice(), key=lower)
        assert bench.chat.find_post(made, key=KEY) is None

    def test_a_key_of_two_hundred_characters_is_found(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        long = EffectKey("aZ9:/._~-" * 22 + "/1")
        other = EffectKey(long[:-1] + "2")
        ref = self.create(bench, code="TH-2040", key=long)
        assert bench.chat.find_channel(long) == ref
        assert bench.chat.find_channel(other) is None
        post = bench.chat.post(made, a_notice(), key=long)
        assert bench.chat.find_post(made, key=long) == post
        assert bench.chat.find_post(made, key=other) is None

    def test_a_channel_is_found_among_many(self, bench: Bench, made: ExternalRef) -> None:
        bench.crowd(210)
        assert bench.chat.find_channel(KEY) == made
        assert bench.chat.find_channel(key(1)) is None

    def test_two_channels_with_one_key_are_a_conflict(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        bench.carry_again(KEY)
        with pytest.raises(EffectConflict):
            bench.chat.find_channel(KEY)

    def test_a_channel_has_an_address_for_people(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.chat.channel_url(made).startswith(("https://", "http://"))

    # -- posts -------------------------------------------------------------------------------

    def test_a_post_is_found_again_by_its_key(self, bench: Bench, made: ExternalRef) -> None:
        post = bench.chat.post(made, a_notice(), key=key(10))
        assert bench.chat.find_post(made, key=key(10)) == post
        assert bench.chat.find_post(made, key=key(1)) is None

    def test_a_post_arrives_as_it_was_sent(self, bench: Bench, made: ExternalRef) -> None:
        bench.chat.post(made, a_notice(), key=key(1))
        [shown] = bench.posts(made)
        assert "The baseline is ready" in shown.text
        assert "Please have a look." in shown.text
        assert "It waits for you until Friday." in shown.text
        assert shown.links == ("https://fairlead.example/engagements/TH-2038",)

    def test_a_post_without_a_link_has_none(self, bench: Bench, made: ExternalRef) -> None:
        bench.chat.post(made, a_notice(link=None), key=key(1))
        [shown] = bench.posts(made)
        assert shown.links == ()

    @pytest.mark.parametrize(
        "words",
        [
            "Ångström & Søn — «Überführung» №1",
            "東京電力プロジェクト第二期 🚀",
            '<b>tags</b> & "quotes" and &amp; <script>x</script>',
            "*stars* _lines_ `ticks` ~waves~ > more",
            "<!channel> <@U0123> @everyone",
        ],
    )
    def test_words_that_look_like_markup_arrive_as_letters(
        self, bench: Bench, made: ExternalRef, words: str
    ) -> None:
        bench.chat.post(made, a_notice(title=words, text=words), key=key(1))
        [shown] = bench.posts(made)
        assert shown.text.count(words) == 2

    def test_two_posts_are_two(self, bench: Bench, made: ExternalRef) -> None:
        one = bench.chat.post(made, a_notice(), key=key(1))
        two = bench.chat.post(made, a_notice(), key=key(2))
        assert one != two
        assert bench.chat.find_post(made, key=key(1)) == one
        assert bench.chat.find_post(made, key=key(2)) == two
        assert len(bench.posts(made)) == 2

    def test_a_post_is_looked_for_in_its_own_channel(self, bench: Bench, made: ExternalRef) -> None:
        other = self.create(bench, code="TH-2039", key=key(2))
        bench.chat.post(other, a_notice(), key=key(3))
        assert bench.chat.find_post(made, key=key(3)) is None

    def test_a_post_is_found_behind_what_people_said_since(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        post = bench.chat.post(made, a_notice(), key=key(1))
        bench.chatter(made, 120)
        assert bench.chat.find_post(made, key=key(1)) == post
        assert bench.chat.find_post(made, key=key(2)) is None

    def test_two_posts_with_one_key_are_a_conflict(self, bench: Bench, made: ExternalRef) -> None:
        bench.chat.post(made, a_notice(), key=key(1))
        bench.post_again(made, key(1))
        with pytest.raises(EffectConflict):
            bench.chat.find_post(made, key=key(1))
