"""Who may have memory that meminfo has no name for: what other files of the kernel tell, each of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.probes.graphics import client_texts
from pymemtools.procfs.allocinfo import AllocSite, parse_allocinfo
from pymemtools.procfs.fdinfo import DrmClient, parse_drm_client
from pymemtools.procfs.sockstat import parse_sockstat, socket_memory
from pymemtools.procfs.vmallocinfo import VmallocArea, parse_vmallocinfo
from pymemtools.procfs.zoneinfo import parse_processor_lists
from pymemtools.sources.base import Source
from pymemtools.sysfs.dma_buf import parse_bufinfo

_T = TypeVar("_T")
_POOLS = "/sys/kernel/mm/hugepages"
_BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo"


class Unnamed(NamedTuple):
    """What there is of it, in bytes; None, or nothing, where it is not told."""

    sockets: int | None
    areas: Sequence[VmallocArea]
    sites: Sequence[AllocSite]
    buffers: dict[str, int]  # dma-buf, by exporter
    clients: dict[tuple[str, int], int]  # of graphics devices: memory of the machine's, by driver and process
    pools: dict[int, int]  # hugetlb: bytes by the size of a page
    processor_lists: int | None  # free pages that processors keep for themselves
    refused: tuple[str, ...] = ()  # files that there are, and that may not be read


def read_unnamed(source: Source, page_size: int) -> tuple[Unnamed, list[str]]:
    """Read what there is, and say what is damaged."""
    notes: list[str] = []
    refused: list[str] = []

    def read(path: str, parse: Callable[[bytes], _T]) -> _T | None:
        try:
            return parse(source.read(path))
        except Missing:
            return None
        except Denied:
            refused.append(path)
        except MemtoolsError as error:  # damaged, or switched off (allocinfo)
            notes.append(str(error))
        return None

    sockets = [read(path, parse_sockstat) for path in ("net/sockstat", "net/sockstat6")]
    known = [socket_memory(each, page_size) for each in sockets if each is not None]
    lists = read("zoneinfo", parse_processor_lists)
    found = Unnamed(
        sum(known) if known else None,
        read("vmallocinfo", parse_vmallocinfo) or (),
        read("allocinfo", parse_allocinfo) or (),
        read(_BUFINFO, parse_bufinfo) or {},
        _clients(source),
        dict(_pools(source)),
        None if lists is None else lists * page_size,
        tuple(refused),
    )
    return found, notes


def _pools(source: Source) -> Iterator[tuple[int, int]]:
    for name in source.names(_POOLS):
        size = name.removeprefix("hugepages-").removesuffix("kB")
        try:
            pages = source.read(f"{_POOLS}/{name}/nr_hugepages").strip()
        except MemtoolsError:
            continue
        if size.isdigit() and len(size) < 12 and pages.isdigit() and len(pages) < 16:
            yield int(size) << 10, int(pages) * (int(size) << 10)


def _clients(source: Source) -> dict[tuple[str, int], int]:
    """Add up what clients of graphics devices take, each once, though a process may have it open more often."""
    clients: dict[tuple[str, str, str], tuple[int, DrmClient]] = {}
    for pid, text in client_texts(source.pids()) if source.is_live else ():
        client = parse_drm_client(text)
        if client is not None:
            clients.setdefault((client.driver, client.device, client.number), (pid, client))
    sums: Counter[tuple[str, int]] = Counter()
    for pid, client in clients.values():
        sums[client.driver, pid] += client.system
    return dict(sums)
