"""Permissions of a store by which only one role may move certain refs, as the store's own tools take them.

alias:prod ─► heads/prod, tags/prod, aliases/prod ─► s3     bucket policy
                                                  ├► gcs    conditions of IAM, in commands
                                                  ├► azure  condition of a role assignment, in commands
                                                  └► unix   owners, groups and mode bits, in commands
"""
