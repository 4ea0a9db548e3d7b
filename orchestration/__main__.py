"""`python -m orchestration` is the console script `commissions`."""

from orchestration.cli.main import main

if __name__ == "__main__":
    main(prog_name="commissions")
