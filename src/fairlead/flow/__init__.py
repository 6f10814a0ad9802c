"""The engine room: playbooks, planner, runner, effect ledger, timers. It knows no business word."""
