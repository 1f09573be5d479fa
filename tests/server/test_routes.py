import pytest

from argus.server import routes
from argus.server.reply import RefusalError
from argus.server.routes import find_route


def refusal(method, path):
    with pytest.raises(RefusalError) as refused:
        find_route(method, path)
    return refused.value.reply


def test_an_id_is_decoded_after_the_path_is_split():
    route, ids = find_route("GET", "/api/batches/a%2Fb%20%C3%A9/stop-requested?x=/1")
    assert (route.endpoint, ids) == (routes.get_stop, ("a/b é",))


def test_head_is_answered_like_get():
    assert find_route("HEAD", "/health")[0].endpoint is routes.health


@pytest.mark.parametrize(
    "path",
    ["", "*", "health", "//health", "/health/", "/api/batches/", "/api/batches//stop", "/x"],
)
def test_unknown_paths_are_404(path):
    assert refusal("GET", path).status == 404


def test_a_wrong_method_is_told_the_right_one():
    reply = refusal("DELETE", "/api/events/batch")
    assert (reply.status, reply.headers) == (405, (("Allow", "POST"),))


def test_only_the_health_and_the_page_are_open_to_all():
    is_open = [route.pattern for route in routes.ROUTES if route.is_open]
    assert is_open == [("health",), ("",), ("page", None)]
