"""Changes of the working tree: staged in full, then renamed; an interrupted change is rolled forward.

plan ─ stage (decode, verify, fsync) ─ journal ─ ref entries ─ renames, deletions ─ head ─ journal removed
       nothing changed yet: damage or   └── from here, an interrupted change is rolled forward
       a full disk aborts the change
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.model.ids import FileId
from mvc.repository.parts import Parts
from mvc.repository.worktree import links, model_file
from mvc.repository.worktree.snapshot import UNREAD
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.temporary import TEMPORARY, Batch
from mvc.storage.progress import Progress
from mvc.storage.records import journal, merges, sparse
from mvc.storage.records.journal import FileStep, Journal, MoveStep
from mvc.storage.records.reflog import RefName

if TYPE_CHECKING:
    from mvc.storage.records import stashes
    from mvc.storage.records.unfinished import bisections
else:
    stashes = lazy.Module("mvc.storage.records.stashes")
    bisections = lazy.Module("mvc.storage.records.unfinished.bisections")


def change(repository: Parts, plan: Journal, progress: Progress | None = None, *, discard: bool = False) -> None:
    """Carry out `plan`; the caller holds the lock. `repository.left_alone` gets the paths that were edited since the plan.

    Overwritten files that are stored nowhere are kept for `mvc undo`, unless they are to `discard`.
    Raises RefMoved if a ref of the plan moved, PolicyRefused, TooMuchToKeep, and Damaged, DiskFailed and the like before any
    change.
    """
    refs = repository.gate.steps(plan.refs)
    staged = _stage(repository, plan.files, progress)
    plan = replace(plan, files=tuple(staged), refs=refs)
    try:
        if repository.recorder is not None:
            repository.recorder.change(plan, discard=discard)
        if not repository.door.create(journal.NAME, plan.encode()):
            raise errors.UnfinishedSwitch(
                verb=plan.verb, model=plan.model, reason="another switch started in the meantime"
            )
    except BaseException:
        _discard(repository, plan.files)
        raise
    repository.left_alone += _finish(repository, plan)
    for step in plan.refs:
        repository.record_move(step.name, step.entry)


def roll_forward(repository: Parts) -> tuple[str, ...]:
    """Roll an interrupted change forward, if there is one; return the paths that were edited since and not changed."""
    pending = journal.pending(repository.door)
    return _finish(repository, pending) if pending else ()


def _finish(repository: Parts, plan: Journal) -> tuple[str, ...]:
    _create_refs(repository, plan)
    left_alone = tuple(step.old for step in plan.moves or () if not _move(repository, step))
    left_alone += tuple(step.path for step in plan.files if not _do(repository, step))
    repository.tree.sync()
    if plan.sparse is not None:
        sparse.record(repository.door, plan.model, plan.sparse)
    if plan.merge is not None:
        merges.record(repository.door, plan.merge)
    if plan.merged:
        merges.end(repository.door, plan.model)
    if plan.head is not None:
        repository.heads.set(plan.model, plan.head)
    if plan.rename is not None:
        _rename_model(repository, plan, plan.rename)
    repository.door.remove(journal.NAME)
    repository.stats.save()
    return left_alone


def _create_refs(repository: Parts, plan: Journal) -> None:
    if plan.rename is not None and not repository.door.exists(_logs(plan.model)):
        return  # they were created before the logs were renamed
    for step in plan.refs:
        try:
            repository.refs.create(step.name, step.entry)
        except errors.RefMoved:
            _discard(repository, plan.files)
            repository.door.remove(journal.NAME)  # no file was changed yet: abort the change
            raise


def _move(repository: Parts, step: MoveStep) -> bool:
    """Rename a file or folder; return False if somebody removed it, or put another one at its new path."""
    tree = repository.tree
    is_there, is_done = tree.stat(step.old) is not None, tree.stat(step.new) is not None
    if is_there == is_done:
        return False
    if is_there:
        tree.rename(step.old, step.new)
    else:  # by a command that may have been killed before the fsync of the folders
        tree.settle_rename(step.old, step.new)
    return True


def _do(repository: Parts, step: FileStep) -> bool:
    """Carry out one step; return False if the file was edited since the plan, and is not changed.

    An unchanged stat does not prove that the file was not edited; only its bytes do, or a row of the stat cache.
    """
    tree = repository.tree
    now = tree.stat(step.path)
    if not step.anything:
        content = _content(repository, step.path, now)
        if content == step.file:
            tree.touch(step.path)  # done by a command that may have been killed before the fsync of the folder
            _discard(repository, (step,))
            if step.file is not None and now is not None and now.is_file and now.executable != step.executable:
                tree.chmod(step.path, executable=step.executable)
            return True
        if content != step.old:
            _discard(repository, (step,))
            return False
    if step.file is None:
        tree.delete(step.path)
        repository.stats.forget(step.path)
        return True
    _place(repository, step, step.file)
    return True


def _place(repository: Parts, step: FileStep, file: FileId) -> None:
    if step.staged is None or not repository.door.has_temporary(step.staged):  # after a crash, tmp/ was swept
        (step,) = _stage(repository, (step._replace(staged=None),), None, again=True)
    repository.stats.place(step.path, repository.door.path(f"{TEMPORARY}/{step.staged}"), file)


def _stage(
    repository: Parts, steps: Iterable[FileStep], progress: Progress | None, *, again: bool = False
) -> list[FileStep]:
    steps = list(steps)
    done: list[FileStep] = []
    batch = Batch()
    try:
        if progress is not None:
            sizes = [_size(repository, step.file) for step in steps if again or _has_content(step)]
            progress.expect(sum(sizes), "Writing files")
        for step in steps:
            if step.file is None or not (again or _has_content(step)):
                done.append(step)
                continue
            temporary = repository.door.temporary()
            done.append(step._replace(staged=temporary.path.name))
            repository.extract.to_temporary(step.file, temporary, progress=progress)
            batch.add(temporary, 0o777 if step.executable else 0o666)
        batch.close()
    except BaseException:
        batch.discard()
        _discard(repository, done)
        raise
    return done


def _has_content(step: FileStep) -> bool:
    """Return whether the step writes bytes, instead of deleting or changing the executable bit."""
    return step.file is not None and (step.file != step.old or step.anything)


def _size(repository: Parts, file: FileId | None) -> int:
    recipe = repository.recipes.best(file) if file is not None else None
    return recipe.size if recipe else 0


def _discard(repository: Parts, steps: Iterable[FileStep]) -> None:
    for step in steps:
        if step.staged is not None:
            repository.door.discard(step.staged)


def _content(repository: Parts, path: str, stat: Stat | None) -> FileId | None:
    """Return the id of the file at `path`, None for no file; UNREAD for a file that changes during the read."""
    if stat is None or not stat.is_link:
        return None if stat is None else repository.stats.identify(path, stat) or UNREAD
    return links.content(repository, path) or UNREAD  # it is replaced if its target has the bytes of a version


def _logs(model: str) -> str:
    """Return the folder of a model's ref logs, below `.mvc`."""
    return RefName(model, "x", "x").folder.rsplit("/", 2)[0]


