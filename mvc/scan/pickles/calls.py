"""The judgement of calls in a pickle: each function, class, argument and state against the table of `globals`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mvc.formats.source import Source
from mvc.scan import globals as table
from mvc.scan import known_names
from mvc.scan.globals import Arguments, State, Use
from mvc.scan.pickles import dtypes, held, own_calls, rules, values
from mvc.scan.pickles.machine import MAX_TEXT, Called, Machine
from mvc.scan.pickles.values import MAX_KEPT, Bytes, Container, Made, Named, Persistent, is_value
from mvc.scan.verdict import Verdict

_MAX_SHOWN = 1_000
"""Calls of one pickle that are shown with their arguments, at most."""
_BASES = own_calls.VALUES
"""Classes of values from which others inherit; protocols 0 and 1 make their objects by the base's `__new__`."""
_ENCODINGS = {"latin1", "latin-1", "iso8859-1", "utf-8", "utf8", "ascii"}


class Calls(Called):
    """The judgement for `pickle.load`, which knows no object outside of the pickle."""

    def call(self, machine: Machine, function: Any, args: Any) -> Any:
        """Return the result of a call."""
        if not isinstance(function, Named):
            machine.report(rules.CALLABLE)
            return Made(None, args, is_new=False)
        function.is_made = True
        use = table.use_of(function.module, function.name)
        if use is None:
            if (named := own_calls.result(function, args)) is not None:
                machine.names.extend([] if own_calls.is_of_values(named) else [named])
                if function.path != own_calls.GETATTR:
                    machine.report(rules.CODE_CALL, function.path, call=_shown(machine, function, args))
                return named
            self._report_call(machine, function, args)
            if own_calls.holds_file(function) and isinstance(args, tuple) and args:
                self.load(machine, args[0])
        elif function.path == table.RECONSTRUCTOR:
            return self._reconstruct(machine, args)
        elif use.arguments is Arguments.ARRAY and (class_ := _array_class(args)) is not None:
            class_.is_made = True
            runs = known_names.runs_by_name(class_.module, class_.name) or not known_names.is_quiet(class_.module)
            machine.report(rules.CALL if runs else rules.CLASS, class_.path)
        elif use.arguments is Arguments.REBUILT and (rebuild := _rebuild(args)) is not None:
            rebuild.is_made = True
            self._report_call(machine, rebuild, args[2])
        elif not isinstance(args, tuple) or not _accepts(use.arguments, args) or _is_stand_in(use, args):
            machine.report(rules.ARGUMENTS, function.path, call=_shown(machine, function, args))
        else:
            self._report_data(machine, use, function)
            if use.arguments is Arguments.STORAGE:
                self.load(machine, args[0])
        return Made(function, args, is_new=False)

    def make(self, machine: Machine, class_: Any, args: Any) -> Any:
        """Return an object of a class."""
        if not isinstance(class_, Named):
            machine.report(rules.CALLABLE)
            return Made(None, args, is_new=True)
        class_.is_made = True
        use = table.use_of(class_.module, class_.name)
        if use is not None:
            if use.is_made and is_value(args):
                self._report_data(machine, use, class_)
            else:
                machine.report(rules.ARGUMENTS, class_.path)
        elif known_names.is_code_call(class_.module, class_.name):
            machine.report(rules.CODE_CALL, class_.path, call=_shown(machine, class_, args))
        elif known_names.runs_by_name(class_.module, class_.name) or not known_names.is_quiet(class_.module):
            machine.report(rules.CALL, class_.path, call=_shown(machine, class_, args))
        else:
            machine.report(rules.CLASS_ARGUMENTS if args != () else rules.CLASS, class_.path)
        return Made(class_, args, is_new=True)

    def build(self, machine: Machine, instance: Any, state: Any) -> None:
        """Judge the state of an object."""
        function = instance.function if isinstance(instance, Made) else None
        if isinstance(instance, Made):
            instance.state = state
        use = table.use_of(function.module, function.name) if function is not None else None
        if function is not None and own_calls.holds_file(function):
            self.load(machine, state[0] if isinstance(state, tuple) and state else state)
        elif function is None:
            machine.report(rules.STATE, *([instance.path] if isinstance(instance, Named) else []))
        elif use is not None:
            is_dict = isinstance(state, Container) and state.kind == "dict"
            is_fit = use.state is State.OWN or (use.state is State.ATTRIBUTES and is_dict)
            if not is_fit or (function.path == dtypes.PATH and not dtypes.is_consistent(instance)):
                machine.report(rules.STATE, function.path)
            if function.path == table.SHARD:
                _check_shard(machine, state)

    def add(self, machine: Machine, target: Any, kind: str) -> None:
        """Judge items that are added to an object."""
        function = target.function if isinstance(target, Made) else None
        if function is None:
            machine.report(rules.ITEMS)
            return
        use = table.use_of(function.module, function.name)
        if use is None:
            machine.report(rules.CLASS_ITEMS, function.path)
        elif use.items != kind:
            machine.report(rules.ITEMS, function.path)

    def refer(self, machine: Machine, id_: Any) -> Any:
        """Report an object outside of the pickle."""
        machine.report(rules.PERSISTENT)
        return Persistent(id_)

    def load(self, machine: Machine, data: Any) -> None:
        """Scan the bytes of a file that a function of the table loads."""
        source = machine.window.source
        name = f"byte {machine.window.position}"
        match data:
            case Bytes():
                machine.scan.nested(source.part(data.offset, data.size), name)
            case Made(args=(str(text), "latin1")) if len(text) < MAX_TEXT:
                content = text.encode("latin1", "replace")
                inner = Source(lambda offset, size: content[offset : offset + size], len(content), name)
                inner.depth = source.depth + 1
                machine.scan.nested(inner, name)
            case Made(function=Named(path="builtins.bytes"), args=()):
                pass  # the empty string of protocol 2
            case _:
                machine.report(rules.STORAGE)

    def hold(self, machine: Machine, value: Bytes | str) -> None:
        """Scan a value that may be a pickle."""
        offset = machine.window.position
        if isinstance(value, str):
            is_raw = isinstance(value, values.OldText) and value.startswith("\x80")
            content = value.encode("latin1") if is_raw else held.decoded(value)
            held.report(content, machine.scan, offset=offset)
        else:
            inner = machine.window.source.part(value.offset, value.size)
            held.report_source(inner, machine.scan, offset=offset)

    def finish(self, machine: Machine) -> None:
        """Report the names that were looked up and not called."""
        for named in machine.names:
            if "." in named.name and named.is_sound and not self._is_nested_class(named):
                machine.report(rules.DOTTED_NAME, named.path)
            elif not named.is_made and table.use_of(named.module, named.name) is None:
                runs = known_names.runs_by_name(named.module, named.name)
                machine.report(rules.IMPORT if runs else rules.REFERENCE, named.path)

    def _reconstruct(self, machine: Machine, args: Any) -> Any:
        """Return the object that `copyreg._reconstructor` makes of a class; it calls the `__new__` of its base."""
        match args:
            case (Named() as class_, Named(path="builtins.object") as base, None):
                base.is_made = True
                return self.make(machine, class_, ())
            case (Named() as class_, Named() as base, value) if base.path in _BASES and _fits(base.path, value):
                base.is_made = True
                return self.make(machine, class_, (value,) if is_value(value) else ())
        machine.report(rules.ARGUMENTS, table.RECONSTRUCTOR)
        return Made(None, args, is_new=False)

    @staticmethod
    def _report_call(machine: Machine, function: Named, args: Any) -> None:
        is_simple = isinstance(args, tuple) and (not args or (len(args) == 1 and isinstance(args[0], int)))
        module, name = function.module, function.name
        is_code = known_names.is_code_call(module, name) or own_calls.is_harmless(function, args)
        runs = not is_code and known_names.runs_if_called(module, name, is_simple=is_simple)
        machine.report(rules.CALL if runs else rules.CODE_CALL, function.path, call=_shown(machine, function, args))

    @staticmethod
    def _report_data(machine: Machine, use: Use, named: Named) -> None:
        if use.verdict is Verdict.DATA:
            machine.report(rules.DATA_CLASS, named.path)

    @staticmethod
    def _is_nested_class(named: Named) -> bool:
        """Return whether a name with dots is that of a class or a method inside of a class."""
        *classes, last = named.name.split(".")
        capitals = all(part.lstrip("_")[:1].isupper() for part in classes)
        is_class = last.lstrip("_")[:1].isupper() and named.module.partition(".")[0] not in known_names.STANDARD
        return capitals and (is_class or (known_names.has_harmless_methods(named.module) and "__" not in last))


