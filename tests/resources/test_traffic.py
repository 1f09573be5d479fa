from __future__ import annotations

from argus.resources.traffic import DiskTraffic, Network
from tests.resources.trees import plant

MB = 2**20
HEAD = "Inter-|   Receive | Transmit\n face |bytes packets | bytes packets\n"


def put_network(root, **cards: tuple[int, int]) -> None:
    lines = [
        f"{name:>6}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n"
        for name, (received, sent) in cards.items()
    ]
    plant(root, {"proc/self/net/dev": HEAD + "".join(lines)})


def put_disks(root, **disks: tuple[int, int]) -> None:
    lines = [
        f" 259 0 {name} 10 0 {read} 5 20 0 {written} 5 0 5 5 0 0\n"
        for name, (read, written) in disks.items()
    ]
    plant(root, {"proc/diskstats": "".join(lines)})


def hardware(root, kind: str, *names: str) -> None:
    for name in names:
        (root / "sys" / kind / name / "device").mkdir(parents=True)


def test_network_counts_cards_and_neither_loopback_nor_what_leads_to_them(tmp_path):
    hardware(tmp_path, "class/net", "eth0", "ib0")
    network = Network(tmp_path / "proc", tmp_path / "sys")
    put_network(tmp_path, lo=(0, 0), eth0=(0, 0), ib0=(MB, 0), bond0=(0, 0), docker0=(0, 0))
    assert network.read(10.0) == {}
    put_network(
        tmp_path,
        lo=(9 * MB, 9 * MB),
        eth0=(4 * MB, MB),
        ib0=(3 * MB, 0),
        bond0=(6 * MB, MB),
        docker0=(9 * MB, 9 * MB),
    )
    assert network.read(12.0) == {"net_recv_mb_s": 3.0, "net_sent_mb_s": 0.5}


def test_in_a_container_its_end_of_the_virtual_cable_counts(tmp_path):
    network = Network(tmp_path / "proc", tmp_path / "sys")
    put_network(tmp_path, lo=(0, 0), eth0=(0, 0))
    network.read(0.0)
    put_network(tmp_path, lo=(MB, MB), eth0=(MB, 2 * MB))
    assert network.read(1.0) == {"net_recv_mb_s": 1.0, "net_sent_mb_s": 2.0}


def test_without_a_network_nothing_is_said(tmp_path):
    network = Network(tmp_path / "proc", tmp_path / "sys")
    put_network(tmp_path, lo=(0, 0))
    assert network.read(0.0) == {}
    put_network(tmp_path, lo=(MB, 0))
    assert network.read(1.0) == {}


def test_disks_count_without_their_partitions_and_what_lies_on_them(tmp_path):
    hardware(tmp_path, "block", "nvme0n1", "cciss!c0d0")
    disks = DiskTraffic(tmp_path / "proc", tmp_path / "sys")
    names = ("nvme0n1", "nvme0n1p1", "cciss/c0d0", "loop0", "dm-0", "md0", "zram0")
    put_disks(tmp_path, **dict.fromkeys(names, (0, 0)))
    assert disks.read(0.0) == {}
    put_disks(tmp_path, **dict.fromkeys(names, (2048, 4096)))  # sectors: 1 and 2 MB
    assert disks.read(2.0) == {"disk_read_mb_s": 1.0, "disk_write_mb_s": 2.0}


def test_where_no_disk_is_known_nothing_is_said(tmp_path):
    disks = DiskTraffic(tmp_path / "proc", tmp_path / "sys")
    put_disks(tmp_path, overlay=(0, 0))
    disks.read(0.0)
    assert disks.read(1.0) == {}
