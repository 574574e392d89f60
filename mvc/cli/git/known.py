"""Words of Git that mvc has no use for: known, so that they are never taken for misspellings."""

from __future__ import annotations

VERBS = frozenset(
    """
    bugreport check-attr check-mailmap check-ref-format column commit-graph commit-tree credential
    credential-cache credential-store daemon diagnose fast-import fetch-pack fmt-merge-msg for-each-repo
    fsck-objects get-tar-commit-id hook http-backend http-fetch http-push imap-send index-pack init-db instaweb
    interpret-trailers mailinfo mailsplit merge-file merge-index merge-octopus merge-one-file merge-ours
    merge-recursive merge-recursive-ours merge-resolve merge-subtree merge-tree mktag mktree multi-pack-index
    pack-objects pack-redundant patch-id pickaxe quiltimport read-tree receive-pack replace rerere send-pack
    shell show-index stripspace unpack-file unpack-objects update-server-info upload-archive upload-pack
    verify-pack web--browse write-tree
    """.split()  # noqa: SIM905 - a list of literals would have a line for each
)
"""Git's commands that have no counterpart."""
OPTIONS = frozenset(
    """
    --and --append --bare --color-moved --contents --context --decorate-refs --deepen --depth --dirstat --filter
    --find-copies-harder --follow-tags --group --ignore-cr-at-eol --ignore-matching-lines --ignore-rev --include
    --merge --naked --not --numstat --or --quit --raw --recurse-submodules-default --ref --refetch --renames
    --shortstat --show-scope --show-stats --sign --sparse --strategy --submodule-prefix --track --unset-all
    --word-diff-regex
    """.split()  # noqa: SIM905 - a list of literals would have a line for each
)
"""Git's options that are spelt like one of mvc's."""
