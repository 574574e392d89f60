"""A model of a session by its name, which the parts of `Model` share."""

from __future__ import annotations

from mvc.api.session import Session


class Handle:
    """A model by its name."""

    def __init__(self, session: Session, name: str) -> None:
        """Hold the model `name`. Raises NoModel."""
        self._session = session
        self.name = name
        session.repository.head(name)
