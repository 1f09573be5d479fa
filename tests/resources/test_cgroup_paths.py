from __future__ import annotations

import pytest

from argus.resources.cgroup_paths import hierarchy

V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate"
V1_MEMORY = "35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
V1_CPU = "36 31 0:33 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
OTHERS = "22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw - ext4 /dev/vda rw\n"


def directories(controller: str, cgroup: str, mountinfo: str, missing: str = "?"):
    found = hierarchy(
        controller,
        cgroup,
        OTHERS + mountinfo,
        lambda directory: missing not in directory,
        lambda mount, depth: mount + "/found" * depth,
    )
    return found and (found.version, list(found.directories))


def test_version_2_binds_from_the_own_group_up_to_the_mount():
    top = "/sys/fs/cgroup"
    assert directories("memory", "0::/a.slice/b.scope", V2_MOUNT) == (
        2,
        [f"{top}/a.slice/b.scope", f"{top}/a.slice", top],
    )


def test_in_a_namespace_of_its_own_the_mount_is_the_group():
    assert directories("cpu", "0::/", V2_MOUNT) == (2, ["/sys/fs/cgroup"])


def test_version_1_has_a_mount_for_each_controller():
    cgroup = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/docker/abc"
    mounts = "\n".join((V1_MEMORY.format(root="/"), V1_CPU.format(root="/")))
    memory, cpu = "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct"
    assert directories("memory", cgroup, mounts) == (
        1,
        [f"{memory}/docker/abc", f"{memory}/docker", memory],
    )
    for controller in ("cpu", "cpuacct"):
        found = directories(controller, cgroup, mounts)
        assert found == (1, [f"{cpu}/docker/abc", f"{cpu}/docker", cpu])
    assert directories("cpuset", cgroup, mounts) is None


@pytest.mark.parametrize("root", ["/docker/abc", "/kubepods/pod1/abc"])
def test_a_container_sees_its_own_group_as_the_mount(root):
    found = directories("memory", f"4:memory:{root}", V1_MEMORY.format(root=root))
    assert found == (1, ["/sys/fs/cgroup/memory"])


def test_a_group_below_the_mounted_one_is_named_from_there():
    found = directories("memory", "4:memory:/docker/abc/job", V1_MEMORY.format(root="/docker/abc"))
    assert found == (1, ["/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/memory"])


def test_a_group_whose_name_only_begins_alike_is_elsewhere():
    found = directories("memory", "4:memory:/docker/abcdef", V1_MEMORY.format(root="/docker/abc"))
    assert found == (1, ["/sys/fs/cgroup/memory"])


@pytest.mark.parametrize("path", ["/../../other", "/.."])
def test_a_path_out_of_the_namespace_is_bound_by_the_mount(path):
    assert directories("memory", f"0::{path}", V2_MOUNT) == (2, ["/sys/fs/cgroup"])


@pytest.mark.parametrize(("path", "depth"), [("/", 2), ("/job", 3)])
def test_above_a_namespace_names_are_searched_for(path, depth):
    mount = V2_MOUNT.replace("0:28 /", "0:28 /../..", 1)
    found = directories("memory", f"0::{path}", mount)
    top = "/sys/fs/cgroup"
    assert found == (2, [top + "/found" * levels for levels in range(depth, -1, -1)])


def test_where_both_are_mounted_a_controller_is_where_version_1_has_it():
    hybrid = V1_MEMORY.format(root="/") + "\n" + V2_MOUNT.replace("cgroup rw", "cgroup/unified rw")
    cgroup = "4:memory:/job\n0::/job"
    assert directories("memory", cgroup, hybrid) == (
        1,
        ["/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/memory"],
    )
    assert directories("cpu", cgroup, hybrid) == (
        2,
        ["/sys/fs/cgroup/unified/job", "/sys/fs/cgroup/unified"],
    )


def test_groups_that_are_not_there_are_left_out():
    found = directories("memory", "0::/gone/b", V2_MOUNT, missing="gone")
    assert found == (2, ["/sys/fs/cgroup"])
    assert directories("memory", "0::/gone (deleted)", V2_MOUNT) == (
        2,
        ["/sys/fs/cgroup/gone", "/sys/fs/cgroup"],
    )


def test_names_may_hold_what_mountinfo_escapes_and_colons():
    mount = V2_MOUNT.replace("/sys/fs/cgroup", "/mnt/odd\\040name")
    assert directories("memory", "0::/a:b c", mount) == (
        2,
        ["/mnt/odd name/a:b c", "/mnt/odd name"],
    )


def test_without_control_groups_there_is_no_hierarchy():
    assert directories("memory", "", "") is None
    assert directories("memory", "0::/", "nonsense\n1 2 3 - cgroup2\n") is None
