"""What people do: tasks, approvals, exceptions, SLAs, notifications."""
