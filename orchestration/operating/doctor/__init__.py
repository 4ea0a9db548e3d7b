"""`commissions doctor`: looks at an installation from outside, names what is wrong and the command that fixes it.

Nothing is written, nothing is asked of the network without `--online`, no secret is printed. Each check is one function
in one module of this package:

    @check("books", "chains and bytes")
    def chains(patient: Patient) -> Iterator[Finding]:
        yield ok("...") or warning("...", fix="...") or error("...", fix="...")

A module that is named in `examine.MODULES` is looked at; a check that itself fails is an error of its own.
"""
