"""What each subcommand of `stoa` does; the command line itself is stoa.project.cli."""
