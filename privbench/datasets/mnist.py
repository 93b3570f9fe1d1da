"""MNIST and Fashion-MNIST."""

from __future__ import annotations

from privbench.datasets.idx import IdxDataset


class Mnist(IdxDataset):
    """70,000 handwritten digits, 28x28 grey, 10 classes."""

    name = "mnist"
    paper = "LeCun et al. 1998, Gradient-based learning applied to document recognition"
    folder = "mnist"
    base_url = "https://ossci-datasets.s3.amazonaws.com/mnist"
    checksums = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )
    class_counts = (6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958)


class FashionMnist(IdxDataset):
    """70,000 images of clothes, 28x28 grey, 10 classes."""

    name = "fashion-mnist"
    paper = "Xiao et al. 2017, arXiv 1708.07747"
    folder = "fashion-mnist"
    # The host has no https; the checksums protect the download.
    base_url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    checksums = (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    )
    class_counts = (7000,) * 10
