"""Every mode of the stand-in, one small coroutine each: how a request is answered, or is not.

A mode gets the exchange before the body is read. Whether it acts on the request before it
misbehaves is part of what it is: the docstrings say so where it is not plain.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from tests.platform.behaviour import Platform, take_in
from tests.platform.exchange import Exchange
from tests.platform.http_wire import (
    Answer,
    error_answer,
    format_answer,
    format_head,
)
from tests.platform.ingest import Event, Quirk, Results, naming
from tests.platform.modes import Setting

Mode = Callable[[Exchange, Platform, Setting], Awaitable[None]]

EARLY_BYTES = 64 << 10
_LOGIN_PAGE = b"<!doctype html><title>Sign in</title><form action=/login><input name=user></form>"


async def ok(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await exchange.send(await platform.answer(exchange))


# Other answers. The request is read, and nothing of it is stored.


async def status(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await take_in(exchange)
    answer = error_answer(setting.argument, f"status {setting.argument} was asked for")
    if setting.body is not None:
        answer = Answer(setting.argument, setting.body.encode())
    if setting.retry_after is not None:
        answer = answer._replace(headers=(*answer.headers, ("Retry-After", setting.retry_after)))
    await exchange.send(answer)


async def html(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await take_in(exchange)
    await exchange.send(Answer(200, _LOGIN_PAGE, (("Content-Type", "text/html"),)))


async def too_large(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """The limit takes the place of the platform's own for a file, so it may also be higher."""
    if exchange.head.body_bytes > setting.argument:
        await take_in(exchange)
        await exchange.send(error_answer(413, "too large"))
    else:
        quirk = Quirk(max_file_bytes=setting.argument)
        await exchange.send(await platform.answer(exchange, quirk))


