"""VmFlags are explained, all that kernels have had, and passed through where nobody knows them."""

from pymemtools.procfs.vmflags import VMFLAGS, flags_legend


def test_known_in_the_kernels_order_and_unknown_ones_last() -> None:
    assert flags_legend([b"wr rd", b"zz rd \xff"]) == [
        ("rd", "readable"),
        ("wr", "writable"),
        ("zz", None),
        ("\udcff", None),
    ]
    assert flags_legend([]) == []


def test_every_mnemonic_up_to_linux_7_2() -> None:
    codes = "rd wr ex sh mr mw me ms gd gu pf dw lo io sr rr dc de lf ac nr ht sf nl ar wf dd mp bt mt sd mm hg nh mg"
    assert set(VMFLAGS) == {*codes.split(), "um", "uw", "ui", "ur", "ss", "dp", "sl", "??"}
