"""One file a change, in order: `0007_pre_….py`. Apart from `0001`, see `script.py.mako`."""