def _check_shard(machine: Machine, state: Any) -> None:
    """Report a part of a checkpoint in another folder: torch joins the path to that of the checkpoint."""
    path = state.get("relative_path") if isinstance(state, Container) and not state.is_full else None
    if not isinstance(path, str) or path.startswith("/") or "\\" in path or ".." in path.split("/"):
        machine.report(rules.SHARD, detail=str(path))


def _shown(machine: Machine, function: Named, args: Any) -> str:
    """Return a call as Python would write it; without its arguments once a report has enough of them."""
    machine.shown += 1
    return values.call(function, args, depth=3 if machine.shown <= _MAX_SHOWN else 0)


def _accepts(arguments: Arguments, args: tuple[Any, ...]) -> bool:
    """Return whether a function may be called with some arguments."""
    if len(args) > MAX_KEPT:
        return False
    match arguments, args:
        case (Arguments.ANY, _) | (Arguments.TUPLE, (tuple(),)):
            return True
        case Arguments.DTYPE, (Named(path=path), *rest) if path == "numpy.record" or path in table.SMALL_SCALARS:
            return is_value(tuple(rest))
        case Arguments.VALUES | Arguments.DTYPE | Arguments.TUPLE, _:
            return is_value(args)
        case Arguments.NOTHING, (None,):
            return True
        case Arguments.ENCODED, (str() | values.STRING, str(encoding)):
            return encoding in _ENCODINGS
        case Arguments.BYTES, () | (Bytes() | Container() | Made(),):
            return is_value(args)
        case Arguments.BYTES, (str() | values.STRING, str(encoding)):
            return encoding in _ENCODINGS
        case Arguments.CLASS, () | (None,):
            return True
        case Arguments.CLASS, (Named(),) | (Named(), Container()) | (Made(function=Named(path="functools.partial")),):
            return True  # it is not called while the pickle is loaded, and reported as a reference
        case Arguments.ARRAY, (Named(path="numpy.ndarray"), *rest):
            return is_value(tuple(rest))
        case Arguments.REBUILT, (Named() as function, Named(), tuple() as inner, *_):
            return function.path in table.REBUILDS and _is_rebuilt(inner)
        case Arguments.REBUILT_ARRAY, (Named() as function, tuple() as inner, tuple(), Container()):
            use = table.use_of(function.module, function.name)
            return use is not None and use.arguments is Arguments.ARRAY and _accepts(use.arguments, inner)
        case Arguments.STORAGE, (Bytes(),) | (Made(function=Named(path=table.ENCODE)),):
            return True
        case Arguments.GENERATOR, _:
            return all(_is_generator(value) for value in args)
    return False


