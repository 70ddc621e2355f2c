"""`python -m coldspring`: the same as the command `coldspring`."""

from coldspring.cli import main

if __name__ == "__main__":
    main()
