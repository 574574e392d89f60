"""The documents of the page: a repository as JSON values, without a clock; docs/reference/page-data.md describes them.

site ─► model ─► version       site and model are indexes; a version's document depends on its id alone
             └─► state         notes on a version, which may change
             └─► compare       the tensors of two versions
     └─► storage               what the store saves
"""
