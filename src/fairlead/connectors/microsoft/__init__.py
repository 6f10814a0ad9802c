"""Microsoft 365 through Graph: documents in a SharePoint library, channels in a team."""
