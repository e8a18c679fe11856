"""The commands, one a module: they parse, call and print.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""
