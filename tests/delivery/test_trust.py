from __future__ import annotations

from pathlib import Path

import pytest

from argus.delivery.trust import trust
from tests.delivery.conftest import settings_for
from tests.platform.peers import CA_FILE


def test_the_authorities_of_the_settings_are_trusted_beside_the_systems(tmp_path: Path):
    alone = trust(settings_for("https://h", tmp_path), pytest.fail)()
    more = trust(settings_for("https://h", tmp_path, ARGUS_CA_BUNDLE=CA_FILE), pytest.fail)()
    assert more.cert_store_stats()["x509_ca"] == alone.cert_store_stats()["x509_ca"] + 1


def test_a_file_that_cannot_be_used_is_complained_about_when_it_is_needed(tmp_path: Path):
    complaints: list[str] = []
    settings = settings_for("https://h", tmp_path, ARGUS_CA_BUNDLE=str(tmp_path / "missing.pem"))
    context = trust(settings, complaints.append)
    assert complaints == []
    context()
    assert len(complaints) == 1
