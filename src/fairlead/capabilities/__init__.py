"""The application: one folder a capability, with its playbooks, policies and actions."""
