"""The files of the page: which there are, and how they are served."""

import re
from html.parser import HTMLParser

import pytest

from argus.server.pages import INDEX, POLICY, page_files

MODULES = sorted(name for name in page_files() if name.endswith(".js"))


def text(name):
    return page_files()[name].body.data.decode("utf-8")


def named_by(name):
    """What a file of the page asks for."""
    pattern = (
        r'(?:from|import) "\./([^"]+)"' if name.endswith(".js") else r'(?:src|href)="/page/([^"]+)"'
    )
    return set(re.findall(pattern, text(name)))


def test_page_is_served_with_its_policy_and_needs_no_token(client):
    answer = client.raw("GET", "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.body.startswith(b"<!doctype html>")


def test_a_file_that_a_browser_has_is_not_sent_again(client):
    etag = client.raw("GET", "/page/app.js").headers["ETag"]
    again = client.raw("GET", "/page/app.js", headers={"If-None-Match": etag})
    assert (again.status, again.body, again.headers["Cache-Control"]) == (304, b"", "no-cache")


@pytest.mark.parametrize(
    "name", ["nosuch.js", "..%2fapp.py", "%2fetc%2fpasswd", "", "INDEX.HTML", "app.js%00", "."]
)
def test_other_names_are_not_found(client, name):
    assert client.raw("GET", f"/page/{name}").status == 404


def test_each_file_is_asked_for_and_each_that_is_asked_for_is_there():
    reached, waiting = set(), {INDEX}
    while waiting:
        reached |= waiting
        waiting = set().union(*(named_by(name) for name in waiting)) - reached
    assert reached == set(page_files())


def test_all_modules_are_asked_for_at_once():
    assert named_by(INDEX) >= set(MODULES)


def test_index_has_no_script_or_style_of_its_own():
    class Finder(HTMLParser):
        found = []

        def handle_starttag(self, tag, attrs):
            names = dict(attrs)
            if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
                self.found.append(tag)
            if tag == "script" and "src" not in names:
                self.found.append(tag)

    Finder().feed(text(INDEX))
    assert Finder.found == []


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_small_say_what_they_are_for_and_make_no_markup(name):
    source = text(name)
    assert source.startswith("// ")
    assert source.count("\n") <= 300
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source
    )
    assert not re.search(r"https?://", source)
