"""A command speaks to the platform that a Reporter here would speak to."""

import argparse

from argus.cli.platform import add_platform_arguments, platform_settings
from tests.environment import clean_environment

__all__ = ["clean_environment"]


def settings(*arguments, **environ):
    parser = argparse.ArgumentParser()
    add_platform_arguments(parser)
    return platform_settings(parser.parse_args(arguments), environ)


def test_arguments_go_first():
    environ = {"ARGUS_URL": "http://other", "ARGUS_TOKEN": "other"}
    found = settings("--url", "http://mine", "--token", "em_live_1", **environ)
    assert (found.url, found.token.reveal()) == ("http://mine", "em_live_1")
    assert settings(**environ).url == "http://other"


def test_what_turns_reporting_off_does_not_turn_it_off():
    environ = {"ARGUS_URL": "http://mine", "ARGUS_DISABLE": "1", "ARGUS_MODE": "backup"}
    assert settings(**environ).url == "http://mine"
    assert settings().url is None
