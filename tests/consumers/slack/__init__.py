"""The members of a Slack workspace as contacts."""