async def redirect(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """`{path}` in the URL stands for the path that was asked for."""
    await take_in(exchange)
    url, code = setting.argument
    location = url.replace("{path}", exchange.head.path)
    await exchange.send(Answer(code, b"", (("Location", location),)))


async def redirect_loop(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await take_in(exchange)
    await exchange.send(Answer(307, b"", (("Location", exchange.head.target),)))


async def unauthorized_until_token(
    exchange: Exchange, platform: Platform, setting: Setting
) -> None:
    if exchange.head.headers.get("authorization") == f"Bearer {setting.argument}":
        await exchange.send(await platform.answer(exchange))
    else:
        await take_in(exchange)
        await exchange.send(error_answer(401, "Invalid token"))


# Silence and broken connections.


async def hang(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await take_in(exchange)
    await exchange.client_gone()
    exchange.close()


async def mute(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """Only for a connection that was open already: a new one is not read at all."""
    await exchange.stop_reading()


async def close(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """Only for a connection that was open already: a new one is closed before anything is read."""
    exchange.close()


async def reset_request(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await exchange.read_some(exchange.head.body_bytes // 2)
    exchange.reset()


async def reset_reply(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """Acts on the request; half of the answer gets out."""
    answer = await platform.answer(exchange)
    raw = format_answer(answer)
    exchange.say(answer.status)
    await exchange.send_bytes(raw[: len(raw) // 2])
    exchange.reset()


async def stored_but_no_answer(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await platform.answer(exchange)
    exchange.close()


async def store_500(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await platform.answer(exchange)
    await exchange.send(error_answer(500, "stored, but nobody will know"))


async def early_413(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """Like a proxy with a limit: what is still on its way is never read."""
    if not exchange.head.chunked and exchange.head.body_bytes <= EARLY_BYTES:
        await exchange.send(await platform.answer(exchange))
        return
    async for _ in exchange.body():
        if exchange.entry.body_bytes >= EARLY_BYTES:
            break
    await exchange.send(error_answer(413, "too large"), close=True)


async def close_each(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await exchange.send(await platform.answer(exchange), close=True)


# Answers that are broken as bytes. All but `garbage` act on the request.


async def drip(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    answer = await platform.answer(exchange)
    exchange.say(answer.status)
    for byte in format_answer(answer):
        await exchange.send_bytes(bytes([byte]))
        await asyncio.sleep(setting.argument)


async def garbage(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await take_in(exchange)
    await exchange.send_bytes(b"\x15\x03\x01\x00\x02\x02\x16SSH-2.0-nothing\r\n\xff\xfe\r\n\r\n")
    exchange.close()


async def endless_headers(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    exchange.say((await platform.answer(exchange)).status)
    await exchange.send_bytes(b"HTTP/1.1 200 OK\r\n")
    await _send_for_ever(exchange, b"X-More: " + b"x" * 1000 + b"\r\n")


async def endless_body(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    answer = await platform.answer(exchange)
    exchange.say(answer.status)
    await exchange.send_bytes(
        format_head(answer.status, (*answer.headers, ("Connection", "close")))
    )
    await exchange.send_bytes(answer.body)
    await _send_for_ever(exchange, b" " * 4096)


async def _send_for_ever(exchange: Exchange, piece: bytes) -> None:
    while True:
        await exchange.send_bytes(piece)
        # Draining gives nobody else a turn while there is room, and in TLS there always is.
        await asyncio.sleep(0)


async def informational(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """In good order: informational answers before the body is read, and before the real one."""
    early = format_head(setting.argument, (("Link", "</style.css>; rel=preload"),))
    await exchange.send_bytes(early)
    answer = await platform.answer(exchange)
    exchange.say(answer.status)
    await exchange.send_bytes(early * 2 + format_answer(answer))


async def endless_informational(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    exchange.say((await platform.answer(exchange)).status)
    await _send_for_ever(exchange, format_head(103, ()) * 100)


async def wrong_length(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    answer = await platform.answer(exchange)
    exchange.say(answer.status)
    headers = (*answer.headers, ("Content-Length", str(len(answer.body) + 10)))
    await exchange.send_bytes(format_head(answer.status, headers) + answer.body)
    exchange.close()


async def chunked(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    """In good order: chunks of seven bytes."""
    answer = await platform.answer(exchange)
    exchange.say(answer.status)
    head = format_head(answer.status, (*answer.headers, ("Transfer-Encoding", "chunked")))
    pieces = [answer.body[at : at + 7] for at in range(0, len(answer.body), 7)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    await exchange.send_bytes(head + body + b"0\r\n\r\n")


# A platform that answers, but departs from the contract in what it says.


def _poison(event: Event) -> bool:
    return "poison" in event["data"]


def _refuse_nameless(events: list[Event]) -> Answer | None:
    return error_answer(422, "Unprocessable") if any(map(_poison, events)) else None


def _refuse_named(events: list[Event]) -> Answer | None:
    indices = [index for index, event in enumerate(events) if _poison(event)]
    return naming(indices, "poison") if indices else None


def _add_foreign(results: Results) -> Results:
    accepted = {"event_id": str(uuid.uuid4()), "status": "accepted", "db_id": 1, "error": None}
    rejected = {"event_id": str(uuid.uuid4()), "status": "rejected", "db_id": None, "error": "no"}
    return [accepted, *results, rejected]


_QUIRKS: dict[str, Quirk] = {
    "nameless_422": Quirk(refuse=_refuse_nameless),
    "named_422": Quirk(refuse=_refuse_named),
    "reject_poison": Quirk(
        item_error=lambda index, event: "poison is not accepted" if _poison(event) else None
    ),
    "internal_poison": Quirk(
        item_error=lambda index, event: "internal: database is locked" if _poison(event) else None
    ),
    "internal": Quirk(
        item_error=lambda index, event: "internal: database is locked" if index % 2 else None
    ),
    "missing_results": Quirk(shown=lambda results: results[::2]),
    "foreign_results": Quirk(shown=_add_foreign),
}


async def quirky(exchange: Exchange, platform: Platform, setting: Setting) -> None:
    await exchange.send(await platform.answer(exchange, _QUIRKS[setting.name]))


_PLAIN: tuple[Mode, ...] = (
    ok,
    status,
    html,
    too_large,
    redirect,
    redirect_loop,
    unauthorized_until_token,
    hang,
    mute,
    close,
    reset_request,
    reset_reply,
    stored_but_no_answer,
    store_500,
    early_413,
    close_each,
    drip,
    garbage,
    endless_headers,
    endless_body,
    informational,
    endless_informational,
    wrong_length,
    chunked,
)

MODES: dict[str, Mode] = {
    **{mode.__name__: mode for mode in _PLAIN},
    **dict.fromkeys(_QUIRKS, quirky),
    "idle_close": ok,  # the connection ends later: see `stand_in.py`
}
