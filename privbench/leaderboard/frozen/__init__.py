"""Frozen outputs: populations whose outputs are published and whose targets' membership is withheld.

An attack on them trains nothing. It is an array of scores, or a plugin, and is measured without being in
one process with the membership of the targets.

    freeze.py   train populations with a secret seed, and write both folders
    folder.py   the public folder: outputs of targets and shadows, with a checksum of each file
    secret.py   the secret folder: the seed and the membership of the targets
    attack.py   score the targets of a public folder
    isolated.py the same in a process from which the secret folder is hidden
    scores.py   files of scores, which others send
    judge.py    measure scores by the membership of the targets
"""
