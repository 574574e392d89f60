"""Operations: what each command changed, and how it is undone."""
