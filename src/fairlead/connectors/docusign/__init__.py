"""DocuSign eSignature, REST API v2.1, as the place where contracts are signed (F027, F028)."""
