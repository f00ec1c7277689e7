"""Swap that is kept in RAM, compressed: what swapping to it gives, since each page out takes a part of one again.

In pages. Source: drivers/block/zram/zram_drv.c, zram_write_page(); mm/zswap.c, zswap_store().
"""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN = (0.0, 1.0)  # pages of one value take nothing, incompressible ones all they have


class Store(NamedTuple):
    """Where pages are swapped to."""

    free: int
    ratio: tuple[float, float] = (0.0, 0.0)  # pages of RAM that a page stored takes, at the least and at the most
    ram_left: int | None = None  # pages of RAM that it may take yet; None: no limit
    spills: bool = False  # what finds no room in RAM goes to a disk (zswap), and not nowhere (zram)


def gain(store: Store) -> tuple[int, int]:
    """Give the pages that swapping out until the store is full sets free: surely, and at the most.

    >>> gain(Store(1000)), gain(Store(1000, (0.4, 0.4))), gain(Store(1000, UNKNOWN))
    ((1000, 1000), (600, 600), (0, 1000))

    A zram device with a limit takes fewer pages; behind zswap's there is a disk:

    >>> gain(Store(1000, (0.5, 0.5), 100)), gain(Store(1000, (0.5, 0.5), 100, spills=True))
    ((100, 100), (900, 900))
    """
    most, least = (_net(store, ratio) for ratio in store.ratio)
    return least, most


def _net(store: Store, ratio: float) -> int:
    taken = store.free * ratio
    if store.ram_left is None or taken <= store.ram_left:
        return int(store.free - taken)
    return store.free - store.ram_left if store.spills else int(store.ram_left / ratio - store.ram_left)
