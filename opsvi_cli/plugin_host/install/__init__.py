"""Putting plugins into the environment of opsvi and taking them out again.

asked.py       what the user typed: a name, a folder, a wheel, a git address
contents.py    the files of it, read and never run
scan.py        what its code touches, from its syntax trees
inspection.py  all that is known of it before anything runs
where_opsvi_lives.py  how opsvi was installed, and so which installer it answers to
commands.py    the commands of that installer
undo.py        the environment as it was before
probe.py       a child process that loads what is installed, and what it says
record.py      the list of installed plugins, `plugins.toml`
plans.py       what would be done
actions.py     doing it
"""
