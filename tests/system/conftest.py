"""Fixtures: the target, and one Box for each test (see harness.py)."""
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import certs as certificates  # noqa: E402
import harness  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--target", choices=("ours", "oracle"), default="ours",
                     help="which implementation to test (default: ours)")
    parser.addoption("--list-differences", action="store_true",
                     help="only list what differs from the original on purpose, and why")


@pytest.fixture(scope="session")
def scratch():
    folder = tempfile.mkdtemp(prefix="svt", dir="/tmp")
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def targets(scratch):
    return {name: harness.Target.find(name, scratch) for name in ("ours", "oracle")}


@pytest.fixture(scope="session")
def tools(scratch):
    return harness.build_tools(os.path.join(scratch, "tools"))


@pytest.fixture(scope="session")
def certs(scratch):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    return certificates.Certs(os.path.join(scratch, "certs"))


@pytest.fixture(scope="session")
def target(request, targets):
    chosen = targets[request.config.getoption("--target")]
    if not chosen.there:
        pytest.exit("no %s at %s" % (chosen.name, chosen.path("supervisord")), 2)
    return chosen


@pytest.fixture
def box(request, target, targets, tools):
    box = harness.Box(target, targets, tools)
    request.node.box = box
    yield box
    box.close()


@pytest.fixture
def both(targets):
    """For comparisons: skips where one of the two is missing."""
    for one in targets.values():
        if not one.there:
            pytest.skip("%s is not here to compare with" % one.name)
    return targets


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def list_differences(items):
    """Each reason of a marker "differs", with the tests that have it."""
    found = {}
    for item in items:
        for marker in item.iter_markers("differs"):
            name = "%s::%s" % (item.path.name, getattr(item, "originalname", item.name))
            found.setdefault(marker.args[0], {})[name] = True
    for reason, names in sorted(found.items()):
        print("%s\n    %s" % (reason, "\n    ".join(names)))


def pytest_collection_modifyitems(config, items):
    if config.getoption("--list-differences"):
        list_differences(items)
        items.clear()
        return
    if config.getoption("--target") != "oracle":
        return
    for item in items:
        marker = item.get_closest_marker("differs")
        if marker:
            item.add_marker(pytest.mark.skip(reason="differs: " + marker.args[0]))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    box = getattr(item, "box", None)
    if report.when == "call" and report.failed and box is not None:
        report.sections.append(("the box of this test", box.report()))
