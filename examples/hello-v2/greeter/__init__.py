"""The package of the example: it shows that folders are deployed as they are."""


def greeting(name: str) -> str:
    """One line of welcome."""
    return f"Good day, {name}!"
