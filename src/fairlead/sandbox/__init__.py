"""Outside systems to rehearse against: vendors' dialects over real HTTP, with faults on demand."""
