"""`argus tag`."""

from tests.cli.kept_runs import argus, kept, place, rows

__all__ = ["place"]


def test_tags_are_added_and_taken_away(capsys):
    kept("a")
    assert argus(capsys, "tag", "a", "+good", "+old")[1] == "a: good old\n"
    assert argus(capsys, "tag", "a", "-old", "+x y", "--json")[1] == (
        '{"batch_id": "a", "name": null, "notes": "", "tags": ["good", "x y"], "archived": false}\n'
    )
    assert argus(capsys, "tag", "a", "--notes", "n", "-good", "+b")[:2] == (0, "a: x y b\n")
    assert argus(capsys, "tag", "a", "good")[0] == 2
    assert argus(capsys, "tag", "a", "--archiv3")[2].endswith("unrecognized arguments: --archiv3\n")
    argus(capsys, "tag", "a", "--archive")
    assert (rows(capsys), rows(capsys, "--archived")) == ([], ["a"])
    argus(capsys, "tag", "a", "--restore")
    assert rows(capsys) == ["a"]
