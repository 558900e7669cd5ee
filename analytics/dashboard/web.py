"""The page over HTTP: the document, its script and style, and the figures as server-sent events.

It computes nothing: see `watch`. Every answer bears headers under which a browser runs nothing
but our own script, shows it in no frame and keeps no copy.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics.dashboard.access import COOKIE, Access
from analytics.dashboard.watch import Watch
from analytics.document.palette import DARK, LIGHT, variables

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
OPEN = ("/login", "/page.css", "/icon.svg", "/healthz")
"""What is answered without a token."""
COOKIE_SECONDS = 30 * 24 * 3600
LONGEST_LOGIN = 4096
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Tells a proxy before us to pass on what it gets."""
ALIVE = "event: alive\ndata: yes\n\n"
RETRY = "retry: 1000\n\n"


def application(watch: Watch, access: Access) -> ASGIApp:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(watch.run())
        task.add_done_callback(_end_with_it)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    pages = _Pages(watch, access)
    routes = [
        Route("/", _file("index.html", "text/html")),
        Route("/page.js", _file("page.js", "text/javascript")),
        Route("/icon.svg", _file("icon.svg", "image/svg+xml")),
        Route("/page.css", _style),
        Route("/login", pages.login, methods=["POST"]),
        Route("/events", pages.events),
        Route("/state", pages.state),
        Route("/healthz", pages.health),
    ]
    return _Guard(Starlette(routes=routes, lifespan=lifespan), access)


class _Pages:
    """What is not the same for ever."""

    def __init__(self, watch: Watch, access: Access) -> None:
        self._watch = watch
        self._access = access

    async def login(self, request: Request) -> Response:
        """Take the token and hand out the cookie."""
        said = b""
        async for chunk in request.stream():
            said += chunk
            if len(said) > LONGEST_LOGIN:
                return PlainTextResponse("Too long.", 413)
        given = parse_qs(said.decode("utf-8", "replace")).get("token", [""])[0]
        if not self._access.opens(given.strip()):
            return HTMLResponse(_text("login.html").replace(" hidden", ""), 401)
        answer = RedirectResponse("./", 303)
        answer.set_cookie(
            COOKIE,
            self._access.cookie,
            max_age=COOKIE_SECONDS,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def events(self, _: Request) -> Response:
        """Send the figures, now and whenever they change."""
        return StreamingResponse(self._stream(), headers=UNBUFFERED, media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        yield RETRY
        async for text in self._watch.turns():
            yield ALIVE if text is None else f"data: {text}\n\n"

    async def state(self, _: Request) -> Response:
        """Send the figures once."""
        return Response(self._watch.text or "{}", media_type="application/json")

    async def health(self, _: Request) -> Response:
        """Tell a probe whether the figures are refreshed."""
        is_fresh = self._watch.is_fresh()
        return PlainTextResponse("fine\n" if is_fresh else "stale\n", 200 if is_fresh else 503)


class _Guard:
    """Lets in who may come in, and sends the headers with every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._access.is_host(headers.get("host", "")):
            return PlainTextResponse("Another name than this machine's: set a token.", 421)
        cookie = Request(scope).cookies.get(COOKIE, "")
        if scope["path"] in OPEN or self._access.allows(headers.get("authorization", ""), cookie):
            return None
        if scope["path"] == "/":
            return HTMLResponse(_text("login.html"), 401)
        return PlainTextResponse("A token is needed.", 401, {"WWW-Authenticate": "Bearer"})


def _end_with_it(task: asyncio.Task[None]) -> None:
    """End the server with a traceback if the task that refreshes has a bug: better than stale."""
    if not task.cancelled() and (error := task.exception()) is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Response(_text(name), media_type=kind)

    return answer


async def _style(_: Request) -> Response:
    colours = (
        f":root {{ {variables(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
    )
    return Response(colours + _text("page.css"), media_type="text/css")


@cache
def _text(name: str) -> str:
    return (files("analytics.dashboard") / "page" / name).read_text("utf-8")
