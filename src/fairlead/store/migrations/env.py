"""What Alembic runs for each upgrade. The caller gives the connection, and the metadata to draft
a new migration from; neither is imported here, so that an old migration never meets new code."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
