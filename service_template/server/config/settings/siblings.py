"""Other services that this one calls: SIBLINGS=ledger,mail and for each its SIBLING_LEDGER_TOKEN and, unless it is on
this machine under its own name, its SIBLING_LEDGER_URL."""

from foundation import environment


def sibling(name: str) -> dict[str, str]:
    """Where it is, and our token for it."""
    prefix = f"SIBLING_{name.upper().replace('-', '_')}"
    return {
        "url": environment.text(f"{prefix}_URL", f"http://{name}:8000"),
        "token": environment.secret(f"{prefix}_TOKEN"),
    }


SIBLINGS = {name: sibling(name) for name in environment.words("SIBLINGS", "")}
