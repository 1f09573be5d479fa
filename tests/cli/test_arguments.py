from argparse import ArgumentTypeError

import pytest

from argus.cli.arguments import count, port


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("8765", 8765), ("65535", 65535)])
def test_a_port_is_a_number_of_16_bits(text, number):
    assert port(text) == number


@pytest.mark.parametrize("text", ["65536", "-1", "", "http", "8_765", " 1", "٣", "1.0", "0x10"])
def test_anything_else_is_no_port(text):
    with pytest.raises(ArgumentTypeError):
        port(text)


def test_a_count_is_one_at_least():
    assert count("1") == 1
    for text in ("0", "-1", "one"):
        with pytest.raises(ArgumentTypeError):
            count(text)
