"""The demo's integration, as a reader would write one for a CRM of their own.

`fields` is the table of fields, `consumer` reaches the CRM, `app` puts them together; `contact-sync serve` runs it.
"""