def _rename_model(repository: Parts, plan: Journal, new: str) -> None:
    """Rename the model: its merge, its bisect, its stashes, its ref logs, its head, and the name in its model.toml; skip completed steps.

    The new head is written first and the old one deleted last, so that a history always has a head.
    """
    old_logs, new_logs = _logs(plan.model), _logs(new)
    merge = merges.recorded(repository.door, plan.model)
    if merge is not None:
        merges.record(repository.door, replace(merge, model=new))
        merges.end(repository.door, plan.model)
    bisect = bisections.recorded(repository.door, plan.model)
    if bisect is not None:
        bisections.record(repository.door, replace(bisect, model=new))
        bisections.end(repository.door, plan.model)
    left_out = sparse.paths(repository.door, plan.model)
    if left_out:
        sparse.record(repository.door, new, left_out)
        sparse.record(repository.door, plan.model, ())
    if repository.door.exists(stashes.FOLDER):
        _rename_folder(repository, stashes.folder(plan.model), stashes.folder(new))
    for logs in repository.annotations.values():
        logs.rename(plan.model, new)
    head = repository.heads.get(plan.model)
    if head is not None:
        repository.heads.set(new, head)
    _rename_folder(repository, old_logs, new_logs)
    model_file.set_name(repository, repository.head(new).folder, plan.model, new)
    repository.heads.remove(plan.model)


def _rename_folder(repository: Parts, old: str, new: str) -> None:
    if repository.door.exists(old):
        repository.door.rename_folder(old, new)
    else:  # renamed by a command that may have been killed before the fsync of the folder
        repository.door.make_durable(new.rpartition("/")[0])
        repository.door.barrier()
