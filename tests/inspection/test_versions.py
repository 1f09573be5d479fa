"""What runs here is told."""

import platform

from argus import __version__
from argus.inspection.versions import version_findings


def test_versions_of_all_that_matters():
    found = {finding.name: finding.text for finding in version_findings()}
    assert found["argus"] == f"{__version__}, event schema 1.1"
    assert platform.python_version() in found["python"]
    assert sorted(found) == ["TLS", "argus", "python", "system"]
