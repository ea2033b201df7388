"""Loads the page and its files from the server as a browser does, before it connects."""

from __future__ import annotations

import asyncio
import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILES = re.compile(r'(?:src|href)="\./(static/[^"]+\.(?:js|css|woff2))"')
# How many connections a browser opens to one server.
_CONNECTIONS = 6


class VisitError(Exception):
    """A visitor has waited too long, or has lost the connection. Says what they waited for."""


async def load_page(address: str, page: str, cookies: dict[str, str]) -> None:
    """Load the page and the files that it names, as a browser with an empty cache; adds the cookies that it gets."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        html = (await loop.run_in_executor(pool, _files, address, [page], cookies, "text/html"))[0]
        files = [*_FILES.findall(html.decode()), "_stcore/health", "_stcore/host-config"]
        shares = (files[at::_CONNECTIONS] for at in range(_CONNECTIONS))
        await asyncio.gather(*(loop.run_in_executor(pool, _files, address, one, cookies, "*/*") for one in shares))


def cookie_header(cookies: Mapping[str, str]) -> str:
    """Cookies as a browser sends them."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _files(address: str, paths: list[str], cookies: dict[str, str], accept: str) -> list[bytes]:
    """Files of the server, one after the other over one connection; their cookies are added to `cookies`."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        return [_get(connection, f"/{path}", cookies, accept) for path in paths]
    except (OSError, http.client.HTTPException) as error:
        raise VisitError(f"The page did not load: {error!r}") from error
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, path: str, cookies: dict[str, str], accept: str) -> bytes:
    """The body of an answer; its cookies are added to `cookies`."""
    headers = {"Accept": accept, "Cookie": cookie_header(cookies)}
    # A page in a packed form could not be searched for its files.
    headers["Accept-Encoding"] = "identity" if accept == "text/html" else "gzip"
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise VisitError(f"{path} was answered with status {answer.status}.")
    for cookie in answer.headers.get_all("Set-Cookie", []):
        name, _, value = cookie.partition(";")[0].partition("=")
        cookies[name.strip()] = value.strip()
    return body
