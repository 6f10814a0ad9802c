"""The composite resource of Salesforce's REST API: several calls in one.

https://developer.salesforce.com/docs/atlas.en-us.262.0.api_rest.meta/api_rest/resources_composite_composite_post.htm
Unlike the original, no other call comes in between two of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

import simplejson

from fairlead.sandbox.dialect import Answer, Call, Deny, Route
from fairlead.sandbox.salesforce_answers import Usage, denied, errors

_REFERENCE = re.compile(r"@\{([^}]*)\}")
_MOST_PARTS, _MOST_QUERIES = 25, 5


class Composites:
    def __init__(self, routes: Callable[[], Sequence[Route]], usage: Usage) -> None:
        self._routes, self._usage = routes, usage

    def answer(self, call: Call) -> Answer:
        """Each part sees what the parts before it did. With allOrNone, one failure takes back
        all of them."""
        body = call.json()
        given = cast("dict[str, Any]", body if isinstance(body, dict) else {})
        parts = given.get("compositeRequest")
        if not isinstance(parts, list) or not parts or not all(map(_is_part, _listed(parts))):
            words = "compositeRequest: method, url and referenceId are required"
            raise denied(400, "JSON_PARSER_ERROR", words)
        asked = cast("list[dict[str, Any]]", parts)
        names = [str(part["referenceId"]) for part in asked]
        queries = sum("/query" in str(part["url"]) for part in asked)
        if len(asked) > _MOST_PARTS or queries > _MOST_QUERIES:
            words = f"at most {_MOST_PARTS} subrequests, of which {_MOST_QUERIES} are queries"
            raise denied(400, "LIMIT_EXCEEDED", words)
        if len(set(names)) != len(names):
            raise denied(400, "JSON_PARSER_ERROR", "referenceId values must be unique")
        answers: dict[str, Answer] = {}
        for name, part in zip(names, asked, strict=True):
            answers[name] = self._part(call, part, answers)
        failed = [name for name, answer in answers.items() if answer.status >= 400]
        if failed and given.get("allOrNone") is True:
            halted = "The transaction was rolled back since another operation in the same "
            for name in names:
                if name != failed[0]:
                    refused = errors("PROCESSING_HALTED", f"{halted}transaction failed.")
                    answers[name] = Answer(400, refused)
            raise Deny(self._usage.ok(_composed(answers)))  # takes the transaction back
        return self._usage.ok(_composed(answers))

    def _part(self, call: Call, part: dict[str, Any], done: dict[str, Answer]) -> Answer:
        try:
            url = str(_filled(part["url"], done))
            body = _filled(part.get("body"), done)
        except KeyError as missing:
            words = f"Invalid reference specified. No value for {missing} found. "
            return Answer(400, errors("PROCESSING_HALTED", words + "Provide a valid reference."))
        path, _, query = url.partition("?")
        for route in self._routes():
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
            match = re.fullmatch(pattern, path)
            if match is None or route.method != part["method"] or route.operation == "composite":
                continue
            inside = Call(
                method=route.method,
                path=path,
                params={name: unquote(text) for name, text in match.groupdict().items()},
                query=dict(parse_qsl(query, keep_blank_values=True)),
                headers=call.headers,
                body=simplejson.dumps(body, use_decimal=True).encode(),
                malformed=call.malformed,
            )
            try:
                return route.handler(inside)
            except Deny as refused:
                return refused.answer
        return Answer(404, errors("NOT_FOUND", "The requested resource does not exist"))


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    given = cast("dict[str, Any]", part)
    return all(isinstance(given.get(name), str) for name in ("method", "url", "referenceId"))


def _filled(value: Any, done: Mapping[str, Answer]) -> Any:
    """`@{ref.path}` in texts, replaced by what the part named `ref` answered. Raises KeyError."""
    match value:
        case str():
            return _REFERENCE.sub(lambda match: _referred(match[1], done), value)
        case dict():
            return {n: _filled(v, done) for n, v in cast("dict[str, Any]", value).items()}
        case list():
            return [_filled(one, done) for one in cast("list[Any]", value)]
        case _:
            return value


def _referred(path: str, done: Mapping[str, Answer]) -> str:
    name, *steps = re.findall(r"[^.\[\]]+", path)
    at: Any = done[name].body if name in done else None
    for step in steps:
        if isinstance(at, list) and step.isdigit() and int(step) < len(cast("list[Any]", at)):
            at = cast("list[Any]", at)[int(step)]
        elif isinstance(at, dict):
            at = cast("dict[str, Any]", at).get(step)
        else:
            at = None
    if at is None:
        raise KeyError(path)
    return str(at)


def _composed(answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {
        "compositeResponse": [
            {
                "body": answer.body,
                "httpHeaders": {n: v for n, v in answer.headers.items() if n == "location"},
                "httpStatusCode": answer.status,
                "referenceId": name,
            }
            for name, answer in answers.items()
        ]
    }
