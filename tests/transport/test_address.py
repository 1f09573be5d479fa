from __future__ import annotations

import pytest

from argus.transport.address import (
    Address,
    batch_artifacts_path,
    job_artifacts_path,
    redirected,
    stop_path,
    stop_request_path,
)

BASE = Address.parse("http://platform.example:8000/argus")
TARGET = "/argus/api/events/batch"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h", ("http", "h", 80, "")),
        ("https://h", ("https", "h", 443, "")),
        ("HTTP://Platform.Example:8000/", ("http", "platform.example", 8000, "")),
        (" http://h/ ", ("http", "h", 80, "")),
        ("http://h/a/b//", ("http", "h", 80, "/a/b")),
        ("http://h/a b/ü%20", ("http", "h", 80, "/a%20b/%C3%BC%20")),
        ("http://h:0/", ("http", "h", 80, "")),
        ("http://[::1]:8000/x", ("http", "::1", 8000, "/x")),
        ("http://ann:secret@h/?q=1#f", ("http", "h", 80, "")),
        ("http://bücher.example", ("http", "xn--bcher-kva.example", 80, "")),
    ],
)
def test_an_address_is_taken_apart(url, parts):
    assert tuple(Address.parse(url)) == parts


@pytest.mark.parametrize(
    "url",
    [
        *("", "h", "h:8000", "ftp://h", "http://", "http:///x", "http://h:x", "http://h:70000"),
        *("http://[::1", "http://ho\u2100st", "http://a..\u00fc"),
    ],
)
def test_what_is_no_address_is_a_value_error(url):
    with pytest.raises(ValueError, match=r"URL|[Pp]ort|NFKC|label"):
        Address.parse(url)


@pytest.mark.parametrize(
    ("url", "authority", "host_and_port"),
    [
        ("http://h", "h", "h:80"),
        ("https://h:443", "h", "h:443"),
        ("http://h:443", "h:443", "h:443"),
        ("http://h:8080", "h:8080", "h:8080"),
        ("http://[::80]", "[::80]", "[::80]:80"),
        ("https://[::1]:8443", "[::1]:8443", "[::1]:8443"),
    ],
)
def test_only_a_default_port_is_left_out_of_the_host_header(url, authority, host_and_port):
    address = Address.parse(url)
    assert (address.authority, address.host_and_port) == (authority, host_and_port)


@pytest.mark.parametrize(
    "url", ["http://h/p", "HTTP://H:80/p/", "http://ann:pw@h/p", "http://h:80/p//"]
)
def test_the_url_has_one_form_however_it_was_written(url):
    assert Address.parse(url).url == "http://h/p"


def test_ids_in_paths_are_percent_encoded():
    assert stop_path("a/b c") == "/api/batches/a%2Fb%20c/stop-requested"
    assert stop_request_path("a/b c") == "/api/batches/a%2Fb%20c/stop"
    assert job_artifacts_path("j?1#ü") == "/api/jobs/j%3F1%23%C3%BC/artifacts"
    assert batch_artifacts_path("b%1") == "/api/batches/b%251/artifacts"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2/events", "/v2/events"),
        ("single?x=1&y=2#part", "/argus/api/events/single?x=1&y=2"),
        ("http://platform.example:8000/v2", "/v2"),
        ("//PLATFORM.example:8000/v2", "/v2"),
        ("?again", "/argus/api/events/batch?again"),
        ("http://ann:pw@platform.example:8000/v2", "/v2"),
    ],
)
def test_a_redirect_on_the_same_server_is_followed(location, target):
    assert redirected(BASE, TARGET, location) == (BASE, target)


@pytest.mark.parametrize(
    "location",
    [
        *("http://other.example:8000/v2", "//other.example/v2", "http://platform.example/v2"),
        *("http://platform.example:8001/v2", "http://platform.example.evil.example:8000/"),
        *("http://platform.example:8000@evil.example/", "ftp://platform.example:8000/v2"),
        *("https://other.example/v2", "mailto:ann@platform.example", "http://[::1", "http://h:x/"),
    ],
)
def test_a_redirect_to_elsewhere_is_not_followed(location):
    assert redirected(BASE, TARGET, location) is None


def test_a_redirect_from_http_to_https_keeps_the_prefix_for_later_requests():
    followed = redirected(BASE, TARGET, "https://platform.example/argus/api/events/batch")
    assert followed == (Address("https", "platform.example", 443, "/argus"), TARGET)


@pytest.mark.parametrize("location", ["http://platform.example/", "http://platform.example:443/"])
def test_a_redirect_from_https_to_http_is_not_followed(location):
    assert redirected(Address.parse("https://platform.example"), "/", location) is None