def _is_stand_in(use: Use, args: tuple[Any, ...]) -> bool:
    """Return whether a function that makes tensors or arrays is given an object in their place; it calls their methods."""
    if use.verdict is not Verdict.PLAIN or use.arguments is not Arguments.ANY:
        return False
    made = (value.function for value in args if isinstance(value, Made) and value.function is not None)
    uses = (table.use_of(function.module, function.name) for function in made)
    return any(use is not None and use.verdict is Verdict.DATA and use.state is State.ATTRIBUTES for use in uses)


def _rebuild(args: Any) -> Named | None:
    """Return the function outside of the table by which a subclass of tensors rebuilds its objects; torch calls it."""
    match args:
        case (Named() as function, Named(), tuple(), *_) if not _is_listed(function):
            return function
    return None


def _array_class(args: Any) -> Named | None:
    """Return the class of arrays that numpy is given in place of its own; it takes no other class."""
    match args:
        case (Named() as class_, *_) if len(args) <= MAX_KEPT and not _is_listed(class_) and is_value(args[1:]):
            return class_
    return None


def _fits(base: str, value: Any) -> bool:
    """Return whether the base of a class takes a value without calling anything; a tuple is only copied."""
    return is_value(value) or (base == "builtins.tuple" and isinstance(value, tuple))


def _is_generator(value: Any) -> bool:
    """Return whether a constructor of random generators may be given a value: it calls one of its arguments with the other."""
    named = value.function if isinstance(value, Made) else value
    if isinstance(named, Named):
        return _is_listed(named) and named.module.startswith("numpy.random.")
    return is_value(value)


def _is_rebuilt(args: Sequence[Any]) -> bool:
    return len(args) <= MAX_KEPT and not any(isinstance(value, Named) and not _is_listed(value) for value in args)


def _is_listed(named: Named) -> bool:
    return table.use_of(named.module, named.name) is not None
