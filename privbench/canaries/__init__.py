"""Canaries: pool records that are altered so that they are as exposed as possible.

    kinds.py  the kinds of canaries, and which records each can be made of
    plant.py  make canaries of some of the pool records

Source of most kinds: Aerni, Zhang, Tramer 2024 (arXiv 2404.17399), who found that a defense has to be
measured on canaries that fit it: wrong labels for most, blank images for DP-SGD, twins for SELENA.
"""

from privbench.canaries.kinds import CANARY_KINDS, CanaryKind, obstacle

__all__ = ["CANARY_KINDS", "CanaryKind", "obstacle"]
